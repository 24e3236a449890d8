"""A front that stops sends its readers away, one by one."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from app.faces.native.push import PushReader
from app.fanout.drain import send_all_away
from tests.app.following import (
    SOON,
    STREAM,
    Client,
    Inside,
    Stream,
    inside,
)
from tests.app.served import until
from tests.patience import PATIENCE


async def test_a_drain_sends_everybody_away_and_ends_when_they_have_left(front: Inside, stream: Stream) -> None:
    clients = [await Client(front.hub, STREAM).begin() for _ in range(20)]
    await stream.write("a")
    await until(lambda: all(client.frames == stream.written for client in clients))
    clients[0].stop()
    async with asyncio.timeout(PATIENCE):
        await send_all_away(front.hub, SOON)
        await front.hub.empty()
    assert front.hub.draining
    assert (front.hub.tails, front.channel.subscriptions) == ((), 0)
    pauses = set()
    for client in clients:
        block = client.body.removeprefix(stream.written)
        retry, _, rest = block.partition(b"\n")
        assert rest == b": come back\n\n"
        pauses.add(int(retry.removeprefix(b"retry: ")))
        assert client.closed
    assert len(pauses) > 1
    assert all(100 <= pause < 1500 for pause in pauses)


async def test_a_drain_is_spread_over_its_time(front: Inside, stream: Stream) -> None:
    clients = [await Client(front.hub, stream.id).begin() for _ in range(4)]
    begun = asyncio.get_running_loop().time()
    draining = asyncio.create_task(send_all_away(front.hub, 0.2))
    await until(lambda: any(client.closed for client in clients))
    assert not all(client.closed for client in clients)
    async with asyncio.timeout(PATIENCE):
        await draining
    assert asyncio.get_running_loop().time() - begun >= 0.2 * 3 / 4
    assert all(client.closed for client in clients)


@pytest.mark.usefixtures("stream")
async def test_who_joins_while_a_front_drains_is_told_to_come_back(redis: Redis) -> None:
    async with inside(redis) as front:
        early = await Client(front.hub, STREAM).begin()
        front.hub.draining = True
        draining = asyncio.create_task(send_all_away(front.hub, 0.2))
        await asyncio.sleep(0)
        late = [await Client(front.hub, STREAM).begin() for _ in range(3)]
        await until(lambda: all(client.closed for client in (early, *late)))
        await draining
        async with asyncio.timeout(PATIENCE):
            await front.hub.empty()
    for client in (early, *late):
        assert client.body.count(b": come back") == 1


@pytest.mark.usefixtures("stream")
async def test_a_front_that_ends_leaves_nobody_without_a_word(redis: Redis) -> None:
    async with inside(redis) as front:
        clients = [await Client(front.hub, STREAM).begin() for _ in range(3)]
        clients[0].stop()
    assert all(b": come back" in client.body for client in clients)
    assert all(client.closed for client in clients)
    assert all(isinstance(client.reader, PushReader) for client in clients)
