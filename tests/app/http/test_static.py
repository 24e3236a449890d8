"""The shelf as it is served: pages, their Markdown, their pictures, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from app.http.static import CONTENT_SECURITY_POLICY, MARKDOWN, PAGES
from app.settings import Settings
from tests.app.docs.shelf import DOCS
from tests.app.served import served


@pytest.fixture
async def http(redis: Redis) -> AsyncIterator[httpx.AsyncClient]:
    async with served(redis) as front, httpx.AsyncClient(base_url=front.url) as client:
        yield client


async def test_each_page_is_a_page_and_is_its_file_where_that_is_asked_for(http: httpx.AsyncClient) -> None:
    for name in PAGES:
        text = (DOCS / f"{name}.md").read_text()
        page = await http.get(f"/docs/{name}", headers={"accept": "text/html,*/*;q=0.8"})
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        for asked in (f"/docs/{name}.md", f"/docs/{name}"):
            raw = await http.get(asked, headers={"accept": "text/markdown"})
            assert (raw.text, raw.headers["content-type"]) == (text, MARKDOWN)
        assert (await http.get(f"/docs/{name}.md", headers={"accept": "text/html"})).text == text


async def test_the_shelf_s_own_address_is_its_front_page(http: httpx.AsyncClient) -> None:
    raw = await http.get("/docs", headers={"accept": "text/markdown"})
    assert raw.text == (DOCS / "start.md").read_text()
    assert (await http.get("/docs")).text == (await http.get("/docs/start")).text


@pytest.mark.parametrize("accept", ["*/*", "text/html", "text/markdown, text/html;q=0.9", "application/json", ""])
async def test_who_does_not_ask_for_markdown_alone_is_given_the_page(http: httpx.AsyncClient, accept: str) -> None:
    assert "<html" in (await http.get("/docs/words", headers={"accept": accept})).text


async def test_what_is_known_is_not_sent_again_and_a_page_is_not_taken_for_its_markdown(
    http: httpx.AsyncClient,
) -> None:
    tags = {}
    for accept in ("text/html", "text/markdown"):
        answer = await http.get("/docs/words", headers={"accept": accept})
        assert answer.headers["vary"] == "accept, accept-encoding"
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["x-content-type-options"] == "nosniff"
        tags[accept] = answer.headers["etag"]
        again = await http.get("/docs/words", headers={"accept": accept, "if-none-match": tags[accept]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["vary"] == "accept, accept-encoding"
    assert len(set(tags.values())) == 2


async def test_the_page_is_told_what_it_has_to_know_before_anybody_signed_in(redis: Redis, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"ada {'0' * 64}\n")
    settings = Settings(model="claude-x", max_prompt_bytes=4096, api_keys_file=str(keys))
    async with served(redis, settings) as front, httpx.AsyncClient(base_url=front.url) as http:
        told = await http.get("/page.json")
        assert told.json() == {"max_prompt_bytes": 4096, "model": "claude-x", "titles": True}
        assert (await http.get("/page.json", headers={"if-none-match": told.headers["etag"]})).status_code == 304


async def test_a_picture_is_served_and_runs_nothing(http: httpx.AsyncClient) -> None:
    picture = await http.get("/docs/pictures/resume.svg")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.content == (DOCS / "pictures" / "resume.svg").read_bytes()
    assert b"<script" not in picture.content


@pytest.mark.parametrize(
    "path",
    [
        *("/docs/", "/docs/nothing", "/docs/nothing.md", "/docs/start.md.md", "/docs/.md", "/docs/api.md"),
        *("/docs/pictures/", "/docs/pictures/nothing.svg", "/docs/pictures", "/docs/start/", "/docs/START"),
        *("/docs/..%2fsettings.py", "/docs/%2e%2e%2fmain.py", "/docs/..%2f..%2fREADME.md", "/docs/..%5cmain.py"),
        *("/docs/start%00.md", "/docs/pictures/..%2f..%2fsettings.py", "/docs/%2fetc%2fpasswd"),
    ],
)
async def test_nothing_else_is_there(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(httpx.URL(str(http.base_url)).copy_with(raw_path=path.encode()))
    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "not_found_error"


@pytest.mark.parametrize("root_path", ["", "/stream"])
async def test_who_has_no_javascript_is_led_to_the_file_of_a_page(redis: Redis, root_path: str) -> None:
    async with (
        served(redis, Settings(root_path=root_path)) as front,
        httpx.AsyncClient(base_url=f"{front.url}{root_path}") as client,
    ):
        for address, name in (("docs", "start"), ("docs/sizing", "sizing")):
            shell = (await client.get(address)).text
            assert f'<meta http-equiv="refresh" content="0; url={root_path}/docs/{name}.md">' in shell
            assert f'<a href="{root_path}/docs/{name}.md">As it is</a>' in shell
