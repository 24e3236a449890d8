"""What `/openapi.json` says of the front is what the front does: Schemathesis asks it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.long import some_of
from tests.stories.clients.conftest import Up
from tests.stories.clients.describing import ALL_PHASES, SECONDS, Way, asked, keys_in, ways_into


@pytest.mark.parametrize(("examples", "phases"), some_of([(1, "examples,fuzzing"), (8, ALL_PHASES)], 1))
async def test_schemathesis_finds_nothing_that_is_not_as_described(
    up: Up, tmp_path: Path, examples: int, phases: str
) -> None:
    async with asyncio.timeout(SECONDS):
        status, said = await asked(up.url, Way(), examples, phases, tmp_path)
    assert status == 0, said


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def closed(up: Up, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of a front that asks for a key."""
    settings = keys_in(tmp_path_factory.mktemp("keys") / "keys")
    front, url = await asyncio.to_thread(lambda: up.relay.another_front(**settings))
    yield url
    front.process.kill()
    await asyncio.to_thread(front.wait)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", some_of(["key", "session", "ticket"], 1))
async def test_nor_where_it_comes_in_by(closed: str, tmp_path: Path, name: str) -> None:
    """Few examples: `python -m tests.stories.clients.describing` has more."""
    async with asyncio.timeout(SECONDS):
        status, said = await asked(closed, (await ways_into(closed))[name], 2, "examples,fuzzing", tmp_path)
    assert status == 0, said


async def test_the_page_may_load_nothing_but_what_is_served_here(up: Up) -> None:
    async with httpx.AsyncClient(base_url=up.url) as http:
        page = await http.get("/docs/api")
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        for path, kind in (("/api.js", "javascript"), ("/docs.css", "css"), ("/openapi.json", "json")):
            part = await http.get(path)
            assert part.status_code == 200
            assert kind in part.headers["content-type"]
            assert (await http.get(path, headers={"if-none-match": part.headers["etag"]})).status_code == 304
