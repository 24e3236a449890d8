"""What Durable Streams' own tests say of reading, and which of them are left out, with the reason (clients.md)."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from redis.asyncio import Redis

from app.faces.durable.answer import WaitingAnswer
from app.settings import Settings
from tests.app.docs.shelf import SHELF
from tests.app.faces.durable.writing import writer
from tests.app.served import listening, served
from tests.harness import node
from tests.harness.running import clean_environment, to_its_end

ROWS = json.loads((node.CLIENTS / "durable" / "left_out.json").read_text())
SECONDS = 120
# Those that try many examples: `make durable` runs them as well.
EXAMPLES = "Property-Based Tests "


async def ran(redis: Redis, report: Path, **environment: str) -> dict[str, str]:
    """What came of each of their tests, by its name: `passed`, `failed` or `skipped`."""
    await asyncio.to_thread(node.install)
    settings = Settings(cors_origins=("https://example.com",))
    async with served(redis, settings) as front, listening(writer(redis)) as port:
        done = await to_its_end(
            *(node.BIN / "node", "node_modules/vitest/vitest.mjs", "run", "--config", "durable/vitest.config.mjs"),
            *("--reporter=json", f"--outputFile={report}"),
            cwd=node.CLIENTS,
            environment=clean_environment(FRONT=front.url, WRITER=f"http://127.0.0.1:{port}", **environment),
            seconds=SECONDS,
        )
    return results(report, done.out + done.err)


def results(report: Path, said: str) -> dict[str, str]:
    assert report.exists(), said
    found = [one for file in json.loads(report.read_text())["testResults"] for one in file["assertionResults"]]
    assert {one["fullName"]: one["failureMessages"] for one in found if one["status"] == "failed"} == {}, said
    return {one["fullName"].strip(): one["status"] for one in found}


def left_out(name: str) -> list[str]:
    return [row["what"] for row in ROWS if any(name.startswith(beginning) for beginning in row["tests"])]


async def test_all_that_is_said_of_reading_holds_and_the_rest_is_named_with_its_reason(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WaitingAnswer, "first_seconds", 1.0)
    whole = {"ALL": "1"} if os.environ.get("DURABLE") == "all" else {}
    came = await ran(redis, tmp_path / "report.json", **whole)
    assert max(len(left_out(name)) for name in came) == 1
    for name, status in came.items():
        not_now = name.startswith(EXAMPLES) and not whole
        assert status == ("skipped" if left_out(name) or not_now else "passed"), name
    for row in ROWS:
        for beginning in row["tests"]:
            assert any(name.startswith(beginning) for name in came), beginning
        count = sum(row["what"] in left_out(name) for name in came)
        assert f"| {row['what']} | {count} | {row['why']} |" in SHELF["clients"].text
    assert f"{sum(not left_out(name) for name in came)} of {len(came)} of its tests" in SHELF["clients"].text
