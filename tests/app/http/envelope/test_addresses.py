"""How often one address may ask, before anybody looks who it is."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from app.environment import network_of
from app.settings import Settings
from tests.app.served import served

LIMITS = "[address]\nrequests_per_minute = 6\nburst = 2\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file, keys = tmp_path / "limits.toml", tmp_path / "keys"
    file.write_text(LIMITS)
    keys.write_text("alice " + "0" * 64 + "\n")
    return Settings(limits_file=str(file), api_keys_file=str(keys), cors_origins=("https://app.example",))


async def test_every_request_counts_but_health_also_those_of_nobody(redis: Redis, settings: Settings) -> None:
    async with served(redis, settings) as front, httpx.AsyncClient(base_url=front.url) as http:
        assert [(await http.get(path)).status_code for path in ("/v1/models", "/nowhere")] == [401, 404]
        refused = await http.get("/v1/models", headers={"origin": "https://app.example"})
        assert (refused.status_code, refused.json()["error"]["type"]) == (429, "rate_limit_error")
        assert 0 < int(refused.headers["retry-after"]) <= 10
        assert refused.headers["access-control-allow-origin"] == "https://app.example"
        assert "anthropic-ratelimit-requests-reset" in refused.headers["access-control-expose-headers"]
        assert [(await http.get(path)).status_code for path in ("/healthz", "/readyz")] == [200, 200]


async def test_an_event_source_is_told_when_to_come_again(redis: Redis, settings: Settings) -> None:
    async with served(redis, settings) as front, httpx.AsyncClient(base_url=front.url) as http:
        for _ in range(2):
            await http.get("/")
        answer = await http.get("/v1/streams/st_x/events", headers={"accept": "text/event-stream"})
        assert (answer.status_code, answer.content) == (200, b"retry: 10000\n: too many requests\n\n")


async def test_behind_a_proxy_that_is_trusted_it_is_the_clients_address(redis: Redis, tmp_path: Path) -> None:
    (tmp_path / "limits").write_text(LIMITS)
    settings = Settings(limits_file=str(tmp_path / "limits"), trusted_proxies=(network_of("127.0.0.1"),))
    async with served(redis, settings) as front, httpx.AsyncClient(base_url=front.url) as http:
        for client in ("192.0.2.1", "192.0.2.2"):
            answers = [await http.get("/nowhere", headers={"x-forwarded-for": client}) for _ in range(3)]
            assert [answer.status_code for answer in answers] == [404, 404, 429]
