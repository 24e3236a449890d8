"""A reader gets the same whether or not its connection can be taken over."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from starlette.types import Scope

from app.faces.native import answer as sse
from app.fanout.audience import PING
from app.fanout.drain import send_all_away
from app.http.connection.takeover import can_take_over
from app.stream.endings import Outcome
from app.stream.frames import Position
from app.stream.log import Log, Read
from tests.app.served import Author, Served, served, until
from tests.app.taken import get, said, taken_over

STREAM = "st_takeover"


@pytest.fixture
async def front(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    """Takes connections over but those of requests that have `x-plain`."""

    def not_when_asked(scope: Scope) -> bool:
        return (b"x-plain", b"1") not in scope["headers"] and can_take_over(scope)

    monkeypatch.setattr(sse, "can_take_over", not_when_asked)
    async with served(redis) as made:
        yield made


async def both(front: Served, author: Author, after: str = "") -> list[asyncio.Task[httpx.Response]]:
    """Two readers, one on each way, both there and shown what there is."""
    before = len(front.hub.readers)
    asked = [asyncio.create_task(get(front, author, after, plain=plain)) for plain in (False, True)]

    def shown() -> bool:
        tail = front.hub.known(author.stream_id)
        if tail is None or len(tail.readers) != before + 2:
            return False
        return all(reader.position == tail.splice.end for reader in tail.readers)

    await until(shown)
    return asked


async def same(asked: list[asyncio.Task[httpx.Response]]) -> bytes:
    """The body that both got, under the same head."""
    taken, plain = [await task for task in asked]
    assert taken.content == plain.content
    for name in ("content-type", "cache-control", "x-accel-buffering", "transfer-encoding"):
        assert taken.headers.get(name) == plain.headers.get(name), name
    return taken.content


async def test_a_connection_that_was_taken_over_carries_the_same_bytes_as_any_other(
    front: Served, author: Author
) -> None:
    await said(author, "before", "anybody came")
    place = author.last_id
    await said(author, "and more")
    whole, rest = await both(front, author), await both(front, author, place)
    wrong = await both(front, author, "000000007-00000000")
    assert len(taken_over(front)) == 3
    for n in range(10):
        await said(author, f"live {n}", "Grüße, 世界 🌊")
    await author.restart()
    await said(author, "anew")
    await author.end(Outcome.COMPLETED)
    body, after, anew = [await same(asked) for asked in (whole, rest, wrong)]
    log = await front.redis.get(f"ks:{{{author.stream_id}}}:log")
    assert body.endswith(b"\n\n" + log)
    assert log.endswith(after.partition(b"\n\n")[2])
    assert anew.count(b"event: relay.reset\n") == 2
    assert not front.hub.tails
    assert front.hub.sent.bytes == 2 * (len(body) + len(after) + len(anew))


async def test_it_is_told_the_same_when_its_front_drains_or_redis_forgets(
    redis: Redis, front: Served, author: Author
) -> None:
    await said(author, "a")
    first = await both(front, author)
    await redis.flushall()
    tail = front.hub.known(author.stream_id)
    assert tail is not None
    tail.repair()
    assert b'event: relay.reset\ndata: {"attempt":0,"reason":"lost"}\n\n' in await same(first)


async def test_a_drain_ends_both(front: Served, author: Author) -> None:
    await said(author, "a")
    asked = await both(front, author)
    await send_all_away(front.hub, 0)
    taken, plain = [re.sub(rb"retry: [0-9]+", b"retry", (await task).content) for task in asked]
    assert taken == plain
    assert taken.endswith(b"\n\nretry\n: come back\n\n")


async def test_neither_is_told_anything_behind_the_ending_while_the_log_is_asked_whether_it_is_one(
    front: Served, author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    await said(author, "a")
    asked = await both(front, author)
    known, fresh = asyncio.Event(), front.hub.log.fresh

    async def late(stream_id: str, after: Position | None) -> Read:
        await known.wait()
        return await fresh(stream_id, after)

    monkeypatch.setattr(front.hub.log, "fresh", late)
    tail = front.hub.known(author.stream_id)
    assert tail is not None
    await author.end(Outcome.COMPLETED)
    await until(
        lambda: tail.told_all and all(r.position == tail.splice.end for r in tail.readers if r not in tail.live)
    )
    tail.audience.aside(PING)
    await send_all_away(front.hub, 0)
    body = await same(asked)
    known.set()
    assert body.endswith(await front.redis.get(f"ks:{{{author.stream_id}}}:log"))


async def test_whoever_joins_during_a_drain_is_told(front: Served, author: Author, monkeypatch: Any) -> None:
    """A request that waited for Redis when the drain began."""
    await said(author, "a")
    read = Log.read

    async def meanwhile(*args: Any, **options: Any) -> Read:
        found = await read(*args, **options)
        front.hub.draining = True
        return found

    monkeypatch.setattr(Log, "read", meanwhile)
    for plain in (False, True):
        front.hub.draining = False
        answer = (await get(front, author, "", plain=plain)).content
        assert re.search(rb"\n\nretry: [0-9]+\n: come back\n\n$", answer)


async def test_who_comes_back_to_a_front_that_drains_sees_what_there_is(front: Served, author: Author) -> None:
    """A proxy may send it there again and again, until that front is gone."""
    await said(author, "a")
    place = author.last_id
    front.hub.draining = True
    nothing_new, newcomer = await get(front, author, place, plain=False), await get(front, author, "", plain=False)
    for answer in (nothing_new, newcomer):
        assert re.fullmatch(rb"retry: [0-9]+\n: come back\n\n", answer.content)
    whole = await front.redis.get(f"ks:{{{author.stream_id}}}:log")
    await said(author, "b")
    news = (await front.redis.get(f"ks:{{{author.stream_id}}}:log"))[len(whole) :]
    opening, body = (await get(front, author, place, plain=False)).content.split(b"\n\n", 1)
    assert opening.startswith(b"retry: ")
    assert re.fullmatch(re.escape(news) + rb"retry: [0-9]+\n: come back\n\n", body)
    made_up = await get(front, author, "000000001-00000000", plain=False)
    assert re.fullmatch(rb"retry: [0-9]+\n: come back\n\n", made_up.content)  # the next front says why
    await author.end(Outcome.COMPLETED)
    ended = await get(front, author, author.last_id, plain=False)
    assert (ended.status_code, ended.content) == (204, b"")
    last = await get(front, author, place, plain=False)
    assert last.content.endswith(b"\n\n")
    assert b"event: relay.end\n" in last.content
    assert b"come back" not in last.content
    assert not front.hub.readers
