"""Tools that a person is asked about, by whole workers against a real Valkey and the simulated Claude (G3).

Nobody has a stream that waits, and what was approved runs once, whoever has it then.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from app.intake.streams import Streams
from app.prices import Prices
from app.stream import keys
from app.stream.approvals.approvals import Decided, Verdict
from app.stream.conversations.store import Conversations
from app.stream.log import State
from tests.worker.life.tooling.box import SCHEMA, Box
from tests.worker.workshop import Stream, Workshop
from worker.tools import kit
from worker.tools.tool import Call, Result, Tool

ASKED: dict[str, bytes] = {"tools": b'["pay","look"]', "max_turns": b"10"}
YES, NO = Verdict(approve=True), Verdict(approve=False, reason="not today")


class Till(Box):
    """What was paid, by the ids of the calls."""

    def __init__(self) -> None:
        super().__init__(Tool("pay", "Pays", SCHEMA, approve=True), Tool("look", "Looks", SCHEMA, repeatable=True))
        self.content |= {"pay": "paid", "look": "seen"}
        self.paid: list[str] = []

    async def run(self, call: Call) -> Result:
        if call.name == "pay":
            self.paid.append(call.tool_use_id)
        return await super().run(call)


@pytest.fixture
def till(monkeypatch: pytest.MonkeyPatch) -> Till:
    till = Till()
    monkeypatch.setattr(kit, "Toolbox", lambda *_, **__: till)
    return till


async def waits(shop: Workshop, prompt: str, asked: int = 1) -> tuple[str, list[str]]:
    """A stream that waits for a person, and the calls that it asks of."""
    stream_id = await shop.submit(prompt, **ASKED)
    await still(shop, stream_id)
    stream = await shop.look(stream_id)
    calls = [one["tool_use_id"] for one in stream.data("relay.approval")]
    assert len(calls) == asked
    return stream_id, calls


async def still(shop: Workshop, stream_id: str) -> None:
    async def is_still() -> bool:
        return bool(await shop.redis.zscore(keys.APPROVALS, stream_id) is not None)

    await shop.eventually(is_still)
    assert (await shop.look(stream_id)).meta["state"] == State.WAITING.encode()
    assert not await shop.redis.zcard(keys.LEASES)


async def say(shop: Workshop, stream_id: str, call: str, verdict: Verdict) -> None:
    decided, _ = await shop.queue.approvals.decide(stream_id, call, verdict)
    assert decided is Decided.OK
    await shop.queue.approvals.wake(stream_id)


def results(stream: Stream) -> list[tuple[str, Any, bool]]:
    return [(one["name"], one["content"], one["is_error"]) for one in stream.data("relay.tool")]


async def test_what_is_approved_runs_once_and_the_stream_goes_on(shop: Workshop, till: Till) -> None:
    async with shop.worker():
        stream_id, [call] = await waits(shop, "[[sim: tools=pay tag=pays]]")
        before = await shop.look(stream_id)
        assert before.names[-1] == "relay.approval"
        for key in (keys.meta(stream_id), keys.log(stream_id)):  # its front died before it had confirmed it
            assert await shop.redis.pttl(key) > shop.settings.approval_seconds * 1000
        [told] = before.data("relay.approval")
        assert (told["name"], isinstance(told["input"], dict)) == ("pay", True)
        assert till.paid == []
        await say(shop, stream_id, call, YES)
        stream = await shop.ended(stream_id)
    assert (stream.outcome, results(stream), till.paid) == ("completed", [("pay", "paid", False)], [call])
    assert (await shop.calls("pays"))["calls"] == 2
    [end] = stream.data("relay.end")
    assert (end["turns"], end["attempts"]) == (2, 2)
    assert not stream.data("relay.reset")


async def test_what_is_refused_is_told_to_the_model_with_the_reason(shop: Workshop, till: Till) -> None:
    async with shop.worker():
        stream_id, [call] = await waits(shop, "[[sim: tools=pay]]")
        await say(shop, stream_id, call, NO)
        stream = await shop.ended(stream_id)
    assert (stream.outcome, till.paid) == ("completed", [])
    assert results(stream) == [("pay", "A person refused this call: not today", True)]


async def test_of_several_each_is_decided_by_itself_and_what_needs_nobody_runs_at_once(
    shop: Workshop, till: Till
) -> None:
    async with shop.worker():
        stream_id, [first, second] = await waits(shop, '[[sim: tools="pay,look,pay"]]', 2)
        assert results(await shop.look(stream_id)) == [("look", "seen", False)]
        await say(shop, stream_id, second, YES)
        await shop.until(stream_id, lambda stream: len(stream.data("relay.tool")) == 2)
        await still(shop, stream_id)
        assert (await shop.look(stream_id)).names.count("relay.approval") == 2  # nobody is asked twice
        await say(shop, stream_id, first, NO)
        stream = await shop.ended(stream_id)
    assert [content for _, content, _ in results(stream)] == ["seen", "paid", "A person refused this call: not today"]
    assert till.paid == [second]


async def test_two_verdicts_at_once_are_both_heard(shop: Workshop, till: Till) -> None:
    async with shop.worker():
        for n in range(3):
            stream_id, calls = await waits(shop, f'[[sim: tools="pay,pay"]] {n}', 2)
            await asyncio.gather(*(say(shop, stream_id, call, YES) for call in calls))
            assert (await shop.ended(stream_id)).outcome == "completed"
    assert len(till.paid) == len(set(till.paid)) == 6


async def test_it_goes_on_with_another_worker_though_its_own_is_gone(shop: Workshop, till: Till) -> None:
    async with shop.worker("one"):
        stream_id, [call] = await waits(shop, "[[sim: tools=pay]]")
    await say(shop, stream_id, call, YES)
    async with shop.worker("two"):
        stream = await shop.ended(stream_id)
    assert (stream.outcome, till.paid) == ("completed", [call])
    assert stream.meta["attempt"] == b"2"


async def test_a_verdict_that_comes_before_it_is_put_down_is_heard(
    shop: Workshop, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever said it found nobody to wake."""
    stream_id = await shop.submit("[[sim: tools=pay]]", **ASKED)
    async with shop.worker() as parts:
        approvals = parts.services.queue.approvals
        waiting = approvals.wait

        async def late(*args: Any) -> bool:
            [told] = (await shop.look(stream_id)).data("relay.approval")
            await say(shop, stream_id, told["tool_use_id"], YES)
            return await waiting(*args)

        monkeypatch.setattr(approvals, "wait", late)
        assert (await shop.ended(stream_id)).outcome == "completed"
    assert len(till.paid) == 1


async def test_a_person_s_time_is_not_the_stream_s(shop: Workshop, till: Till) -> None:
    async with shop.worker(stream_seconds_max=1.5):
        stream_id, [call] = await waits(shop, "[[sim: tools=pay]]")
        await asyncio.sleep(1.6)
        await say(shop, stream_id, call, YES)
        stream = await shop.ended(stream_id)
    assert (stream.outcome, till.paid) == ("completed", [call])
    assert int(stream.meta["waited_ms"]) >= 1500
    assert stream.meta["waiting_since"] == b"0"


async def test_one_that_waits_is_ended_by_a_front(shop: Workshop, till: Till) -> None:
    async with shop.worker():
        stream_id, _ = await waits(shop, "[[sim: tools=pay]]")
        conversations = Conversations(shop.redis, shop.log)
        front = Streams(shop.log, shop.queue, conversations, shop.settings, "front", pricing=Prices().cost)
        assert await front.cancel(stream_id) is State.ENDED
    stream = await shop.look(stream_id)
    assert (stream.outcome, stream.names[-1], till.paid) == ("cancelled", "relay.end", [])
    [end] = stream.data("relay.end")
    assert (end["turns"], end["attempts"]) == (1, 1)
    assert (end["stop_reason"], end["usage"]["output_tokens"] > 0) == ("tool_use", True)
    assert orjson.loads(stream.meta["cost_usd"]) == end["cost_usd"] > 0
    assert (stream.meta["message"], stream.meta["partial"]) == (stream.meta["turn:1"], b"1")
