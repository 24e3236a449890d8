"""The store of conversations: histories that change only with the event that tells it, and answers that come once."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from app.stream import frames, keys
from app.stream.conversations import store as module
from app.stream.conversations import turns
from app.stream.conversations.store import Change, Changed, Conversation, Conversations, new_conversation_id
from app.stream.endings import Outcome, end_data
from app.stream.log import Claim, Log, State
from app.stream.readback import newest

LIFE_MS = 60_000
STREAM = "st_" + 32 * "a"
OWNER = "me"


@pytest.fixture
def store(redis: Redis) -> Conversations:
    return Conversations(redis, Log(redis))


async def made(store: Conversations, **fields: str) -> str:
    conversation_id = new_conversation_id()
    await store.create(conversation_id, {"owner": OWNER, **fields}, LIFE_MS)
    return conversation_id


async def read(store: Conversations, conversation_id: str) -> Conversation:
    found = await store.read(conversation_id, messages=True)
    assert found is not None
    return found


def ask(found: Conversation, text: str, stream_id: str = STREAM) -> Change:
    message = turns.user_message(f"msg_{text[:9]}", [{"type": "text", "text": text}], found.now)
    events = [turns.added(message), turns.started(stream_id, message["id"], "m")]
    return Change(events, add=[message], fields={"stream": stream_id, "asked": message["id"]})


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


def events_of(log: bytes) -> list[tuple[str | None, Any]]:
    return [(frame.name, orjson.loads(frame.data)) for frame in frames.split(log)]


async def names(redis: Redis, conversation_id: str) -> list[str | None]:
    return [name for name, _ in events_of(await redis.get(keys.log(conversation_id)))]


async def test_a_conversation_begins_with_what_it_is_called(store: Conversations, redis: Redis) -> None:
    conversation_id = await made(store, title="Rivers", model="m")
    found = await read(store, conversation_id)
    assert (found.owner, found.text("title"), found.stream_id, found.deleted) == (OWNER, "Rivers", None, False)
    assert found.number("created_at") == found.number("updated_at")
    told = {"title": "Rivers", "system": None, "model": "m"}
    assert events_of(await redis.get(keys.log(conversation_id))) == [("conversation.updated", told)]


async def test_its_log_reads_like_a_streams(store: Conversations, redis: Redis) -> None:
    conversation_id = await made(store)
    found = await read(store, conversation_id)
    log = await Log(redis).read(conversation_id, None)
    assert (log.state, log.owner, log.whole()) == (State.RUNNING, OWNER, await redis.get(keys.log(conversation_id)))
    assert frames.follow(log.data, *frames.origin(conversation_id)) == tuple(found.position)


async def test_of_two_that_decide_on_the_same_reading_one_is_told_to_read_again(store: Conversations) -> None:
    found = await read(store, await made(store))
    assert await store.change(found, ask(found, "a")) is Changed.OK
    assert await store.change(found, ask(found, "b")) is Changed.MOVED
    assert [m["id"] for m in (await read(store, found.id)).messages] == ["msg_a"]


async def test_of_many_that_ask_at_once_each_is_told_of_in_its_order(store: Conversations, redis: Redis) -> None:
    conversation_id = await made(store)

    async def until_done(n: int) -> None:
        while True:
            found = await read(store, conversation_id)
            if await store.change(found, ask(found, str(n))) is Changed.OK:
                return

    await asyncio.gather(*(until_done(n) for n in range(8)))
    found = await read(store, conversation_id)
    told = [
        e["message"]["id"]
        for name, e in events_of(await redis.get(keys.log(conversation_id)))
        if name == "message.added"
    ]
    assert told == [m["id"] for m in found.messages]
    assert sorted(told) == [f"msg_{n}" for n in range(8)]


async def test_what_follows_a_message_can_be_taken_back(store: Conversations) -> None:
    conversation_id = await made(store)
    for text in "abc":
        found = await read(store, conversation_id)
        await store.change(found, ask(found, text))
    for keep in (2, 0):
        found = await read(store, conversation_id)
        after = found.messages[keep - 1]["id"] if keep else None
        assert await store.change(found, Change([turns.removed(after)], keep=keep)) is Changed.OK
        assert [m["id"] for m in (await read(store, conversation_id)).messages] == ["msg_a", "msg_b"][:keep]


async def test_an_answer_is_committed_once_by_however_many(store: Conversations, redis: Redis) -> None:
    found = await read(store, await made(store))
    await store.change(found, ask(found, "a"))
    message = {"content": [{"type": "text", "text": "Hello"}]}
    await write(redis, STREAM, "completed", "Hello", message=message, usage={"output_tokens": 1})
    await asyncio.gather(*(store.commit(STREAM, found.id) for _ in range(5)))
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
    assert await store.settled(found.id)
    settled = await read(store, found.id)
    assert (settled.stream_id, len(settled.messages)) == (STREAM, 1)


@pytest.mark.parametrize("then", ["commit", "delete", "again"])
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
    await store.commit(STREAM, found.id)
    if then == "again":
        await store.commit(STREAM, found.id)
    if then != "delete":
        assert (await read(store, found.id)).messages[1]["content"] == [{"type": "text", "text": "yes"}]
    assert await log.meta(STREAM) is None
    assert (await log.read(STREAM, None)).state is State.GONE
    assert not await redis.exists(keys.log(STREAM))


async def test_a_stream_that_is_lost_frees_the_conversation(store: Conversations) -> None:
    found = await read(store, await made(store))
    await store.change(found, ask(found, "a"))
    assert await store.settled(found.id)
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
    await store.commit(STREAM, found.id)
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
    await store.commit(STREAM, found.id)
    text = (await read(store, found.id)).messages[1]["content"][0]["text"]
    assert text == "".join(f"{n} " for n in range(50)) + "x" * 1000


async def test_half_a_surrogate_pair_does_no_harm(store: Conversations, redis: Redis) -> None:
    found = await read(store, await made(store))
    await store.change(found, ask(found, "a"))
    await write(redis, STREAM, "completed", "x")
    await redis.hset(keys.meta(STREAM), "message", '{"content":[{"type":"text","text":"a\\ud800b"}]}')  # type: ignore[misc]
    await store.commit(STREAM, found.id)
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
    await store.commit(STREAM, found.id)
    found = await read(store, found.id)
    assert found.stream_id is None
    assert (found.messages[1]["outcome"], found.messages[1]["content"]) == (
        "completed",
        [{"type": "text", "text": "so"}] if depth == 300 else [],
    )


async def test_a_deleted_conversation_ends_its_log_and_takes_nothing_more(store: Conversations, redis: Redis) -> None:
    found = await read(store, await made(store))
    await store.enlist(OWNER, found.id, 10, LIFE_MS)
    await store.change(found, ask(found, "a"))
    stale = found = await read(store, found.id)
    assert await store.delete(found) is Changed.OK
    assert (await names(redis, found.id))[-2:] == ["conversation.deleted", "relay.end"]
    assert (await Log(redis).read(found.id, None)).complete
    found = await read(store, found.id)
    assert (found.deleted, found.messages) == (True, ())
    assert await store.change(stale, ask(stale, "b")) is Changed.GONE
    await store.commit(STREAM, found.id)
    assert await store.page(OWNER, None, 10) == ([], False)
    await redis.delete(keys.meta(found.id), keys.log(found.id))
    assert (await Log(redis).read(found.id, None)).state is State.GONE


async def test_a_log_that_is_full_starts_over_and_its_old_ids_are_refused(
    store: Conversations, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVENTS_BYTES", 1000)
    found = await read(store, await made(store))
    old, lengths = [], [0]
    for n in range(20):
        found = await read(store, found.id)
        old.append(found.position)
        assert await store.change(found, ask(found, f"{n:02d}")) is Changed.OK
        lengths.append(await redis.strlen(keys.log(found.id)))
    assert max(lengths) < 3000
    assert sorted(lengths) != lengths
    log = Log(redis)
    first = await log.read(found.id, None)
    assert frames.follow(first.data, *(first.start or (0, 0)))
    assert {name for name, _ in events_of(first.data)} == {"message.added", "stream.started"}
    assert not (await log.read(found.id, old[1])).proven
    assert (await log.read(found.id, old[-1])).proven
    assert len((await read(store, found.id)).messages) == 20


async def test_a_large_message_is_not_in_the_event(store: Conversations, redis: Redis) -> None:
    found = await read(store, await made(store))
    await store.change(found, ask(found, "x" * 50_000))
    assert await redis.strlen(keys.log(found.id)) < 60_000
    assert events_of(await redis.get(keys.log(found.id)))[1][1]["message"]["content"] is None
    assert (await read(store, found.id)).messages[0]["content"][0]["text"] == "x" * 50_000


async def test_the_last_used_is_listed_first_and_page_by_page(store: Conversations) -> None:
    ids = []
    for _ in range(5):
        ids.append(await made(store))
        assert await store.enlist(OWNER, ids[-1], 5, LIFE_MS)
        await asyncio.sleep(0.002)
    await store.used(await read(store, ids[0]))
    expected = [ids[0], *reversed(ids[1:])]
    seen: list[str] = []
    more = True
    while more:
        page = await store.page(OWNER, seen[-1] if seen else None, 2)
        assert page is not None
        found, more = page
        seen += [one.id for one in found]
    assert seen == expected
    assert await store.page(OWNER, new_conversation_id(), 2) is None
    assert await store.page("you", None, 2) == ([], False)


async def test_an_owner_keeps_so_many_and_no_more(store: Conversations) -> None:
    ids = [await made(store) for _ in range(3)]
    assert [await store.enlist(OWNER, one, 2, LIFE_MS) for one in (*ids, ids[0])] == [True, True, False, True]


async def test_one_that_has_gone_by_itself_leaves_the_list(store: Conversations, redis: Redis) -> None:
    ids = [await made(store) for _ in range(3)]
    for one in ids:
        await store.enlist(OWNER, one, 9, LIFE_MS)
        await asyncio.sleep(0.002)
    await redis.delete(keys.meta(ids[1]))
    page = await store.page(OWNER, None, 2)
    assert page is not None
    assert [one.id for one in page[0]] == [ids[2], ids[0]]
    assert await redis.zcard(keys.conversations(OWNER)) == 2


async def test_a_log_that_redis_lost_begins_again(store: Conversations, redis: Redis) -> None:
    found = await read(store, await made(store))
    await redis.delete(keys.log(found.id))
    found = await read(store, found.id)
    assert await store.change(found, ask(found, "a")) is Changed.OK
    assert await names(redis, found.id) == ["message.added", "stream.started"]


def test_the_ending_of_a_deleted_one_has_the_shape_of_all() -> None:
    assert set(turns.deleted()[-1][1]) == set(end_data(Outcome.CANCELLED, attempts=0))


async def test_of_a_frame_that_is_larger_than_one_read_nothing_is_whole(store: Conversations, redis: Redis) -> None:
    read = await Log(redis).read(await made(store), None, 30)
    assert (len(read.data), read.whole()) == (30, b"")
