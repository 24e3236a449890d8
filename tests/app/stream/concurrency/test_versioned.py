"""Who waits for a change hears of each, also of one that came between the look and the wait."""

from __future__ import annotations

import asyncio

from app.stream.concurrency.versioned import Versioned


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_nobody_goes_on_without_a_change() -> None:
    one = Versioned()
    waiting = [asyncio.create_task(one.changed()) for _ in range(3)]
    await turns()
    assert not any(task.done() for task in waiting)
    one.wake()
    await asyncio.gather(*waiting)


async def test_what_changed_since_one_looked_is_not_waited_for() -> None:
    one = Versioned()
    seen = one.version
    one.wake()
    await one.changed(seen)
    waiting = asyncio.create_task(one.changed())
    await turns()
    assert not waiting.done()
    one.wake()
    await waiting


async def test_who_gives_up_waiting_takes_nothing_from_the_others() -> None:
    one = Versioned()
    gives_up, stays = (asyncio.create_task(one.changed()) for _ in range(2))
    await turns()
    gives_up.cancel()
    await turns()
    assert not stays.done()
    one.wake()
    await stays


async def test_once_closed_nobody_waits() -> None:
    one = Versioned()
    waiting = asyncio.create_task(one.changed())
    await turns()
    one.closed = True
    one.wake()
    await waiting
    await one.changed()


async def test_watchers_are_set_at_each_change() -> None:
    one, watcher = Versioned(), asyncio.Event()
    one.watchers.add(watcher)
    for _ in range(2):
        one.wake()
        assert watcher.is_set()
        watcher.clear()
