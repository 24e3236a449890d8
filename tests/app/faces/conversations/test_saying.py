"""What a refused message leaves behind: nothing. And what is too long for the model is said before it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from app.faces.conversations import saying
from app.faces.conversations.branches import EVENTS_CONTENT_BYTES
from app.faces.conversations.context import COUNTED_BYTES
from app.faces.conversations.keeping import Submits
from app.faces.conversations.prompt import turn_of
from app.faces.conversations.saying import Conversing
from app.http.bulk import Bulk
from app.intake import submit as submitting
from app.intake.prompt import InvalidPromptError, Prompt
from app.intake.streams import Streams
from app.intake.submit import Accepted
from app.prices import Prices
from app.settings import Settings
from app.stream import keys
from app.stream.conversations.conversation import Conversation
from app.stream.conversations.store import Conversations
from app.stream.endings import Outcome
from app.stream.errors import ConversationBusyError, IdempotencyConflictError, NoConversationError, QueueFullError
from app.stream.log import Log
from app.stream.queue import Queue
from tests.app.faces.conversations.counting import Told

OWNER = "me"


def conversing(redis: Redis, tokens: int | None = 0, **settings: Any) -> Conversing:
    log = Log(redis)
    chosen = replace(Settings(), **settings)
    streams = Streams(log, Queue(redis), Conversations(redis, log), chosen, "front", pricing=Prices().cost)
    return Conversing(streams, Told(tokens), chosen, Bulk())


class Unlimited:
    """An owner without limits."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    async def submit(self, prompt: Prompt, *, inherited: Mapping[str, str] | None = None, **more: Any) -> Accepted:
        return await self._streams.submit(prompt, OWNER, inherited or {}, **more)

    def max_tokens(self, default: int) -> int:
        return default

    async def resubmit(self, stream_id: str, idempotency_key: str, digest: str) -> bool:
        return await self._streams.resubmit(stream_id, OWNER, idempotency_key, digest)


def submits(front: Conversing) -> Submits:
    return Unlimited(front._streams)


async def say(front: Conversing, found: Conversation, key: str | None = None, **body: Any) -> str:
    turn = turn_of(body, found.id)
    return (await front.send(found.owner, found.id, turn, {}, submits(front), key=key)).stream_id


async def ids(front: Conversing, found: Conversation) -> list[str]:
    read = await front.find(OWNER, found.id, messages=True)
    assert read.number("bytes") == sum(len(orjson.dumps(m)) for m in read.messages)
    return [message["id"] for message in read.messages]


async def test_one_that_is_not_yours_is_not_there(redis: Redis) -> None:
    front = conversing(redis)
    found = await front.create(OWNER, {})
    for doing in (front.find("you", found.id), front.delete("you", found.id), front.update("you", found.id, {})):
        with pytest.raises(NoConversationError) as refused:
            await doing
        assert not refused.value.deleted


async def test_a_full_queue_leaves_a_conversation_as_it_was(redis: Redis) -> None:
    front = conversing(redis, queue_limit=1)
    found = await front.create(OWNER, {})
    other = await front.create(OWNER, {})
    await say(front, other, content="first in the line")
    before = (await front.find(OWNER, found.id)).position
    with pytest.raises(QueueFullError):
        await say(front, found, content="no room")
    assert (await front.find(OWNER, found.id)).position == before
    assert len(await redis.keys("ks:{st_*")) == 1


async def test_what_is_refused_at_the_last_moment_is_taken_back(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    front = conversing(redis)
    found = await front.create(OWNER, {})
    for n in range(2):
        await front._streams.cancel(await say(front, found, content=str(n)))
    before = await ids(front, found)

    async def full(*_: Any, **__: Any) -> Any:
        raise QueueFullError(1)

    monkeypatch.setattr(front._streams.queue, "submit", full)
    for body in ({"content": "no room"}, {"content": "edited", "after": before[1]}, {"regenerate": True}):
        with pytest.raises(QueueFullError):
            await say(front, found, **body)
        assert await ids(front, found) == before
        assert (await front.find(OWNER, found.id)).stream_id is None


async def test_a_title_that_a_person_gives_a_refused_message_s_conversation_stays(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    front = conversing(redis)
    for given, stays in (("mine", "mine"), (None, None)):
        found = await front.create(OWNER, {})

        async def full(*_: Any, found: Conversation = found, given: str | None = given, **__: Any) -> Any:
            if given is not None:
                await front.update(OWNER, found.id, {"title": given})
            raise QueueFullError(1)

        with monkeypatch.context() as patch:
            patch.setattr(front._streams.queue, "submit", full)
            with pytest.raises(QueueFullError):
                await say(front, found, content="no room")
        assert (await front.find(OWNER, found.id)).text("title") == stays
        assert await ids(front, found) == []


async def test_a_long_branch_that_stands_again_does_not_fill_the_log_of_events(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    front = conversing(redis)
    found = await front.create(OWNER, {})
    for n in range(8):
        await front._streams.cancel(await say(front, found, content=f"{n}" * 15_000))
    before, at = await ids(front, found), (await front.find(OWNER, found.id)).position

    async def full(*_: Any, **__: Any) -> Any:
        raise QueueFullError(1)

    monkeypatch.setattr(front._streams.queue, "submit", full)
    with pytest.raises(QueueFullError):
        await say(front, found, content="no room", after=None)
    assert await ids(front, found) == before
    assert 0 < (await front.find(OWNER, found.id)).position.offset - at.offset < 1.2 * EVENTS_CONTENT_BYTES


async def test_who_is_in_the_way_is_waited_for_only_where_it_is_taken_back(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    front = conversing(redis)
    found = await front.create(OWNER, {})
    await say(front, found, content="hello")
    done = asyncio.Event()
    front._streams.owed.add("something else", done.wait, 60)
    monkeypatch.setattr(saying, "TAKEN_BACK_PAUSE_SECONDS", "no time to wait")
    with pytest.raises(ConversationBusyError):
        await say(front, found, content="again")
    done.set()
    await front._streams.owed.paid()


async def test_a_front_that_dies_in_between_locks_nothing(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    front = conversing(redis)
    found = await front.create(OWNER, {})

    async def dies(*_: Any, **__: Any) -> Any:
        raise ConnectionError

    monkeypatch.setattr(submitting, "ASK_SECONDS", 0.0)
    monkeypatch.setattr(front._streams.queue, "submit", dies)
    monkeypatch.setattr(front._streams.owed, "add", lambda *_: None)  # the dead owe nothing
    with pytest.raises(ConnectionError):
        await say(front, found, content="hello")
    monkeypatch.undo()
    read = await front.find(OWNER, found.id)
    assert read.stream_id is not None
    life = await redis.pttl(keys.meta(read.stream_id))
    assert 0 < life <= keys.SUBMIT_SECONDS * 1000
    await redis.delete(keys.meta(read.stream_id))  # its time has passed
    assert (await front.find(OWNER, found.id)).stream_id is None
    await say(front, found, regenerate=True)


async def test_a_client_that_asks_again_after_its_front_died_is_answered(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    front = conversing(redis)
    found = await front.create(OWNER, {})
    turn = turn_of({"content": "hello"}, found.id)

    async def dies(*_: Any, **__: Any) -> Any:
        raise ConnectionError

    monkeypatch.setattr(submitting, "ASK_SECONDS", 0.0)
    monkeypatch.setattr(front._streams.queue, "submit", dies)
    monkeypatch.setattr(front._streams.owed, "add", lambda *_: None)  # the dead owe nothing
    with pytest.raises(ConnectionError):
        await front.send(OWNER, found.id, turn, {}, submits(front), key="once")
    monkeypatch.undo()
    sent = [await front.send(OWNER, found.id, turn, {}, submits(front), key="once") for _ in range(3)]
    assert {one.stream_id for one in sent} == {(await front.find(OWNER, found.id)).stream_id}
    assert await front._streams.queue.waiting() == 1
    assert await redis.pttl(keys.meta(sent[0].stream_id)) > keys.SUBMIT_SECONDS * 1000
    assert len(await ids(front, found)) == 1


@pytest.mark.parametrize("forgotten", [False, True])
async def test_who_asks_again_of_a_loop_of_tools_is_given_its_stream(redis: Redis, *, forgotten: bool) -> None:
    """Whose worker writes in its meta which turn it is in; `forgotten`: the key's record is gone."""
    front = conversing(redis)
    found = await front.create(OWNER, {})
    sent = await say(front, found, "once", content="hi")
    await redis.hset(keys.meta(sent), mapping={"turn": "2", "state": "running"})
    if forgotten:
        await redis.delete(keys.idempotency(OWNER, "once"))
    assert await say(front, found, "once", content="hi") == sent
    with pytest.raises((IdempotencyConflictError, ConversationBusyError)):
        await say(front, found, "once", content="something else")


async def test_a_stream_that_nobody_took_in_time_is_told(redis: Redis) -> None:
    front = conversing(redis)
    found = await front.create(OWNER, {})
    stream_id = await say(front, found, content="hello")
    await front._streams.end_waiting(stream_id, Outcome.EXPIRED, {"type": "timeout_error", "message": "too late"})
    read = await front.find(OWNER, found.id, messages=True)
    assert [m.get("outcome") for m in read.messages] == [None, "expired"]
    assert read.messages[1]["error"]["type"] == "timeout_error"


async def test_what_the_model_cannot_take_was_never_said(redis: Redis) -> None:
    front = conversing(redis, tokens=1001)
    found = await front.create(OWNER, {})
    with pytest.raises(InvalidPromptError, match=r"longer than the model's context"):
        await say(front, found, content="x" * COUNTED_BYTES)
    assert await ids(front, found) == []
