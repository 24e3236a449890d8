"""What headers say of an answer's cost and time: what is known, and no more."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from redis.asyncio import Redis

from app.faces.base.measured import measured
from app.stream.endings import Outcome
from tests.app.served import served

KEYED = {"idempotency-key": "one"}
ALL = {b"created_at": b"1000", b"started_at": b"1012", b"first_at": b"1700", b"ended_at": b"3000"}


@pytest.mark.parametrize(
    ("meta", "headers"),
    [
        ({}, {}),
        ({"cost_usd": b"0.0012"}, {"x-keepstream-cost-usd": "0.0012"}),
        ({"cost_usd": b"1e-07"}, {"x-keepstream-cost-usd": "0.0000001"}),
        ({"cost_usd": b"0.0"}, {"x-keepstream-cost-usd": "0"}),
        ({"cost_usd": b"null"}, {}),
        ({"cost_usd": b"12.0"}, {"x-keepstream-cost-usd": "12"}),
        (
            {name.decode(): value for name, value in ALL.items()},
            {"server-timing": "queue;dur=12, first-content;dur=700, upstream;dur=1988"},
        ),
        ({"created_at": b"5", "ended_at": b"9"}, {}),
    ],
)
def test_what_is_known_is_said(meta: dict[str, bytes], headers: dict[str, str]) -> None:
    assert measured(meta) == headers


@pytest.mark.parametrize("path", ["/v1/streams", "/v1/messages"])
async def test_a_repeated_submit_tells_what_it_has_cost(redis: Redis, path: str) -> None:
    body = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}
    async with served(redis) as front, httpx.AsyncClient(base_url=front.url) as http:
        asking = asyncio.create_task(http.post(path, json=body, headers=KEYED))
        author = await front.author()
        message = {"type": "message", "content": []}
        start, stop = {"type": "message_start", "message": {}}, {"type": "message_stop"}
        await author.write(("message_start", start), ("message_stop", stop))
        await author.end(Outcome.COMPLETED, message=message, cost_usd="0.25")
        first = await asking
        again = await http.post(path, json=body, headers=KEYED)
        assert again.headers["x-keepstream-cost-usd"] == "0.25"
        assert "queue;dur=" in again.headers["server-timing"]
        assert ("x-keepstream-cost-usd" in first.headers) is (path == "/v1/messages")
