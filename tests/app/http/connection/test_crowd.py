"""A front has a bound on its connections: who comes beyond it is told so, and each counts until it is gone."""

from __future__ import annotations

import resource
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from app.http.connection import crowd
from app.http.connection.crowd import DESCRIPTORS_BESIDE, SURPLUS, Crowd, Seat, room_for
from app.settings import Settings
from app.stream.endings import Outcome
from app.stream.observing import Event
from app.watch.events.of_fronts import Crowded
from app.watch.observers import observed
from tests.app.http.speaking import connected
from tests.app.served import Served, served, until
from tests.app.taken import path, taken_over
from tests.patience import PATIENCE

AGAIN = b"retry: 10000\n: "


class Listener:
    def __init__(self) -> None:
        self.heard: list[Event] = []

    def told(self, event: Event) -> None:
        if isinstance(event, Crowded):
            self.heard.append(event)


def seated(here: Crowd, count: int) -> list[Seat]:
    seats = [here.come() for _ in range(count)]
    assert None not in seats
    return [seat for seat in seats if seat is not None]


def test_each_has_a_seat_until_it_leaves() -> None:
    here = Crowd(2)
    first, second, third = seated(here, 3)
    assert [seat.surplus for seat in (first, second, third)] == [False, False, True]
    first.leave()
    first.leave()
    assert here.here == 2
    (fourth,) = seated(here, 1)
    assert fourth.surplus  # the third is still there
    for seat in (second, third, fourth):
        seat.leave()
    assert here.here == 0


def test_beyond_those_who_are_told_there_is_nothing() -> None:
    here = Crowd(10)
    seats = seated(here, 10 + SURPLUS)
    assert here.come() is None
    assert here.here == 10 + SURPLUS
    seats.pop().leave()
    assert here.come() is not None


def test_that_it_is_full_is_told_once_and_again_when_it_was_over() -> None:
    listener, here = Listener(), Crowd(20)
    with observed(listener):
        seats = seated(here, 25)
        assert listener.heard == [Crowded(20)]
        for _ in range(6):
            seats.pop().leave()
        seats += seated(here, 6)  # at the edge
        assert len(listener.heard) == 1
        for _ in range(10):
            seats.pop().leave()
        seated(here, 10)
        assert len(listener.heard) == 2


@pytest.mark.parametrize(
    ("limits", "room", "asked"),
    [
        ((100_000, 100_000), 20_000, None),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), 20_000, None),
        ((1024, resource.RLIM_INFINITY), 20_000, 20_000 + SURPLUS + DESCRIPTORS_BESIDE),
        ((1024, 1_048_576), 20_000, 20_000 + SURPLUS + DESCRIPTORS_BESIDE),
        ((1024, 4096), 4096 - SURPLUS - DESCRIPTORS_BESIDE, 4096),
        ((64, 64), 1, 64),
    ],
)
def test_there_is_room_for_as_many_as_there_are_descriptors(
    limits: tuple[int, int], room: int, asked: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: calls.append(pair))
    assert room_for(20_000) == room
    assert calls == ([] if asked is None else [(asked, limits[1])])


def test_descriptors_that_are_not_given_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError

    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert room_for(20_000) == 1024 - SURPLUS - DESCRIPTORS_BESIDE


async def ask(front: Served, what: str, **headers: str) -> tuple[bytes, bytes]:
    """On a connection of its own, which the server has to close: the answer's head and its body."""
    async with connected(int(front.url.rsplit(":", 1)[1])) as one:
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        one.send(f"{what} HTTP/1.1\r\nhost: localhost\r\n{fields}\r\n".encode())
        head, _, body = (await one.rest()).partition(b"\r\n\r\n")
        return head, body


async def test_one_too_many_is_told_to_come_again(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(connections_max=2, cors_origins=("https://app.example",))
    async with served(redis, settings) as front, httpx.AsyncClient(base_url=front.url, timeout=PATIENCE) as http:
        await http.post("/v1/streams", json={"prompt": "hello"})
        author = await front.author()
        async with http.stream("GET", path(author)):  # on the connection that has asked before
            await until(lambda: taken_over(front))
            async with http.stream("GET", path(author)):
                await until(lambda: front.crowd.here == 2)
                head, body = await ask(front, "GET /v1/streams/x", origin="https://app.example")
                assert head.startswith(b"HTTP/1.1 503 ")
                assert b'"type":"api_error"' in body
                for field in (b"retry-after: 10", b"connection: close", b"access-control-allow-origin: https://app"):
                    assert field in head.lower()
                head, body = await ask(front, f"GET {path(author)}", accept="text/event-stream")
                assert head.startswith(b"HTTP/1.1 200 ")
                assert b"content-type: text/event-stream" in head
                assert body.startswith(AGAIN)
                assert body.endswith(b"\n\n")
                async with httpx.AsyncClient(base_url=front.url, timeout=PATIENCE) as late:
                    large = await late.post("/v1/streams", json={"prompt": "x" * 8_000_000})
                    assert large.status_code == 503  # and not a connection that breaks
                # Who would be killed for its answer is asked after its health all the same.
                assert (await ask(front, "GET /healthz"))[0].startswith(b"HTTP/1.1 200 ")
                monkeypatch.setattr(crowd, "SURPLUS", 0)
                assert await ask(front, "GET /healthz") == (b"", b"")
                await until(lambda: front.crowd.here == 2)
                await author.end(Outcome.COMPLETED)
        assert (await http.get(f"/v1/streams/{author.stream_id}")).status_code == 200
    assert front.crowd.here == 0


async def test_a_connection_counts_until_it_is_gone_whoever_has_it(redis: Redis) -> None:
    async with served(redis) as front:
        async with httpx.AsyncClient(base_url=front.url, timeout=PATIENCE) as http:
            await http.post("/v1/streams", json={"prompt": "hello"})
            author = await front.author()
            async with http.stream("GET", path(author)) as answer:
                await until(lambda: taken_over(front))
                assert front.crowd.here == 1
                await author.end(Outcome.COMPLETED)
                await answer.aread()
            for _ in range(3):
                await http.get(path(author))
                assert front.crowd.here == 1
        await until(lambda: front.crowd.here == 0)


async def test_who_is_gone_in_the_middle_counts_no_more(redis: Redis) -> None:
    """A reader, and one that has not said a word."""
    async with served(redis) as front:
        async with httpx.AsyncClient(base_url=front.url, timeout=PATIENCE) as http:
            await http.post("/v1/streams", json={"prompt": "hello"})
            author = await front.author()
        port = int(front.url.rsplit(":", 1)[1])
        async with connected(port) as reader, connected(port):
            reader.send(f"GET {path(author)} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
            await until(lambda: taken_over(front) and front.crowd.here == 2)
        await until(lambda: front.crowd.here == 0)
