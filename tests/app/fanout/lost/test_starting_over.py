"""A log that is not what was shown: nobody asks Redis without a pause, and what was written is what is told."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from redis.asyncio import Redis

from app.faces.native.push import PushReader
from app.fanout import beat as beats
from app.fanout import catchup, splice
from app.fanout import tail as tails
from app.fanout.hub import Hub
from app.fanout.reader import PullReader
from app.stream import keys
from app.stream.conversations.conversation import Change, Changed
from app.stream.conversations.store import Conversations
from app.stream.frames import Position, encode, encode_json, origin
from app.stream.log import READ_BYTES, Log, Read
from tests.app.following import LIFE_MS, OWNER, Client, Stream, inside
from tests.app.served import until
from tests.patience import PATIENCE

STREAM = "st_starting_over"
CONVERSATION = "cv_starting_over"
SOON = 0.02
NEVER = 3600.0
# What a reader may read in the time for which these tests wait: some looks, and not thousands.
LOOK_SECONDS = 0.5
LOOKS_MAX = 12


class Counting(Log):
    """A log that counts what is read of it."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self.reads = 0

    async def read(self, stream_id: str, after: Position | None, limit: int = READ_BYTES, skip: int = 0) -> Read:
        self.reads += 1
        return await super().read(stream_id, after, limit, skip)


@pytest.fixture
async def stream(redis: Redis) -> Stream:
    stream = await Stream.begin(redis, STREAM)
    await stream.write(*(f"event {n}" for n in range(10)))
    return stream


async def other_history(stream: Stream, frames: int) -> Position:
    """Redis has lost the log's end, and another history stands there. Returns where it ends."""
    at = stream.places[frames]
    raw, *after = encode(b"told", b"another", *at)
    await stream.redis.set(keys.log(stream.id), stream.written[: at.offset] + raw, keepttl=True)
    return Position(*after)


async def looks(log: Counting) -> int:
    before = log.reads
    await asyncio.sleep(LOOK_SECONDS)
    return log.reads - before


@pytest.mark.parametrize("how", ["push", "pull"])
async def test_who_joins_where_the_old_tail_does_not_know_waits_for_it(redis: Redis, stream: Stream, how: str) -> None:
    log = Counting(redis)
    async with inside(redis, log) as front, contextlib.AsyncExitStack() as stack:
        old = await Client(front.hub, STREAM).begin()
        await until(lambda: old.frames == stream.written)
        end = await other_history(stream, 5)
        tail = front.hub.known(STREAM)
        assert tail is not None
        tail.repair()
        await tail.repaired()
        assert tail.regrowing
        for n in range(20):
            position = end if n % 2 else stream.places[3]
            if how == "push":
                client = Client(front.hub, STREAM, position)
                starting = asyncio.create_task(client.begin())
            else:
                starting = asyncio.create_task(_pull(front.hub, position))
            stack.callback(starting.cancel)
        assert await looks(log) <= 20 * LOOKS_MAX / 4  # they share them


async def _pull(hub: Hub, position: Position) -> None:
    async with contextlib.aclosing(PullReader(position).steps(hub, STREAM)) as steps:
        async for _ in steps:
            pass


@pytest.mark.parametrize("place", [0, 3, 9, 10])
@pytest.mark.parametrize("lost", ["end", "base", "all", "bytes"])
async def test_no_place_in_a_broken_log_is_asked_for_without_a_pause(
    redis: Redis, stream: Stream, place: int, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splice, "WINDOW_BYTES", 100)
    monkeypatch.setattr(beats, "BEAT_SECONDS", NEVER)
    log = Counting(redis)
    async with inside(redis, log) as front:
        old = await Client(front.hub, STREAM).begin()
        await until(lambda: old.frames == stream.written)
        match lost:
            case "end":
                await stream.lose(2)
            case "base":  # and with it the newest attempt's start
                await redis.hset(keys.meta(STREAM), "base", "100000")
                await stream.lose(2)
            case "all":
                await redis.set(keys.log(STREAM), b"", keepttl=True)
            case "bytes":  # of no frames at all
                await redis.setrange(keys.log(STREAM), stream.places[5].offset, b"z" * 300)
        tail = front.hub.known(STREAM)
        assert tail is not None
        tail.repair()
        client = Client(front.hub, STREAM, stream.places[place])
        starting = asyncio.create_task(client.begin())
        assert await looks(log) <= LOOKS_MAX
        client.go_away()
        with contextlib.suppress(asyncio.CancelledError):
            starting.cancel()
            await starting


async def test_where_the_newest_attempts_start_is_lost_all_that_is_left_is_shown(
    redis: Redis, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails, "REGROW_SECONDS", SOON)
    monkeypatch.setattr(catchup, "AGAIN_SECONDS", SOON)
    async with inside(redis) as front:
        old = await Client(front.hub, STREAM).begin()
        await until(lambda: old.frames == stream.written)
        await redis.hset(keys.meta(STREAM), "base", "100000")
        await stream.lose(2)
        tail = front.hub.known(STREAM)
        assert tail is not None
        tail.repair()
        left = stream.written[: stream.places[2].offset]
        await until(lambda: old.frames == stream.written + left)
        behind = Client(front.hub, STREAM, stream.places[7])
        await behind.begin()
        await until(lambda: behind.frames == left)


async def test_a_tail_that_is_left_lets_nobody_wait(redis: Redis, stream: Stream) -> None:
    async with inside(redis) as front:
        old = await Client(front.hub, STREAM).begin()
        await until(lambda: old.frames == stream.written)
        await stream.lose(2)
        tail = front.hub.known(STREAM)
        assert tail is not None
        tail.repair()
        await tail.repaired()
        behind = Client(front.hub, STREAM, stream.places[7])
        beginning = asyncio.create_task(behind.begin())
        waiting = asyncio.create_task(tail.changed())
        await asyncio.sleep(SOON)
        assert not waiting.done()
        old.go_away()
        behind.go_away()
        async with asyncio.timeout(PATIENCE):
            await waiting
            await beginning
        async with asyncio.timeout(PATIENCE):
            await tail.changed()  # and who comes yet later, neither
    assert isinstance(behind.reader, PushReader)


# --- a conversation's log that is full


async def full(redis: Redis, conversations: Conversations, *, heard: bool = True) -> str:
    """A change with which the log starts over."""
    async with contextlib.AsyncExitStack() as stack:
        if not heard:
            mute = pytest.MonkeyPatch()
            stack.callback(mute.undo)
            mute.setattr(keys, "channel", lambda stream_id: f"nobody:{stream_id}")
        with pytest.MonkeyPatch().context() as small:
            small.setattr("app.stream.conversations.store.EVENTS_BYTES", 0)
            found = await conversations.read(CONVERSATION)
            assert found is not None
            assert (
                await conversations.change(found, Change([("conversation.updated", {"title": "anew"})])) is Changed.OK
            )
    return (await redis.get(keys.log(CONVERSATION))).decode()


async def changed(conversations: Conversations, count: int) -> None:
    for n in range(count):
        found = await conversations.read(CONVERSATION)
        assert found is not None
        assert await conversations.change(found, Change([("conversation.updated", {"title": f"{n}"})])) is Changed.OK


@pytest.mark.parametrize(
    ("heard", "more", "times"), [(heard, more, times) for heard in (1, 0) for more in (0, 20) for times in (1, 2)]
)
async def test_a_log_that_starts_over_is_told_at_once_and_why(  # noqa: PLR0917  # three of them say which case
    redis: Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, heard: int, more: int, times: int
) -> None:
    monkeypatch.setattr(tails, "REGROW_SECONDS", NEVER)  # nobody waits for what was given up
    monkeypatch.setattr(beats, "BEAT_SECONDS", NEVER if heard else SOON)
    log = Log(redis)
    conversations = Conversations(redis, log)
    await conversations.create(CONVERSATION, {"owner": OWNER}, LIFE_MS)
    await changed(conversations, 10)
    async with inside(redis, log) as front:
        client = await Client(front.hub, CONVERSATION).begin()
        slow = await Client(front.hub, CONVERSATION).begin()
        await until(lambda: client.frames == slow.frames != b"")
        slow.stop()
        for attempt in range(2, 2 + times):
            await full(redis, conversations, heard=bool(heard))
            await changed(conversations, more)
            stands: bytes = await redis.get(keys.log(CONVERSATION))
            _, base = encode_json("relay.reset", {"attempt": attempt, "reason": "log_full"}, origin(CONVERSATION))
            reset = b'event: relay.reset\ndata: {"attempt":%d,"reason":"log_full"}\n\n' % attempt
            await until(lambda: client.body.rpartition(reset)[2] == stands[base.offset :])  # noqa: B023  # now
            assert client.body.count(b'"log_full"') == attempt - 1
        slow.go_on()
        await until(lambda: slow.body.rpartition(reset)[2] == stands[base.offset :])
    assert b"history_lost" not in client.body + slow.body
    assert "reader.reset" not in caplog.text


async def test_a_change_that_comes_twice_starts_nothing_over(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splice, "WINDOW_BYTES", 100)
    log = Log(redis)
    conversations = Conversations(redis, log)
    await conversations.create(CONVERSATION, {"owner": OWNER}, LIFE_MS)
    await changed(conversations, 3)
    async with inside(redis, log) as front:
        client = await Client(front.hub, CONVERSATION).begin()
        begun = await full(redis, conversations)
        await changed(conversations, 10)
        await until(lambda: client.body.endswith(b"\n\n") and b'"title":"9"' in client.body)
        body = client.body
        await redis.publish(keys.channel(CONVERSATION), f"0:{begun}")
        await changed(conversations, 1)
        await until(lambda: client.body.startswith(body) and len(client.body) > len(body))
    assert client.body.count(b"relay.reset") == 1
