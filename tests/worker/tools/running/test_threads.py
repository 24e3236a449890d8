from __future__ import annotations

import asyncio
import threading

import pytest

from worker.tools.running import threads
from worker.tools.running.threads import Threads


async def test_work_has_a_thread_which_its_process_does_not_wait_for() -> None:
    over: list[str] = []
    thread = await Threads().run(threading.current_thread, lambda: over.append("over"))
    assert thread.daemon
    assert over == ["over"]


async def test_who_leaves_is_told_when_it_is_over() -> None:
    began, may_end, over = threading.Event(), threading.Event(), asyncio.Event()

    def work() -> None:
        began.set()
        may_end.wait()

    task = asyncio.create_task(Threads().run(work, over.set))
    await asyncio.to_thread(began.wait)
    task.cancel()
    assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)
    assert not over.is_set()
    may_end.set()
    await over.wait()


async def test_of_many_some_wait_for_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "THREADS_MAX", 1)
    pool, may_end, over = Threads(), threading.Event(), 0

    def count() -> None:
        nonlocal over
        over += 1

    first = asyncio.create_task(pool.run(may_end.wait, count))
    second = asyncio.create_task(pool.run(lambda: "ran", count))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert over == 1  # it was never begun
    may_end.set()
    assert await first
    assert await pool.run(lambda: "ran", count) == "ran"


async def test_a_machine_without_threads_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    over: list[str] = []
    with pytest.raises(RuntimeError, match="can't start"):
        await Threads().run(lambda: None, lambda: over.append("over"))
    assert over == ["over"]
