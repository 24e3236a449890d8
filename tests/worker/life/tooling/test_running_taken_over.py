"""A worker that is lost, drained, or fenced while its tools run: what it leaves, and what the next one does."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from app.stream import keys
from tests.patience import PATIENCE
from tests.worker.life.tooling.box import asking, boxed
from tests.worker.life.tooling.test_running import TURN, turns
from tests.worker.workshop import MODEL, Workshop
from worker.life import decide, life

LEASE = 0.6


async def lost_in_a_tool(shop: Workshop, box: Any, prompt: str, *asked: str, called: int) -> str:
    """A stream whose worker was lost when so many calls had begun, and none of those that are held had a result."""
    async with shop.worker(lease_seconds=LEASE):
        stream_id = await shop.submit(prompt, **asking(*asked))
        await asyncio.wait_for(box.until_called(called), PATIENCE)
        free = called - len(box.hold)
        await shop.until(stream_id, lambda stream: stream.names.count("relay.tool") == free)
    box.hold = set()
    return stream_id


async def test_a_tool_that_may_run_twice_is_run_again(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    box = boxed(monkeypatch, look=True)
    box.hold = {"look"}
    stream_id = await lost_in_a_tool(shop, box, "[[sim: tools=look tell]]", "look", called=1)
    async with shop.worker(lease_seconds=LEASE):
        stream = await shop.ended(stream_id)
    assert (stream.outcome, turns(stream)) == ("completed", [*TURN, "tool", *TURN, "end"])
    assert (len(box.called), len(set(box.called)), len(box.cancelled)) == (2, 1, 1)
    assert stream.data("relay.end")[0]["attempts"] == 2


async def test_one_that_must_not_ends_the_stream_and_is_never_run_again(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = boxed(monkeypatch, pay=False)
    box.hold = {"pay"}
    stream_id = await lost_in_a_tool(shop, box, "[[sim: tools=pay]]", "pay", called=1)
    async with shop.worker(lease_seconds=LEASE):
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.json("error")["type"]) == ("failed", "tool_interrupted")
    assert turns(stream) == [*TURN, "end"]
    assert len(box.called) == 1
    assert stream.json("message")["stop_reason"] == "tool_use"


async def test_what_has_its_result_is_not_run_again(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two results."""
    box = boxed(monkeypatch, pay=False, look=True)
    box.hold = {"look"}
    stream_id = await lost_in_a_tool(shop, box, "[[sim: tools=pay,look tell]]", "pay", "look", called=2)
    before = (await shop.look(stream_id)).data("relay.tool")
    async with shop.worker(lease_seconds=LEASE):
        stream = await shop.ended(stream_id)
    assert (stream.outcome, turns(stream)) == ("completed", [*TURN, "tool", "tool", *TURN, "end"])
    assert stream.data("relay.tool")[0] == before[0]
    assert [box.called.count(one["tool_use_id"]) for one in stream.data("relay.tool")] == [1, 2]


async def test_between_the_last_result_and_the_next_call_nothing_is_lost_and_nothing_is_told_twice(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, reached = boxed(monkeypatch, pay=False), asyncio.Event()

    async def never(*_: object, **__: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    async with shop.worker(lease_seconds=LEASE) as parts:
        enter, asked = parts.services.gate.enter, 0

        async def first_only(*args: Any, **more: Any) -> Any:
            nonlocal asked
            asked += 1
            return await (enter if asked == 1 else never)(*args, **more)

        monkeypatch.setattr(parts.services.gate, "enter", first_only)
        stream_id = await shop.submit("[[sim: tools=pay tell tag=after-result]]", **asking("pay"))
        await asyncio.wait_for(reached.wait(), PATIENCE)
        await shop.until(stream_id, lambda stream: "relay.tool" in stream.names)
    async with shop.worker(lease_seconds=LEASE):
        stream = await shop.ended(stream_id)
    assert (stream.outcome, turns(stream)) == ("completed", [*TURN, "tool", *TURN, "end"])
    assert len(box.called) == 1
    assert (await shop.calls("after-result"))["calls"] == 2


@pytest.mark.parametrize(("repeatable", "outcome"), [(True, "completed"), (False, "failed")])
async def test_a_drain_leaves_running_tools_to_the_next_holder(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, *, repeatable: bool, outcome: str
) -> None:
    box = boxed(monkeypatch, look=repeatable)
    box.hold = {"look"}
    async with shop.worker() as parts:
        stream_id = await shop.submit("[[sim: tools=look]]", **asking("look"))
        await asyncio.wait_for(box.until_called(), PATIENCE)
        parts.pool.stop_taking()
        parts.pool.hand_over()
        await asyncio.wait_for(parts.pool.empty(), PATIENCE)
        assert box.cancelled == box.called
    box.hold = set()
    async with shop.worker():
        stream = await shop.ended(stream_id)
    assert (stream.outcome, len(box.called)) == (outcome, 2 if repeatable else 1)


async def test_a_worker_that_is_fenced_ends_its_tool(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    box = boxed(monkeypatch, look=True)
    box.hold = {"look"}
    async with shop.worker(lease_seconds=LEASE) as parts:
        stream_id = await shop.submit("[[sim: tools=look tell]]", **asking("look"))
        await asyncio.wait_for(box.until_called(), PATIENCE)
        parts.pool.stop_taking()
        async with shop.worker(lease_seconds=LEASE):

            async def taken() -> bool:  # its holder renews it meanwhile
                await shop.redis.zadd(keys.LEASES, {stream_id: 0})
                return len(box.called) == 2

            await shop.eventually(taken)
            await shop.eventually(lambda: empty_of(parts))
            assert len(box.cancelled) == 1
            box.let()
            stream = await shop.ended(stream_id)
    assert (stream.outcome, turns(stream)) == ("completed", [*TURN, "tool", *TURN, "end"])


async def empty_of(parts: Any) -> bool:
    return not parts.pool.leases


async def test_a_turn_that_is_lost_is_begun_again_behind_the_results_of_those_before(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the claims of the turns before do not count: each turn may lose as many workers as a stream may."""
    box = boxed(monkeypatch, pay=False)
    prompt = "[[sim: tools=pay turns=1 tell]] [[sim: stall-after=2 times=2 turn=2]]"
    async with shop.worker(lease_seconds=LEASE, max_attempts=2):
        stream_id = await shop.submit(prompt, **asking("pay"))
        await shop.until(stream_id, lambda stream: stream.names.count("message_start") == 2)
    async with shop.worker(lease_seconds=LEASE, max_attempts=3):
        await shop.until(stream_id, lambda stream: stream.names.count("message_start") == 3)
    async with shop.worker(lease_seconds=LEASE, max_attempts=3):
        stream = await shop.ended(stream_id)
    assert stream.outcome == "completed"
    assert turns(stream) == [*TURN, "tool", "start", "reset", "start", "reset", *TURN, "end"]
    assert [one["turn"] for one in stream.data("relay.reset")] == [2, 2]
    assert len(box.called) == 1


async def test_what_a_person_is_to_allow_is_asked_once_and_runs_only_then(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = boxed(monkeypatch, pay=False, look=True)
    box.demand("pay")
    async with shop.worker() as parts:
        stream_id = await shop.submit("[[sim: tools=pay,look tell]]", **asking("pay", "look"))
        stream = await shop.until(stream_id, lambda stream: "relay.tool" in stream.names)
        await shop.eventually(lambda: empty_of(parts))
        assert [one["name"] for one in stream.data("relay.approval")] == ["pay"]
    assert len(box.called) == 1


async def test_who_does_not_offer_a_tool_gives_the_stream_to_who_does(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a fleet changes its version."""
    monkeypatch.setattr(life, "MISPLACED_SECONDS", 0.05)
    boxed(monkeypatch, other=True)
    async with shop.worker():
        stream_id = await shop.submit("[[sim: tools=look tell tag=elsewhere]]", **asking("look"))
        await shop.until(stream_id, lambda stream: int(stream.meta.get("misplaced", b"0")) > 2)
        box = boxed(monkeypatch, look=False)
        async with shop.worker():
            stream = await shop.ended(stream_id)
    assert (stream.outcome, turns(stream)) == ("completed", [*TURN, "tool", *TURN, "end"])
    assert (len(box.called), stream.meta["attempts"], stream.meta["misplaced"]) == (1, b"2", b"0")
    assert (await shop.calls("elsewhere"))["calls"] == 2


async def test_a_tool_that_nobody_offers_any_more_fails_the_stream(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "MISPLACED_SECONDS", 0.0)
    monkeypatch.setattr(decide, "MISPLACED_MAX", 3)
    boxed(monkeypatch)
    async with shop.worker():
        stream = await shop.run("[[sim: tools=look tag=nobody]]", **asking("look"))
    assert (stream.outcome, stream.meta["misplaced"], stream.meta["attempts"]) == ("failed", b"4", b"0")
    assert "'look'" in stream.json("error")["message"]
    assert (await shop.calls("nobody"))["calls"] == 0


async def test_a_log_that_lost_what_others_wrote_is_told_the_results_of_what_runs_here(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was lost cannot be written again; what runs goes on, and is not run twice."""
    box = boxed(monkeypatch, look=True, pay=False)
    box.hold = {"look"}
    prompt = "[[sim: tools=look,pay tell]]"
    async with shop.worker(lease_seconds=LEASE):
        stream_id = await shop.submit(prompt, **asking("look", "pay"))
        await shop.until(stream_id, lambda stream: "relay.tool" in stream.names)
    async with shop.worker(lease_seconds=LEASE):
        await asyncio.wait_for(box.until_called(3), PATIENCE)
        log = await shop.redis.get(keys.log(stream_id))
        await shop.redis.set(keys.log(stream_id), log[: log.index(b"event: message_delta")], keepttl=True)
        box.let()
        stream = await shop.ended(stream_id)
    assert stream.outcome == "completed"
    assert sorted(Counter(box.called).values()) == [1, 2]  # by two workers
    assert len(box.cancelled) == 1  # the first one's


async def test_a_turn_that_waits_in_the_gate_s_line_goes_on_with_what_the_tools_brought(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has it meanwhile: the state of the loop stands in the meta."""
    box = boxed(monkeypatch, pay=False)
    prompt = "[[sim: tools=pay tell]] [[sim: status=429 retry-after=2 times=1 turn=2]]"
    async with shop.worker() as parts:
        stream_id = await shop.submit(prompt, **asking("pay"))
        await shop.eventually(lambda: shop.redis.zscore(keys.gate_line(MODEL), stream_id))
        await shop.eventually(lambda: empty_of(parts))
        await shop.submit("[[sim: tokens=3]]")  # whoever asks wakes all who wait
        stream = await shop.ended(stream_id)
    assert (stream.outcome, turns(stream)) == ("completed", [*TURN, "tool", "retry", *TURN, "end"])
    assert (len(box.called), stream.data("relay.end")[0]["attempts"]) == (1, 2)
