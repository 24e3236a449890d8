"""The running of a turn's tools by itself: a record whose appends the test answers, and a box that it holds."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import orjson

from app.stream import frames
from app.stream.log import Begun, Status
from app.stream.stages import Cause, Stage
from tests.worker.life.test_record import REQUEST, record, services_of
from tests.worker.life.tooling.box import SCHEMA, Box
from worker.life.decide import Decision, Reason
from worker.life.interrupt import Interrupt, Why
from worker.life.record import Record
from worker.life.steps import BeginAgain, HandOver, Start
from worker.life.tooling.running import Tools
from worker.life.tooling.verdicts import Verdict
from worker.tools.tool import Tool

TICKS = 20


def message(*calls: str) -> bytes:
    """Each call is `tool:id`."""
    uses = [{"type": "tool_use", "name": name, "id": id_, "input": {}} for name, id_ in (c.split(":") for c in calls)]
    return orjson.dumps({"content": uses, "stop_reason": "tool_use"})


class Running:
    """Tools of a stream in its first turn, whose message has these calls; `pay` must not run twice."""

    def __init__(self, *calls: str) -> None:
        self.box = Box(Tool("pay", "", SCHEMA, repeatable=False), Tool("look", "", SCHEMA, repeatable=True))
        meta = {"tools": b'["pay","look"]', "max_turns": b"9", "turn": b"1", "turn:1": message(*calls)}
        self.meta = {**meta, "attempt": b"1", "request": REQUEST, "model": b"m"}
        self.interrupt = Interrupt()
        self.record: Record = record(toolbox=self.box, interrupt=self.interrupt, **self.meta)
        self.record.go(self.record.first(Reason.WORKER_LOST).way)
        assert self.record.stage is Stage.TOOLS
        self.tools = Tools(self.record, services_of(self.box), self.interrupt)

    def start(self) -> asyncio.Task[Decision]:
        return asyncio.create_task(self.tools.run())

    def found_again(self) -> None:
        """The log has lost all but the turn's message."""
        self.record.resume(Begun(Status.OK, 5000, 0, frames.origin("st_1"), self.meta))
        self.record.happens(Cause.LOG_LOST)
        self.record.go(self.record.first(Reason.LOG_LOST).way)

    def written(self) -> list[str]:
        """The names of the fields that are written now; their append is answered."""
        append = self.record.writer.take()
        assert append is not None
        self.record.writer.answered()
        return sorted(append.fields)


async def tick() -> None:
    for _ in range(TICKS):
        await asyncio.sleep(0)


async def test_what_must_not_run_twice_is_confirmed_before_it_runs() -> None:
    running = Running("pay:p", "look:l")
    task = running.start()
    await tick()
    assert running.box.called == []
    assert running.written() == ["began"]
    await task
    assert sorted(running.box.called) == ["l", "p"]


async def test_what_may_waits_for_nobody() -> None:
    running = Running("look:l")
    assert (await running.start()).step == Start()
    assert running.written() == ["began", "result:l", "turn"]


async def test_results_that_came_as_nobody_waited_any_more_are_kept() -> None:
    running = Running("look:l", "look:m")
    running.box.hold = {"look"}
    task = running.start()
    await tick()
    running.box.let()
    running.interrupt.stop(Why.DRAINED)  # before they are looked at
    await tick()
    assert isinstance((await task).step, HandOver)
    assert {"result:l", "result:m"} <= set(running.written())


async def test_a_drain_takes_back_what_was_about_to_run_and_did_not() -> None:
    running = Running("pay:p")
    task = running.start()
    await tick()
    running.interrupt.stop(Why.DRAINED)
    assert isinstance((await task).step, HandOver)
    append = running.record.writer.take()
    assert append is not None
    assert (append.fields["began"], running.box.called) == (b"[]", [])


async def test_what_runs_goes_on_while_its_log_is_begun_anew() -> None:
    running = Running("look:l")
    running.box.hold = {"look"}
    task = running.start()
    await tick()
    running.interrupt.stop(Why.LOST)
    assert (await task).step == BeginAgain()
    running.interrupt.clear()
    running.found_again()
    task = running.start()
    await tick()
    running.box.let()
    assert (await task).step == Start()
    assert (running.box.called, running.box.cancelled) == (["l"], [])


async def test_a_result_that_the_log_has_lost_is_told_again_and_not_made_again() -> None:
    running = Running("look:l")
    await running.start()
    running.found_again()
    await running.start()
    append = running.record.writer.take()
    assert append is not None
    assert [frame.name for frame in frames.split(append.data)] == ["relay.tool"]
    assert "result:l" in append.fields  # whoever takes over is not to make it again either
    assert running.box.called == ["l"]


async def test_what_runs_and_must_not_run_twice_is_said_again_to_a_log_that_has_lost_it() -> None:
    running = Running("pay:p")
    running.box.hold = {"pay"}
    task = running.start()
    await tick()
    assert running.written() == ["began"]
    await tick()
    running.interrupt.stop(Why.LOST)
    assert (await task).step == BeginAgain()
    running.interrupt.clear()
    running.found_again()
    append = running.record.writer.take()
    assert append is not None
    assert (append.fields["began"], running.box.called) == (b'["p"]', ["p"])
    await running.tools.close()


async def test_what_a_person_has_said_stands_though_the_log_has_lost_it() -> None:
    """A call that was allowed and may run twice runs on, and nobody is asked again."""
    running = Running("look:l")
    running.box.demand("look")
    running.box.hold = {"look"}
    running.record.loop.turns = replace(running.record.loop.turns, verdicts={"l": Verdict(approve=True)})
    task = running.start()
    await tick()
    running.interrupt.stop(Why.LOST)
    assert (await task).step == BeginAgain()
    running.interrupt.clear()
    running.found_again()
    task = running.start()
    await tick()
    running.box.let()
    assert ((await task).step, running.box.called) == (Start(), ["l"])


async def test_a_tool_that_comes_back_is_not_run_by_what_was_known_as_it_was_gone() -> None:
    """It may be one of which a person is to be asked."""
    running = Running("pay:p")
    offered, running.box.offered = running.box.offered, {}
    task = running.start()
    await tick()
    running.box.offered = offered
    assert running.written() == ["began"]
    assert (await task).step == Start()
    assert running.box.called == []
    assert running.record.loop.turns.results["p"].startswith(b'{"tool_use_id":"p"')


async def test_whatever_ends_the_running_ends_the_tools() -> None:
    running = Running("look:l")
    running.box.hold = {"look"}
    task = running.start()
    await tick()
    await running.tools.close()
    assert running.box.cancelled == ["l"]
    task.cancel()


async def test_what_is_kept_of_a_loop_counts_to_what_the_worker_holds() -> None:
    running = Running("look:l")
    before = running.record.memory_bytes
    running.box.content["look"] = "x" * 10_000
    await running.start()
    assert running.record.memory_bytes - before > 10_000
