"""Calls that take long: they are left in time, whoever waits may leave, and nothing holds the worker up unseen."""

from __future__ import annotations

import asyncio
import threading
import time

from app.watch.events import of_processes
from tests.harness.heard import heard
from tests.patience import PATIENCE
from tests.worker.tools.test_toolbox import BRIEF, box, call, fault, told
from worker.tools.running.outcome import BLOCKING_SECONDS
from worker.tools.toolbox import LEFT_MAX


async def test_a_tool_that_hangs_is_left_and_told() -> None:
    ended = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asyncio.timeout(PATIENCE):  # so that one who waits for ever is told soon
        assert "within 0.05 s" in await fault(box(hang, BRIEF), "hang")
        await ended.wait()


async def test_of_threads_that_hang_there_are_a_few_and_then_none_is_begun() -> None:
    may_end, began = threading.Event(), 0

    def hang() -> None:
        nonlocal began
        began += 1
        may_end.wait()

    toolbox = box(hang, BRIEF)
    for _ in range(LEFT_MAX):
        assert "within" in await fault(toolbox, "hang")
    assert "have not ended yet" in await fault(toolbox, "hang")
    assert began == LEFT_MAX
    may_end.set()
    while toolbox._left["hang"]:
        await asyncio.sleep(0)
    assert not (await toolbox.run(call("hang"))).is_error


async def test_an_async_tool_that_heeds_no_cancellation_is_counted_likewise() -> None:
    may_end = asyncio.Event()

    async def stubborn() -> None:
        while not may_end.is_set():
            try:
                await may_end.wait()
            except asyncio.CancelledError:
                continue

    toolbox = box(stubborn, BRIEF)
    assert "within" in await fault(toolbox, "stubborn")
    assert toolbox._left["stubborn"] == 1
    may_end.set()
    while toolbox._left["stubborn"]:
        await asyncio.sleep(0)


async def test_an_async_tool_that_blocks_the_loop_is_told() -> None:
    async def blocking() -> str:
        await asyncio.sleep(0)
        time.sleep(BLOCKING_SECONDS)  # noqa: ASYNC251  # that is the fault
        return "done"

    with heard() as events:
        assert told(await box(blocking).run(call("blocking"))) == "done"
    (blocked,) = [event for event in events if isinstance(event, of_processes.ToolBlocked)]
    assert blocked.tool == "blocking"
    assert blocked.seconds >= BLOCKING_SECONDS


async def test_whoever_waits_for_a_call_may_leave() -> None:
    began, left = asyncio.Event(), asyncio.Event()

    async def sleeper() -> str:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()
        return ""

    running = asyncio.create_task(box(sleeper).run(call("sleeper")))
    async with asyncio.timeout(PATIENCE):
        await began.wait()
        running.cancel()
        await left.wait()
    assert (await asyncio.gather(running, return_exceptions=True))[0].__class__ is asyncio.CancelledError
