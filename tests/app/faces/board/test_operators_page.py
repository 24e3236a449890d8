"""The page is for operators, and who is none may be asked for a key by it; what it shows it asks for itself."""

from __future__ import annotations

import hashlib
from pathlib import Path

import httpx
from redis.asyncio import Redis

from app.http.static import CONTENT_SECURITY_POLICY
from app.settings import Settings
from tests.app.served import served

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FORWARDED = {"x-forwarded-for": "203.0.113.7"}


async def test_at_this_machine_it_opens_by_itself(redis: Redis) -> None:
    async with served(redis) as front, httpx.AsyncClient(base_url=front.url) as http:
        page = await http.get("/ops", headers=BROWSER)
        assert page.status_code == 200
        assert page.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        known = await http.get("/ops", headers={"if-none-match": page.headers["etag"]})
        assert (known.status_code, known.content) == (304, b"")


async def test_who_is_no_operator_is_refused_and_a_browser_is_given_the_page_to_show_a_key(
    redis: Redis, tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    lines = [f"{name} {hashlib.sha256(name.encode()).hexdigest()} {right}\n" for name, right in KEYS.items()]
    keys.write_text("".join(lines))
    async with (
        served(redis, Settings(api_keys_file=str(keys))) as front,
        httpx.AsyncClient(base_url=front.url, headers=FORWARDED) as http,
    ):
        page = await http.get("/ops", headers={"x-api-key": "ada"})
        for key, status in ((None, 401), ("nobody", 401), ("bob", 403)):
            credential = {"x-api-key": key} if key else {}
            plain = await http.get("/ops", headers=credential)
            assert (plain.status_code, plain.json()["type"]) == (status, "error")
            asked = await http.get("/ops", headers=credential | BROWSER | {"if-none-match": page.headers["etag"]})
            assert (asked.status_code, asked.text) == (status, page.text)
            assert asked.headers["cache-control"] == "no-store"
            assert "etag" not in asked.headers
        assert page.status_code == 200


KEYS = {"ada": "admin", "bob": ""}
