from __future__ import annotations

import asyncio
import contextlib

import pytest

from worker.life.interrupt import Interrupt, Interruption, Why


async def until_interrupted(interrupt: Interrupt, least: Why = Why.STALLED) -> Why:
    with pytest.raises(Interruption) as caught, interrupt.armed(least):
        await asyncio.Event().wait()
    return caught.value.why


async def test_a_reason_ends_what_is_awaited() -> None:
    interrupt = Interrupt()
    asyncio.get_running_loop().call_soon(interrupt.stop, Why.CANCELLED)
    assert await until_interrupted(interrupt) is Why.CANCELLED


async def test_a_reason_given_before_waits_for_the_next_place() -> None:
    interrupt = Interrupt()
    interrupt.stop(Why.DRAINED)
    assert await until_interrupted(interrupt) is Why.DRAINED


async def test_a_lower_reason_than_asked_for_interrupts_nothing() -> None:
    interrupt = Interrupt()
    interrupt.stop(Why.CANCELLED)
    loop = asyncio.get_running_loop()
    loop.call_soon(interrupt.stop, Why.EXPIRED)
    loop.call_soon(lambda: loop.call_soon(interrupt.stop, Why.LEFT))
    assert await until_interrupted(interrupt, Why.LEFT) is Why.LEFT


async def test_a_stronger_reason_wins_whenever_it_comes() -> None:
    for first, second in ((Why.STALLED, Why.CANCELLED), (Why.CANCELLED, Why.STALLED)):
        interrupt = Interrupt()
        loop = asyncio.get_running_loop()
        loop.call_soon(interrupt.stop, first)
        loop.call_soon(interrupt.stop, second)
        assert await until_interrupted(interrupt) is Why.CANCELLED


async def test_a_reason_that_was_acted_upon_can_be_forgotten() -> None:
    interrupt = Interrupt()
    interrupt.stop(Why.STALLED)
    assert await until_interrupted(interrupt) is Why.STALLED
    interrupt.clear()
    with interrupt.armed():
        await asyncio.sleep(0)


async def test_what_the_block_waited_for_may_be_done_in_the_same_moment() -> None:
    interrupt = Interrupt()
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def both() -> None:
        future.set_result(None)
        interrupt.stop(Why.LEFT)

    asyncio.get_running_loop().call_soon(both)
    with pytest.raises(Interruption), interrupt.armed():
        await future
    await asyncio.sleep(0)  # nothing is left over that would cancel this


async def swallowing() -> None:
    """As `asyncio.wait_for` does where what it waits for is done in the moment of the cancellation."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


async def test_a_reason_is_not_lost_where_a_library_swallows_the_cancellation() -> None:
    interrupt = Interrupt()
    asyncio.get_running_loop().call_soon(interrupt.stop, Why.CANCELLED)
    with pytest.raises(Interruption), interrupt.armed():
        await swallowing()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_reason_is_not_lost_where_a_library_makes_an_error_of_the_cancellation() -> None:
    interrupt = Interrupt()
    asyncio.get_running_loop().call_soon(interrupt.stop, Why.CANCELLED)

    async def fail() -> None:
        await swallowing()
        raise KeyError

    with pytest.raises(Interruption), interrupt.armed():
        await fail()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_cancellation_by_somebody_else_stays_one() -> None:
    interrupt = Interrupt()
    begun = asyncio.Event()

    async def work() -> None:
        with interrupt.armed():
            begun.set()
            await asyncio.Event().wait()

    for reason in (None, Why.CANCELLED):
        begun.clear()
        task = asyncio.create_task(work())
        await begun.wait()
        task.cancel()
        if reason is not None:
            interrupt.stop(reason)
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_after_the_block_nothing_is_interrupted() -> None:
    interrupt = Interrupt()
    with interrupt.armed():
        await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(interrupt.stop, Why.LEFT)
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_other_errors_pass_through() -> None:
    interrupt = Interrupt()
    with pytest.raises(KeyError), interrupt.armed():
        raise KeyError


def test_only_a_task_can_be_interrupted() -> None:
    with pytest.raises(RuntimeError), Interrupt().armed():
        pass
