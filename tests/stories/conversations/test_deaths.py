"""Nobody's death leaves a conversation locked or without its answer."""

from __future__ import annotations

import asyncio
import signal

import orjson
import pytest

from app.stream import frames, keys
from app.stream.endings import end_data
from app.stream.log import Log
from app.stream.queue import Queue
from tests.harness.api import Api
from tests.patience import PATIENCE
from tests.stories.conversations.talk import GO_ON, LEASE_SECONDS, STALLED, Talk, texts

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_answer_is_committed_also_when_its_worker_died_after_the_ending(api: Api) -> None:
    """A worker writes the ending and is gone before its answer is added; another claims the stream, and heals it."""
    talk = await Talk.begin(api)
    [worker] = api.cluster.workers
    worker.send(signal.SIGSTOP)
    try:
        sent = await talk.start(content="who answers?")
        queue, log = Queue(api.cluster.redis), Log(api.cluster.redis)
        [claim] = await queue.claim("dying", 1, slots=1, lease_ms=500, stream_id=sent["id"])
        begun = await log.begin(claim)
        assert begun.position is not None
        data, position = frames.encode_json(
            "content_block_delta",
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "I do"}},
            begun.position,
        )
        end, _ = frames.encode_json("relay.end", end_data("completed", attempts=1), position)  # type: ignore[arg-type]
        message = orjson.dumps({"content": [{"type": "text", "text": "I do"}]})
        await log.append(claim, 0, data + end, {"outcome": "completed", "message": message}, ending_life_ms=600_000)
        assert len(await talk.kept()) == 1
    finally:
        worker.send(signal.SIGCONT)
    # Nobody asks the front: the next claim of the stream adds it.
    messages = await talk.until_answered(2)
    assert texts(messages)[1] == "I do"
    await asyncio.sleep(2 * LEASE_SECONDS)
    assert len(await talk.kept()) == 2
    await talk.say("and it goes on")


async def test_a_worker_killed_in_the_middle_of_an_answer_costs_nothing(api: Api) -> None:
    talk = await Talk.begin(api)
    sent = await talk.start(content="[[sim: tokens=40 rate=40 first=0]]")
    async with asyncio.timeout(PATIENCE):
        while b"text_delta" not in await api.log(sent["id"]):
            await asyncio.sleep(0.01)
    api.cluster.workers[0].send(signal.SIGKILL)
    api.cluster.workers = [await api.cluster.worker(1)]
    sight = await api.see(sent["id"])
    messages = await talk.until_answered(2)
    assert (texts(messages)[1], messages[1]["outcome"]) == (sight.text(), "completed")


async def test_a_stream_that_redis_lost_does_not_lock_its_conversation(api: Api) -> None:
    talk = await Talk.begin(api)
    sent = await talk.start(content=STALLED)
    await api.cluster.redis.delete(keys.meta(sent["id"]), keys.log(sent["id"]))
    shown = await talk.show()
    assert shown["stream_id"] is None
    assert (shown["messages"][1]["outcome"], shown["messages"][1]["error"]["type"]) == ("failed", "api_error")
    await talk.say("again", after=None)
    assert (await talk.messages())[-1]["outcome"] == "completed"


async def test_a_stream_cancelled_while_it_waits_leaves_its_mark(api: Api) -> None:
    talk = await Talk.begin(api)
    [worker] = api.cluster.workers
    worker.send(signal.SIGSTOP)
    try:
        sent = await talk.start(content="never mind")
        await api.cancel(sent["id"])
        messages = await talk.kept()
        assert [m.get("outcome") for m in messages] == [None, "cancelled"]
        assert messages[1]["content"] == []
    finally:
        worker.send(signal.SIGCONT)
    refused = await talk.send(None, **GO_ON)
    assert refused.status_code == 400
