"""A stream becomes an answer of its conversation: once, whole or marked, by whoever comes."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from app.stream import frames, keys
from app.stream.conversations import turns
from app.stream.conversations.store import Conversations
from app.stream.endings import Outcome, end_data
from app.stream.log import Claim, Log, State
from app.stream.readback import newest
from tests.app.stream.conversations.written import LIFE_MS, OWNER, STREAM, ask, made, names, read


async def write(
    redis: Redis, stream_id: str, outcome: str | None, *texts: str, base: bool = False, **fields: Any
) -> None:
    """A stream by hand: its texts, and its ending where there is an outcome. `base`: only the last text is valid."""
    log, claim = Log(redis), Claim(stream_id, 1, "me")
    await log.open(stream_id, {"owner": OWNER, "model": "m"})
    begun = await log.begin(claim)
    assert begun.position is not None
    position, data, stored = begun.position, b"", {n: orjson.dumps(v) for n, v in fields.items()}
    for n, text in enumerate(texts):
        if base and n == len(texts) - 1:
            frame, position = frames.encode_json("relay.reset", {"attempt": 2, "reason": "cut"}, position)
            data += frame
            stored["base"] = str(position.offset).encode()
        delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
        frame, position = frames.encode_json("content_block_delta", delta, position)
        data += frame
    if outcome:
        frame, position = frames.encode_json("relay.end", {"outcome": outcome}, position)
        data += frame
        stored["outcome"] = outcome.encode()
    await log.append(claim, 0, data, dict(stored), LIFE_MS if outcome else None)


async def test_an_answer_is_committed_once_by_however_many(store: Conversations, redis: Redis) -> None:
    found = await read(store, await made(store))
    await store.change(found, ask(found, "a"))
    message = {"content": [{"type": "text", "text": "Hello"}]}
    await write(redis, STREAM, "completed", "Hello", message=message, usage={"output_tokens": 1})
    await asyncio.gather(*(store.add_answer(STREAM, found.id) for _ in range(5)))
    found = await read(store, found.id)
    assert found.stream_id is None
    assert [m["role"] for m in found.messages] == ["user", "assistant"]
    answer = found.messages[1]
    assert answer["id"] == turns.answer_id(STREAM)
    assert (answer["content"], answer["outcome"], answer["usage"]) == (
        message["content"],
        "completed",
        {"output_tokens": 1},
    )
    assert await names(redis, found.id) == [
        "conversation.updated",
        "message.added",
        "stream.started",
        "message.added",
        "stream.ended",
    ]


async def test_a_stream_that_runs_has_no_answer_yet(store: Conversations, redis: Redis) -> None:
    found = await read(store, await made(store))
    await store.change(found, ask(found, "a"))
    await write(redis, STREAM, None, "Hel")
    assert await store.settled(found.id, found.owner)
    settled = await read(store, found.id)
    assert (settled.stream_id, len(settled.messages)) == (STREAM, 1)


@pytest.mark.parametrize("then", ["add", "delete", "again"])
async def test_an_answer_outlives_its_time_until_its_conversation_has_it(
    store: Conversations, redis: Redis, then: str
) -> None:
    """Redis was away, or all workers were, for longer than ended streams are kept."""
    found = await read(store, await made(store))
    await store.change(found, ask(found, "a"))
    log, claim = Log(redis), Claim(STREAM, 1, "me")
    await log.open(STREAM, {"owner": OWNER, "conversation": found.id})
    begun = await log.begin(claim, LIFE_MS)
    assert begun.position is not None
    frame, _ = frames.encode_json("relay.end", end_data(Outcome.COMPLETED, attempts=1), begun.position)
    fields = {"outcome": "completed", "message": b'{"content":[{"type":"text","text":"yes"}]}'}
    await log.append(claim, 0, frame, fields, ending_life_ms=20)
    await asyncio.sleep(0.05)
    assert (await log.meta(STREAM)) is not None
    if then == "delete":
        await store.delete(await read(store, found.id))
    await store.add_answer(STREAM, found.id)
    if then == "again":
        await store.add_answer(STREAM, found.id)
    if then != "delete":
        assert (await read(store, found.id)).messages[1]["content"] == [{"type": "text", "text": "yes"}]
    assert await log.meta(STREAM) is None
    assert (await log.read(STREAM, None)).state is State.GONE
    assert not await redis.exists(keys.log(STREAM))


@pytest.mark.parametrize("withdrawn", [False, True])
async def test_where_an_answer_stands_is_known_whoever_says_so_first(
    store: Conversations, redis: Redis, monkeypatch: pytest.MonkeyPatch, *, withdrawn: bool
) -> None:
    found = await read(store, await made(store))
    await store.change(found, ask(found, "a"))
    await write(redis, STREAM, "completed", "Hello", message={"content": []})
    await redis.hset(keys.meta(STREAM), "kept_until", 2**41)  # type: ignore[misc]  # redis-py's types mix both clients
    with monkeypatch.context() as patch:  # who added it died at once

        async def dies(*_: object) -> None:
            raise ConnectionError

        patch.setattr(store._log, "release", dies)
        with pytest.raises(ConnectionError):
            await store.add_answer(STREAM, found.id)
    if withdrawn:  # it stands in none
        await redis.hset(keys.meta(STREAM), "withdrawn", "1")  # type: ignore[misc]  # redis-py's types mix both clients
    await store.add_answer(STREAM, found.id)
    assert await redis.hexists(keys.meta(STREAM), "kept_until") is False  # type: ignore[misc]  # see above
    home = await redis.get(keys.home(STREAM))
    assert home == (None if withdrawn else f"{found.id}\n{OWNER}\nm".encode())


async def test_a_stream_that_is_lost_frees_the_conversation(store: Conversations) -> None:
    found = await read(store, await made(store))
    await store.change(found, ask(found, "a"))
    assert await store.settled(found.id, found.owner)
    settled = await read(store, found.id)
    assert settled.stream_id is None
    assert (settled.messages[1]["outcome"], settled.messages[1]["error"]) == ("failed", turns.LOST)


@pytest.mark.parametrize(
    ("outcome", "content"),
    [
        ("cancelled", [{"type": "text", "text": "new text"}]),
        ("truncated", [{"type": "text", "text": "new text"}]),
        ("failed", [{"type": "text", "text": "new text"}]),
        ("expired", [{"type": "text", "text": "new text"}]),
    ],
)
async def test_without_a_message_the_newest_attempts_text_is_kept_and_marked(
    store: Conversations, redis: Redis, outcome: str, content: list[Any]
) -> None:
    found = await read(store, await made(store))
    await store.change(found, ask(found, "a"))
    await write(redis, STREAM, outcome, "old", "new text", base=True)
    await store.add_answer(STREAM, found.id)
    answer = (await read(store, found.id)).messages[1]
    assert (answer["outcome"], answer["content"]) == (outcome, content)
    assert answer.get("partial") == (True if outcome != "truncated" else None)


@pytest.mark.parametrize(
    ("outcome", "times", "timing"),
    [
        ("completed", (1_000, 1_250, 4_000), (250, 3_000)),
        ("cancelled", (1_000, None, 4_000), (None, 3_000)),
        ("failed", (1_000, 1_250, 4_000), (None, 3_000)),  # there is no answer that could have had a first token
        ("completed", (1_000, 4_001, 4_000), (3_000, 3_000)),  # Redis' clock was set back meanwhile
        ("completed", (5_000, 5_100, 4_000), (0, 0)),
        ("completed", (None, 1_250, 4_000), (None, None)),
    ],
)
def test_an_answer_says_how_long_it_took(
    outcome: str, times: tuple[int | None, ...], timing: tuple[int | None, int | None]
) -> None:
    named = zip(("created_at", "first_at", "ended_at"), times, strict=True)
    meta = {"outcome": outcome.encode()} | {name: str(at).encode() for name, at in named if at is not None}
    message = turns.answer(STREAM, meta, (), 0)
    assert tuple(message["timing"][name] for name in ("first_token_ms", "total_ms")) == timing
    assert turns.ended(message)[1]["timing"] == message["timing"]


def test_of_a_stream_that_is_lost_nobody_knows_how_long_it_took() -> None:
    assert turns.answer(STREAM, None, (), 0)["timing"] == {"first_token_ms": None, "total_ms": None}


async def test_a_long_partial_answer_is_kept_whole(
    store: Conversations, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newest, "READ_BYTES", 100)
    found = await read(store, await made(store))
    await store.change(found, ask(found, "a"))
    await write(redis, STREAM, "cancelled", *(f"{n} " for n in range(50)), "x" * 1000)
    await store.add_answer(STREAM, found.id)
    text = (await read(store, found.id)).messages[1]["content"][0]["text"]
    assert text == "".join(f"{n} " for n in range(50)) + "x" * 1000


async def test_half_a_surrogate_pair_does_no_harm(store: Conversations, redis: Redis) -> None:
    found = await read(store, await made(store))
    await store.change(found, ask(found, "a"))
    await write(redis, STREAM, "completed", "x")
    await redis.hset(keys.meta(STREAM), "message", '{"content":[{"type":"text","text":"a\\ud800b"}]}')  # type: ignore[misc]
    await store.add_answer(STREAM, found.id)
    assert (await read(store, found.id)).messages[1]["content"][0]["text"] == "a\ufffdb"


@pytest.mark.parametrize("depth", [300, 5000])
async def test_an_answer_that_nobody_could_write_down_locks_nothing(
    store: Conversations, redis: Redis, depth: int
) -> None:
    found = await read(store, await made(store))
    await store.change(found, ask(found, "a"))
    await write(redis, STREAM, "completed", "x")
    deep = "[" * depth + "]" * depth
    content = f'[{{"type":"text","text":"so"}},{{"type":"tool_use","id":"t","name":"t","input":{{"a":{deep}}}}}]'
    await redis.hset(keys.meta(STREAM), "message", f'{{"content":{content}}}')  # type: ignore[misc]
    await store.add_answer(STREAM, found.id)
    found = await read(store, found.id)
    assert found.stream_id is None
    assert (found.messages[1]["outcome"], found.messages[1]["content"]) == (
        "completed",
        [{"type": "text", "text": "so"}] if depth == 300 else [],
    )
