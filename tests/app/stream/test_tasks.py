from __future__ import annotations

import asyncio
import contextlib

from app.stream.tasks import end


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_tasks_have_ended() -> None:
    tasks = [asyncio.create_task(for_ever()) for _ in range(3)]
    await end(*tasks)
    assert all(task.cancelled() for task in tasks)
    await end()


async def test_a_task_that_loses_a_cancellation_is_cancelled_again() -> None:
    async def forgetful() -> None:
        for _ in range(2):
            with contextlib.suppress(asyncio.CancelledError):
                await for_ever()
        await for_ever()

    task = asyncio.create_task(forgetful())
    await asyncio.sleep(0)
    await end(task)
    assert task.cancelled()


async def test_what_a_task_came_to_does_not_matter() -> None:
    async def fails() -> None:
        raise KeyError

    tasks = [asyncio.create_task(fails()), asyncio.create_task(asyncio.sleep(0, 7))]
    await asyncio.wait(tasks)
    await end(*tasks)
