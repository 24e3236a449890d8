"""`GET /metrics` on a front's own port."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import httpx
from redis.asyncio import Redis

from app.settings import Settings
from tests.app.served import Served, served, until
from tests.patience import PATIENCE


async def get(front: Served, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=front.url, timeout=PATIENCE) as http:
        return await http.get("/metrics", headers=headers)


async def test_it_is_served_to_this_machine(front: Served) -> None:
    found = await get(front)
    assert (found.status_code, found.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "keepstream_readers 0.0" in found.text
    asked = await get(front, accept="application/openmetrics-text; version=1.0.0")
    assert asked.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert asked.text.endswith("# EOF\n")


async def test_from_elsewhere_it_is_served_to_who_may(redis: Redis, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    lines = (
        f"{who} {hashlib.sha256(f'{who}-key'.encode()).hexdigest()} {may}\n"
        for who, may in (("root", "admin"), ("me", ""))
    )
    file.write_text("".join(lines))
    elsewhere = {"x-forwarded-for": "203.0.113.9"}
    async with served(redis, replace(Settings(), api_keys_file=str(file))) as front:
        assert (await get(front)).status_code == 200
        assert (await get(front, **elsewhere)).status_code == 401
        assert (await get(front, **elsewhere, **{"x-api-key": "me-key"})).status_code == 403
        assert (await get(front, **elsewhere, **{"x-api-key": "root-key"})).status_code == 200


async def test_with_a_port_of_its_own_it_is_there_alone(redis: Redis) -> None:
    async with served(redis, replace(Settings(), metrics_port=0)) as front:
        assert (await get(front)).status_code == 404


async def test_what_stands_in_redis_is_shown_without_asking_it(front: Served) -> None:
    async def waiting() -> bool:
        return "keepstream_waiting 0.0" in (await get(front)).text

    await until(waiting)
