"""What `/openapi.json` says of the front is what the front does: Schemathesis asks it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import httpx

from tests.harness.running import clean_environment
from tests.stories.clients.conftest import Up

SECONDS = 200
# What the description leaves open because only the Claude API can judge it, no check can tell right from wrong.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method"
)


async def test_schemathesis_finds_nothing_that_is_not_as_described(up: Up, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{up.url}/openapi.json"),
        *("--checks", CHECKS, "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "8"),
        *("--seed", "1", "--generation-deterministic", "--no-color", "--request-timeout", "20"),
        env=clean_environment(),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(SECONDS):
            out, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, out.decode()


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
