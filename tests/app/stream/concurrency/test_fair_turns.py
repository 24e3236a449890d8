"""Many who have much to do take turns, and whoever else needs the loop has it in between."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

import pytest
from redis.asyncio import Redis

from app.faces.native.push import PushReader
from app.fanout.catchup import MUCH_BYTES, Data
from app.fanout.reader import PullReader
from app.stream.concurrency.fair_turns import FairTurns
from app.stream.frames import origin
from tests.app.following import Client, Inside, Stream, inside
from tests.app.served import until


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
    async with asyncio.timeout(20):
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

    async with asyncio.timeout(20):
        await asyncio.gather(*(works(n) for n in range(4)))
    assert order == [0, 1, 2, 3] * 3


async def test_who_leaves_while_it_waits_leaves_no_hole() -> None:
    turns = FairTurns()
    waiting = [asyncio.create_task(turns.next()) for _ in range(5)]
    await asyncio.sleep(0)
    for task in waiting[:4]:
        task.cancel()
    async with asyncio.timeout(20):
        await waiting[4]
        await turns.next()


async def test_a_herd_that_catches_up_does_so_one_step_a_round(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pushed to or asking, out of the window or the log."""
    stream = await Stream.begin(redis, "st_turns")
    for _ in range(20):
        await stream.write(*("x" * 900 for _ in range(50)))
    steps, most = 0, 0
    send = PushReader._send

    def sends(reader: PushReader, data: bytes) -> bool:
        nonlocal steps
        steps += len(data) > MUCH_BYTES
        return send(reader, data)

    monkeypatch.setattr(PushReader, "_send", sends)

    async def asks(front: Inside) -> bytes:
        nonlocal steps
        given = b""
        async with contextlib.aclosing(PullReader(origin(stream.id)).steps(front.hub, stream.id)) as asked:
            async for step in asked:
                assert isinstance(step, Data)
                steps += len(step.data) > MUCH_BYTES
                given += step.data
        return given

    async with inside(redis) as front:
        clients = [Client(front.hub, stream.id) for _ in range(10)]
        beginning = [asyncio.create_task(client.begin()) for client in clients]
        asking = [asyncio.create_task(asks(front)) for _ in range(10)]
        await stream.end()
        async with asyncio.timeout(20):
            while not all(task.done() for task in (*beginning, *asking)):
                before = steps
                await asyncio.sleep(0)
                most = max(most, steps - before)
            assert [await task for task in asking] == [stream.written] * 10
            await until(lambda: all(client.closed for client in clients))
    assert all(client.frames == stream.written for client in clients)
    assert steps > 100
    assert most <= 2  # one that begins, and one that goes on before it waits
