"""One reader too many of an owner's, on each face; and that whoever has left makes room, whichever way it left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis
from starlette.types import Scope

from app.faces.native import answer as sse
from app.faces.native import push
from app.http.connection import bounds
from app.http.connection.takeover import can_take_over
from app.settings import Settings
from app.stream.endings import Outcome
from tests.app.served import Author, Served, served, until
from tests.patience import PATIENCE

ASKED = {"model": "claude-x", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}
CHAT = {"id": "c", "messages": [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": "hi"}]}]}
WHOLE = (("message_start", {"type": "message_start", "message": {}}), ("message_stop", {"type": "message_stop"}))


@pytest.fixture
async def front(redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    """One reader at a time. Takes connections over but those of requests that have `x-plain`."""

    def not_when_asked(scope: Scope) -> bool:
        return (b"x-plain", b"1") not in scope["headers"] and can_take_over(scope)

    monkeypatch.setattr(sse, "can_take_over", not_when_asked)
    # That a client has closed more than its half is found out by writing to it.
    monkeypatch.setattr(bounds, "POKES", (0.05,))
    monkeypatch.setattr(push, "PROBE_SECONDS", 0.05)
    (tmp_path / "limits").write_text("[default]\nopen_readers = 1\n")
    async with served(redis, Settings(limits_file=str(tmp_path / "limits"))) as made:
        yield made


@pytest.fixture
async def http(front: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=front.url, timeout=PATIENCE) as client:
        yield client


async def reading(front: Served, number: int) -> None:
    await until(lambda: sum(front.front.limits.readers._open.values()) == number)


def events_of(author: Author) -> str:
    return f"/v1/streams/{author.stream_id}/events"


@pytest.mark.parametrize("plain", [{}, {"x-plain": "1"}])
async def test_one_reader_too_many_is_told_when_to_come_again(
    front: Served, author: Author, http: httpx.AsyncClient, plain: dict[str, str]
) -> None:
    async with http.stream("GET", events_of(author), headers=plain) as first:
        await reading(front, 1)
        second = await http.get(events_of(author), headers=plain)
        assert (second.status_code, second.content) == (200, b"retry: 10000\n: too many readers\n\n")
        assert second.headers["content-type"].startswith("text/event-stream")
        await author.write(*WHOLE)
        await author.end(Outcome.COMPLETED)
        assert b"relay.end" in await first.aread()
    await reading(front, 0)
    assert b"relay.end" in (await http.get(events_of(author), headers=plain)).content
    await reading(front, 0)


@pytest.mark.parametrize("plain", [{}, {"x-plain": "1"}])
async def test_who_closes_the_connection_makes_room(
    front: Served, author: Author, http: httpx.AsyncClient, plain: dict[str, str]
) -> None:
    async with http.stream("GET", events_of(author), headers=plain):
        await reading(front, 1)
    await reading(front, 0)


async def test_on_other_faces_it_is_429_and_nothing_is_asked_of_the_upstream(
    front: Served, author: Author, http: httpx.AsyncClient
) -> None:
    async with http.stream("GET", events_of(author)):
        await reading(front, 1)
        for path, body in (
            ("/v1/messages", {**ASKED, "stream": True}),
            ("/v1/messages", ASKED),
            ("/api/chat", CHAT),
        ):
            refused = await http.post(path, json=body)
            assert (refused.status_code, refused.json()["error"]["type"]) == (429, "rate_limit_error")
            assert refused.headers["retry-after"] == "5"
        assert await front.front.streams.queue.waiting() == 0
    await reading(front, 0)


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/messages", {**ASKED, "stream": True}), ("/v1/messages", ASKED), ("/api/chat", CHAT)]
)
async def test_an_answer_that_is_at_its_end_makes_room(
    front: Served, http: httpx.AsyncClient, path: str, body: dict[str, object]
) -> None:
    asked = asyncio.create_task(http.post(path, json=body))
    author = await front.author()
    await reading(front, 1)
    await author.write(*WHOLE)
    await author.end(Outcome.COMPLETED, message={"content": []}, stop_reason="end_turn")
    assert (await asked).status_code == 200
    await reading(front, 0)


async def test_a_chat_that_is_read_again_counts_as_a_reader(front: Served, http: httpx.AsyncClient) -> None:
    async with http.stream("POST", "/api/chat", json=CHAT):
        await front.author()
        assert (await http.get("/api/chat/c/stream")).status_code == 429
    await reading(front, 0)
    async with http.stream("GET", "/api/chat/c/stream") as again:
        assert again.status_code == 200
        await reading(front, 1)
    await reading(front, 0)
