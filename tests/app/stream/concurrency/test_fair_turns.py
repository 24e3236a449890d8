"""Many who have much to do take turns, and whoever else needs the loop has it in between."""

from __future__ import annotations

import asyncio
from collections import Counter

from app.stream.concurrency.fair_turns import FairTurns
from tests.patience import PATIENCE


async def test_one_begins_in_each_round_and_the_others_have_it_in_between() -> None:
    turns, done, rounds = FairTurns(), Counter[int](), 0
    most = 0

    async def works(name: int) -> None:
        for _ in range(20):
            await turns.next()
            done[name] += 1

    async def watches() -> None:
        nonlocal rounds, most
        while sum(done.values()) < 200:
            before = sum(done.values())
            await asyncio.sleep(0)
            rounds += 1
            most = max(most, sum(done.values()) - before)

    watching = asyncio.create_task(watches())
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(works(n) for n in range(10)), watching)
    assert most == 1
    assert rounds >= 200
    assert set(done.values()) == {20}


async def test_they_come_in_the_order_in_which_they_asked() -> None:
    turns, order = FairTurns(), list[int]()

    async def works(name: int) -> None:
        for _ in range(3):
            await turns.next()
            order.append(name)

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(works(n) for n in range(4)))
    assert order == [0, 1, 2, 3] * 3


async def test_who_leaves_while_it_waits_leaves_no_hole() -> None:
    turns = FairTurns()
    waiting = [asyncio.create_task(turns.next()) for _ in range(5)]
    await asyncio.sleep(0)
    for task in waiting[:4]:
        task.cancel()
    async with asyncio.timeout(PATIENCE):
        await waiting[4]
        await turns.next()
