"""The one ending, whatever stands in its way: what the upstream said, what Redis takes, who is left to write it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.stream import keys
from app.stream.endings import Outcome
from app.stream.frames import Position, encode, origin
from app.stream.ledger.lines import Calls
from app.stream.log import Log, Status
from tests.worker.life.chronicles import chronicle
from tests.worker.log.committing import Hand, committing
from tests.worker.plain_upstream import EVENT_STREAM, PlainUpstream
from tests.worker.workshop import Stream, Workshop
from worker.life.ending import relay_end
from worker.life.ending.account import Account
from worker.life.ending.writing import REFUSALS_MAX, Ending
from worker.life.interrupt import Interrupt, Interruption
from worker.life.steps import End
from worker.log.writer import Writer
from worker.upstream.message import GatheredMessage

START = b'{"type":"message_start","message":{"id":"msg_1","content":[],"usage":{"input_tokens":3}}}'
TEXT = b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'
WORDS = b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"words"}}'
DONE = b'{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}'
STOP = b'{"type":"message_stop"}'


def upstream(*events: bytes) -> PlainUpstream:
    body = b"".join(b"event: %b\ndata: %b\n\n" % (json.loads(data)["type"].encode(), data) for data in events)
    return PlainUpstream(EVENT_STREAM + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body)


def logged(*events: bytes, position: Position = origin("st_1")) -> bytes:  # noqa: B008  # a value
    """These events as a log has them."""
    data, (offset, crc) = b"", position
    for event in events:
        raw, offset, crc = encode(json.loads(event)["type"].encode(), event, offset, crc)
        data += raw
    return data


def tool(text: str) -> list[bytes]:
    """A tool's use with this input, in parts of up to 1,000 characters."""
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    events: list[object] = [{"type": "content_block_start", "index": 0, "content_block": block}]
    for at in range(0, len(text), 1000):
        delta = {"type": "input_json_delta", "partial_json": text[at : at + 1000]}
        events.append({"type": "content_block_delta", "index": 0, "delta": delta})
    return [json.dumps(event).encode() for event in events]


def deep(depth: int) -> str:
    return '{"a":' * depth + "1.50" + "}" * depth


@pytest.mark.parametrize("depth", [250, 300, 980, 1010, 1024, 1100, 30_000])
async def test_a_finished_answer_is_not_lost_however_deep_it_is(shop: Workshop, depth: int) -> None:
    with upstream(START, *tool(deep(depth)), DONE, STOP) as claude:
        async with shop.worker(anthropic_base_url=claude.url):
            stream = await shop.run("")
    assert (stream.outcome, stream.meta["attempts"], stream.names[-1]) == ("completed", b"1", "relay.end")
    assert ("message" in stream.meta) == (depth <= 1020)  # the Message itself has some levels
    if depth <= 1020:
        assert b'"input":' + deep(depth).encode() in stream.meta["message"]


@pytest.mark.parametrize(
    "reason",
    [
        b'"\\ud800 half"',
        b'"\\u0000"',
        b"7",
        b"null",
        b"[1]",
        b'{"a":1}',
        b"123456789012345678901234567890",
        b'"%b"' % (b"x" * 50_000),
    ],
)
async def test_a_stop_reason_may_be_anything(shop: Workshop, reason: bytes) -> None:
    done = b'{"type":"message_delta","delta":{"stop_reason":%b},"usage":{"output_tokens":1}}' % reason
    with upstream(START, TEXT, WORDS, done, STOP) as claude:
        async with shop.worker(anthropic_base_url=claude.url):
            stream = await shop.run("")
    assert (stream.outcome, stream.meta["attempts"], stream.names[-1]) == ("completed", b"1", "relay.end")
    assert json.loads(stream.meta["message"])["stop_reason"] == json.loads(reason)
    if reason.startswith(b'"'):
        stream.meta["stop_reason"].decode()


async def test_numbers_keep_their_digits(shop: Workshop) -> None:
    usage = b'{"input_tokens":3,"odd":[1e400,12345678901234567890123,0.10000000000000000000001,-0]}'
    start = b'{"type":"message_start","message":{"id":"m","future":1.50E+2,"content":[],"usage":%b}}' % usage
    told = '{"n": 1234567890123456789012345678901234567890, "x": 1.0000000000000000000000001E-5}'
    with upstream(start, *tool(told), DONE, STOP) as claude:
        async with shop.worker(anthropic_base_url=claude.url):
            stream = await shop.run("")
    whole = usage[:-1] + b',"output_tokens":1}'
    assert stream.outcome == "completed"
    for part in (b'"input":' + told.encode(), b'"future":1.50E+2', b'"usage":' + whole):
        assert part in stream.meta["message"]
    assert stream.meta["usage"] == whole
    assert b'"usage":' + whole in stream.frames[-1].data


async def test_a_fault_of_ours_leaves_out_the_message_and_not_the_ending(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RecursionError("the secret answer")

    monkeypatch.setattr(relay_end, "fields", broken)
    async with shop.worker():
        stream = await shop.run("[[sim: tokens=3]]")
    assert (stream.outcome, stream.meta["attempts"], stream.names[-1]) == ("completed", b"1", "relay.end")
    assert "message" not in stream.meta
    assert "RecursionError" in caplog.text
    assert "secret" not in caplog.text


# --- what Redis takes


async def test_a_log_that_is_longer_than_the_limit_is_now_still_ends(shop: Workshop) -> None:
    async with shop.worker():
        stream_id = await shop.submit("[[sim: tokens=4000 rate=400]]", on_interrupt="fail")
        await shop.until(stream_id, lambda stream: sum(len(frame.raw) for frame in stream.frames) > 20_000)
    await shop.redis.zadd("ks:{queue}:leases", {stream_id: 1})
    async with shop.worker(max_log_bytes=8192):
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.names[-1]) == ("failed", "relay.end")


@pytest.fixture
async def short(redis: Redis) -> AsyncIterator[None]:
    """A Redis whose longest string is 1 MiB."""
    before = (await redis.config_get("proto-max-bulk-len"))["proto-max-bulk-len"]
    await redis.config_set("proto-max-bulk-len", 1024 * 1024)
    yield
    await redis.config_set("proto-max-bulk-len", before)


@pytest.mark.usefixtures("short")
async def test_a_log_that_redis_takes_no_more_of_ends_without_a_loop(
    shop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    async with shop.worker():
        stream_id = await shop.submit("[[sim: big-delta=600000 big-delta=600000 tokens=9000 tag=long]]")
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.json("error")["message"]) == ("failed", "Redis takes no more of its log")
    assert stream.meta["partial"] == b"1"
    assert (await shop.calls("long"))["calls"] == 1
    assert len(caplog.records) < 20


@pytest.mark.usefixtures("short")
async def test_an_ending_that_the_log_does_not_take_is_told_by_the_meta(redis: Redis, valkey: EmbeddedValkey) -> None:
    account = Account(1, GatheredMessage(), content=True, complete=True, first_at=None, calls=Calls())
    async with committing(valkey.url) as committer:
        hand = await Hand(redis, committer).take("st_1")
        closing = Ending("st_1", Log(redis), Interrupt(), 60_000, chronicle())
        hand.writer.frame(b"big", b"x" * (1024 * 1024 - 100))
        await hand.writer.flush()
        stands = hand.writer.position
        assert not await closing.write(End(Outcome.COMPLETED), account, hand.writer, {}, readable=True)
        assert hand.watcher.refusals == [Status.REFUSED]
        await closing.refused(Status.REFUSED)
        assert closing.is_due_at(stands)
        writer = Writer(hand.claim, stands, 10**8, committer, hand.watcher)
        assert await closing.write(End(Outcome.COMPLETED), account, writer, {}, readable=True)
    assert (await redis.hmget(keys.meta("st_1"), "state", "outcome")) == [b"ended", b"completed"]
    assert await redis.strlen(keys.log("st_1")) == stands.offset


async def test_an_ending_that_nothing_takes_is_left_after_some_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.life.ending.writing.REFUSED_SECONDS", 0.001)
    closing = Ending("st_1", Log(Redis()), Interrupt(), 60_000, chronicle())
    for _ in range(REFUSALS_MAX):
        await closing.refused(Status.CONFLICT)
    with pytest.raises(Interruption):
        await closing.refused(Status.CONFLICT)


# --- who is left


def has_text(stream: Stream) -> bool:
    return stream.names.count("content_block_delta") >= 3


@pytest.mark.parametrize("max_attempts", [1, 3])
async def test_what_people_saw_is_kept_by_who_takes_over_and_did_not_read_it(shop: Workshop, max_attempts: int) -> None:
    wanted = "restart" if max_attempts == 1 else "fail"
    async with shop.worker():
        stream_id = await shop.submit("[[sim: tokens=4000 rate=50]]", on_interrupt=wanted)
        await shop.until(stream_id, has_text)
    await shop.redis.zadd("ks:{queue}:leases", {stream_id: 1})
    async with shop.worker(max_attempts=max_attempts):
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.meta["partial"]) == ("failed", b"1")
    assert stream.json("message")["content"] == [{"type": "text", "text": stream.text}]
    assert stream.text


async def test_only_the_newest_attempt_is_kept(shop: Workshop) -> None:
    async with shop.worker(retry_wait_max=0.01, max_attempts=2):
        stream = await shop.run("[[sim: error-after=3 call=1]] [[sim: error-after=5 tokens=9 call=2]]")
        nothing = await shop.run("[[sim: error-after=3 call=1]] [[sim: status=529 call=2]]")
    assert stream.outcome == nothing.outcome == "failed"
    assert stream.names.count("content_block_delta") == 8
    assert stream.json("message")["content"] == [{"type": "text", "text": stream.text}]
    assert not {"message", "partial"} & set(nothing.meta)  # the readers forgot all of it


@pytest.mark.parametrize("judged", [False, True])
async def test_an_answer_that_stands_whole_when_its_worker_is_lost_is_completed(
    shop: Workshop, *, judged: bool
) -> None:
    """Unless it has to fit a schema, which nobody has looked at."""
    stream_id = await shop.submit("", on_interrupt="fail", validate="1" if judged else "")
    (claim,) = await shop.queue.claim("dead", 1, slots=1, lease_ms=600_000, stream_id=stream_id)
    begun = await shop.log.begin(claim)
    assert begun.position is not None
    data = logged(START, TEXT, WORDS, DONE, STOP, position=begun.position)
    await shop.log.append(claim, 0, data, {"content": "1", "attempt": 1})
    await shop.redis.zadd("ks:{queue}:leases", {stream_id: 1})
    async with shop.worker():
        stream = await shop.ended(stream_id)
    if judged:
        assert (stream.outcome, stream.meta["partial"]) == ("failed", b"1")
        return
    assert (stream.outcome, stream.meta["stop_reason"], "partial" in stream.meta) == ("completed", b"end_turn", False)
    assert stream.json("message")["content"] == [{"type": "text", "text": "words"}]
    assert "error" not in stream.data("relay.end")[0]


@pytest.mark.parametrize(("asked", "outcome"), [("", "completed"), ('["clock"]', "failed")])
async def test_a_turn_whose_tools_nobody_ran_is_no_answer(shop: Workshop, asked: str, outcome: str) -> None:
    """Its worker was lost after the turn's last frame, and before it was known that its tools are to run."""
    stream_id = await shop.submit("", on_interrupt="fail", **({"tools": asked} if asked else {}))
    (claim,) = await shop.queue.claim("dead", 1, slots=1, lease_ms=600_000, stream_id=stream_id)
    begun = await shop.log.begin(claim)
    assert begun.position is not None
    calls = b'{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":1}}'
    data = logged(START, *tool("{}"), calls, STOP, position=begun.position)
    await shop.log.append(claim, 0, data, {"content": "1", "attempt": 1})
    await shop.redis.zadd("ks:{queue}:leases", {stream_id: 1})
    async with shop.worker():
        stream = await shop.ended(stream_id)
    assert (stream.outcome, "partial" in stream.meta) == (outcome, outcome == "failed")
    assert stream.json("message")["stop_reason"] == "tool_use"
