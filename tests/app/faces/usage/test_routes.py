"""`/v1/usage`: what was used is told to whose it is, and to who may see all."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from app.settings import Settings
from app.stream.accounts import NANO, Bill
from app.stream.queue import Queue
from tests.app.served import Served, served
from tests.app.stream.queue.line import submit, take

KEYS = {"acme": "", "other": "", "boss": " admin", "agency": " delegate"}


@pytest.fixture
async def front(redis: Redis, tmp_path: Path) -> AsyncIterator[Served]:
    lines = (f"{name} {hashlib.sha256(name.encode()).hexdigest()}{rights}\n" for name, rights in KEYS.items())
    path = tmp_path / "keys"
    path.write_text("".join(lines))
    path.chmod(0o600)
    async with served(redis, Settings(api_keys_file=str(path))) as front:
        yield front


async def ask(front: Served, key: str, query: str = "", **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=front.url) as http:
        return await http.get(f"/v1/usage{query}", headers={"x-api-key": key, **headers})


async def used(redis: Redis, *bills: Bill) -> None:
    queue = Queue(redis)
    for number, bill in enumerate(bills):
        await submit(queue, f"s{number}")
        [claim] = await take(queue, f"h{number}")
        assert await queue.done(claim, {"id": claim.stream_id}, bill)


async def test_everybody_sees_their_own_and_an_admin_all(front: Served, redis: Redis) -> None:
    await used(
        redis,
        Bill(nano=2 * NANO, calls=1, input_tokens=7, model="a", owner="agency"),
        Bill(nano=NANO, calls=1, model="b", owner="agency/bob"),
        Bill(nano=5 * NANO, calls=1, model="b", owner="agency/ann"),
    )

    async def total(key: str, query: str = "", **headers: str) -> float:
        answer = await ask(front, key, query, **headers)
        assert answer.status_code == 200, answer.text
        cost: float = answer.json()["total"]["cost_usd"]
        return cost

    assert await total("agency") == 8
    assert await total("agency", **{"x-keepstream-user": "bob"}) == 1
    assert await total("other") == 0
    assert await total("boss") == 0
    assert await total("boss", "?owner=agency") == 8
    assert await total("boss", "?owner=agency/ann") == 5
    assert await total("boss", "?owner=agency/") == 2
    assert await total("boss", "?owner=nobody") == 0
    assert await total("other", "?owner=other") == 0
    refused = await ask(front, "other", "?owner=agency")
    assert (refused.status_code, refused.json()["error"]["type"]) == (403, "permission_error")
    refused = await ask(front, "agency", "?owner=agency/ann", **{"x-keepstream-user": "bob"})
    assert refused.status_code == 403


async def test_by_user_by_model_and_with_a_forecast(front: Served, redis: Redis) -> None:
    await used(redis, Bill(nano=NANO, model="a", owner="acme"), Bill(nano=NANO, model="b", owner="acme/bob"))
    told: dict[str, Any] = (await ask(front, "acme", "?by=user")).json()
    assert [(row["user"], row["cost_usd"]) for row in told["data"]] == [("", 1.0), ("bob", 1.0)]
    told = (await ask(front, "acme", "?by=model")).json()
    assert [(row["model"], row["streams"]) for row in told["data"]] == [("a", 1), ("b", 1)]
    assert told["forecast_usd"] >= 2.0
    [row] = (await ask(front, "acme")).json()["data"]
    assert row["day"] == (await front.front.usage.now()).date().isoformat()


async def test_days_that_are_not_asked_for_are_not_counted_but_for_the_forecast(front: Served, redis: Redis) -> None:
    await used(redis, Bill(nano=NANO, owner="acme"))
    told = (await ask(front, "acme", "?from=2026-01-01&to=2026-01-31")).json()
    assert (told["data"], told["total"]["streams"]) == ([], 0)
    assert told["forecast_usd"] >= 1.0


@pytest.mark.parametrize("query", ["?by=hour", "?from=x", "?to=2026-02-30", "?from=2026-02-02&to=2026-02-01"])
async def test_a_question_that_cannot_be_answered_is_400(front: Served, query: str) -> None:
    answer = await ask(front, "acme", query)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_who_has_no_key_is_told_nothing(front: Served) -> None:
    assert (await ask(front, "nobody", "?by=hour")).status_code == 401
