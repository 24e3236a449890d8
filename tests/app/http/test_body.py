"""What bodies take of a front: their own bytes, as long as somebody needs them, and no more in flight than may be."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from starlette.requests import Request

from app.http.body import query_of, read_body
from app.settings import Settings
from app.stream.endings import Outcome
from tests.app.served import served, until
from tests.patience import PATIENCE

LIMIT = 256 * 1024


def asked(parts: Iterator[bytes]) -> Request:
    """A request whose body comes in these parts."""
    scope: dict[str, Any] = {"type": "http", "method": "POST", "headers": [(b"content-type", b"application/json")]}

    async def receive() -> dict[str, Any]:
        part = next(parts, None)
        return {"type": "http.request", "body": part or b"", "more_body": part is not None}

    return Request(scope, receive)


async def test_a_body_in_tiny_parts_takes_what_it_weighs() -> None:
    size = 400_000
    parts = (bytes((n % 256, n // 256 % 256)) for n in range(size // 2))
    tracemalloc.start()
    try:
        body = await read_body(asked(parts), size)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(body) == size
    assert peak < 3 * size


def prompt(size: int) -> bytes:
    begun = b'{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"'
    return begun + b"x" * (size - len(begun) - 4) + b'"}]}'


@pytest.mark.parametrize("more", [b"", b',"stream":true'])
async def test_what_is_stored_leaves_the_room_to_others(redis: Redis, more: bytes) -> None:
    settings = Settings(bodies_bytes=LIMIT)
    headers = {"content-type": "application/json"}
    async with served(redis, settings) as front, httpx.AsyncClient(base_url=front.url, timeout=PATIENCE) as http:
        sent = prompt(LIMIT - len(more))[:-1] + more + b"}"
        waiting = asyncio.create_task(http.post("/v1/messages", content=sent, headers=headers))
        author = await front.author()
        await until(lambda: front.hub.known(author.stream_id))
        other = await http.post("/v1/streams", content=prompt(LIMIT), headers=headers)
        assert other.status_code == 202
        above = await http.post("/v1/streams", content=prompt(LIMIT + 1), headers=headers)
        assert (above.status_code, above.headers["retry-after"]) == (503, "1")
        await author.write(("message_start", {"type": "message_start"}), ("message_stop", {"type": "message_stop"}))
        await author.end(Outcome.COMPLETED)
        await waiting


@pytest.mark.parametrize(
    ("sent", "goes_up"),
    [
        ("", ""),
        ("beta=true", "beta=true"),
        ("beta=true&ticket=AbC&x=%20a", "beta=true&x=%20a"),
        ("ticket=AbC", ""),
        ("ticket", ""),
        ("%74icket=AbC&beta=true", "beta=true"),
        ("t%69cke%74=AbC", ""),
        ("%2574icket=2", "%2574icket=2"),
        ("tickets=2", "tickets=2"),
    ],
)
def test_a_ticket_is_for_us_alone(sent: str, goes_up: str) -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": sent.encode(), "headers": []}
    scope |= {"server": ("relay", 80), "scheme": "http"}
    assert query_of(Request(scope)) == goes_up
