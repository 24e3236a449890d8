"""Another version is made the active one: step by step, whole at each, and as it went on when it was left."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from app.faces.conversations.saying import Conversing
from app.intake.prompt import InvalidPromptError
from app.stream import keys
from app.stream.conversations.conversation import Conversation
from app.stream.errors import ConversationBusyError, NoConversationError, QueueFullError
from tests.app.faces.conversations.test_saying import OWNER, conversing, ids, say


async def said(front: Conversing, found: Conversation, **body: Any) -> list[str]:
    """Says it, and has it stopped: a message of the user's and an answer. Its ids, all of them."""
    await front._streams.cancel(await say(front, found, **body))
    return await ids(front, found)


async def versions(front: Conversing, found: Conversation) -> list[list[str]]:
    read = await front.find(OWNER, found.id, messages=True)
    assert set(await front.store._redis.hkeys(keys.versions(found.id))) == {one.encode() for one in read.versions.paths}  # type: ignore[misc]
    return [one.get("versions", []) for one in read.versions.marked(read.messages)]


async def test_an_edited_question_and_what_followed_it_come_back(redis: Redis) -> None:
    front = conversing(redis)
    found = await front.create(OWNER, {})
    await said(front, found, content="one")
    old = await said(front, found, content="two")
    new = await said(front, found, content="two, better", after=old[1])
    assert (new[:2], len(new)) == (old[:2], 4)
    pair = [old[2], new[2]]
    assert await versions(front, found) == [[], [], pair, []]
    await front.choose(OWNER, found.id, old[2])
    assert await ids(front, found) == old
    assert await versions(front, found) == [[], [], pair, []]
    await front.choose(OWNER, found.id, new[3])  # any message of the branch
    assert await ids(front, found) == new
    position = (await front.find(OWNER, found.id)).position
    await front.choose(OWNER, found.id, new[2])
    assert (await front.find(OWNER, found.id)).position == position, "it is active already"


async def test_a_branch_of_a_branch_is_reached_from_anywhere(redis: Redis) -> None:
    front = conversing(redis)
    found = await front.create(OWNER, {})
    one = await said(front, found, content="one")
    inner = await said(front, found, content="two")
    other = await said(front, found, content="two again", after=one[1])
    outer = await said(front, found, content="all anew", after=None)
    await front.choose(OWNER, found.id, inner[2])
    assert await ids(front, found) == inner
    await front.choose(OWNER, found.id, outer[0])
    assert await ids(front, found) == outer
    await front.choose(OWNER, found.id, other[2])
    assert await ids(front, found) == other
    assert await versions(front, found) == [[one[0], outer[0]], [], [inner[2], other[2]], []]


async def test_all_branches_together_have_the_room_of_one_conversation(redis: Redis) -> None:
    front = conversing(redis, conversation_bytes=3_000)
    found = await front.create(OWNER, {})
    first = await said(front, found, content="x" * 900)
    for n in range(3):
        last = await said(front, found, content=f"{n}" * 900, after=None)
        read = await front.find(OWNER, found.id)
        assert read.bytes + read.versions.size <= 3_000 + 600, "but for the last answer"
    assert [len(one) for one in await versions(front, found)] == [2, 0]
    with pytest.raises(InvalidPromptError, match="no such message"):
        await front.choose(OWNER, found.id, first[0])
    assert await ids(front, found) == last


async def test_not_while_an_answer_is_written_nor_by_others_nor_what_never_was(redis: Redis) -> None:
    front = conversing(redis)
    found = await front.create(OWNER, {})
    old = await said(front, found, content="one")
    with pytest.raises(InvalidPromptError):
        await front.choose(OWNER, found.id, "msg_nobody")
    with pytest.raises(NoConversationError):
        await front.choose("you", found.id, old[0])
    await say(front, found, content="anew", after=None)
    with pytest.raises(ConversationBusyError):
        await front.choose(OWNER, found.id, old[0])


async def test_two_who_choose_at_once_both_find_a_whole_branch(redis: Redis) -> None:
    front = conversing(redis)
    found = await front.create(OWNER, {})
    branches = [await said(front, found, content=str(n), after=None) for n in range(3)]
    await asyncio.gather(*(front.choose(OWNER, found.id, one[0]) for one in branches * 2))
    assert await ids(front, found) in branches
    assert await versions(front, found) == [[one[0] for one in branches], []]


async def test_what_is_taken_back_leaves_the_versions_as_they_were(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    front = conversing(redis)
    found = await front.create(OWNER, {})
    await said(front, found, content="one")
    now = await said(front, found, content="other", after=None)
    before = await versions(front, found)

    async def full(*_: Any, **__: Any) -> Any:
        raise QueueFullError(1)

    monkeypatch.setattr(front._streams.queue, "submit", full)
    for body in ({"content": "third", "after": None}, {"regenerate": True}):
        with pytest.raises(QueueFullError):
            await say(front, found, **body)
        assert await ids(front, found) == now
        assert await versions(front, found) == before


async def test_a_deleted_conversation_takes_its_versions_along_and_a_fork_has_none(redis: Redis) -> None:
    front = conversing(redis)
    found = await front.create(OWNER, {})
    await said(front, found, content="one")
    now = await said(front, found, content="other", after=None)
    assert 0 < await redis.pttl(keys.versions(found.id)) <= front._life_ms
    fork = await front.fork(OWNER, found.id, now[1], None)
    assert await ids(front, fork) == now
    assert await versions(front, fork) == [[], []]
    await front.delete(OWNER, found.id)
    assert await redis.exists(keys.versions(found.id)) == 0


async def test_a_message_stays_byte_for_byte_what_it_was(redis: Redis) -> None:
    """What Lua would write anew: numbers, empty lists and objects."""
    front = conversing(redis)
    found = await front.create(OWNER, {})
    block = {"type": "tool_result", "tool_use_id": "t", "content": [], "x": {}, "n": 1.0, "m": 12345678901234567}
    old = await said(front, found, content=[block, {"type": "text", "text": "\u2028é"}])
    kept = await redis.lrange(keys.messages(found.id), 0, -1)  # type: ignore[misc]
    await said(front, found, content="other", after=None)
    await front.choose(OWNER, found.id, old[0])
    assert [orjson.loads(one) for one in await redis.lrange(keys.messages(found.id), 0, -1)] == [  # type: ignore[misc]
        orjson.loads(one) for one in kept
    ]
    assert await redis.lrange(keys.messages(found.id), 0, -1) == kept  # type: ignore[misc]
