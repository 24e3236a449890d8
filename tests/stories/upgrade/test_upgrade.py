"""An upgrade at noon: processes of the version before and of this one beside each other, and nobody notices.

The version before is built from its commit, with the libraries that are here. `make upgrade` has 2,000 readers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.upgrades import before
from tests.chaos.upgrades.rolling import Size, roll

SMALL = Size(
    streams=5, readers=2, rate=10, seconds=5, fronts=1, workers=1, drain_seconds=1, pause_seconds=0, fronts_first=True
)
QUICK = "[[sim: tokens=5 rate=200 first=0]]"
WHY_NOT = before.why_not()


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
async def test_a_rolling_restart_from_the_version_before_loses_nothing(tmp_path: Path) -> None:
    """The fronts go first: they are the ones that write what workers of the version before must read."""
    report = await roll([before.built(tmp_path), before.OURS], SMALL, mixed=each_kind)
    assert report.violations == [], report.text()
    assert sum(case.resets for case in report.load.cases) > 0, report.text()
    assert report.load.reconnects > 0, report.text()


async def each_kind(port: int) -> None:
    """What there is of streams is accepted by fronts of one version, and answered by workers of another."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:

        async def ask(method: str, path: str, body: Any = None, status: int = 200) -> Any:
            answer = await http.request(method, path, json=body)
            assert answer.status_code == status, f"{path}: {answer.text}"
            return answer.json() if answer.headers["content-type"].startswith("application/json") else answer.text

        for relay in ({}, {"delivery": "final"}, {"tools": ["clock"]}, {"cache_prompt": True}, {"cache": 60}):
            prompt = "What time is it?" if "tools" in relay else QUICK
            done = await ask("POST", "/v1/streams?wait=30", {"prompt": prompt, "relay": relay})
            assert (done["state"], done["outcome"]) == ("ended", "completed"), (relay, done)
            told = await ask("GET", f"/v1/streams/{done['id']}/timeline")
            assert {"stream.submitted", "stream.claimed", "stream.ended"} <= {one["event"] for one in told["data"]}

        body = {"model": "claude-sonnet-5", "max_tokens": 99, "messages": [{"role": "user", "content": QUICK}]}
        assert (await ask("POST", "/v1/messages", body))["stop_reason"] == "end_turn"
        assert (await ask("POST", "/v1/messages", {**body, "stream": True})).count("event: message_stop") == 1

        talk = await ask("POST", "/v1/conversations", {}, 201)
        said = await ask("POST", f"/v1/conversations/{talk['id']}/messages", {"content": QUICK}, 202)
        events = await ask("GET", f"/v1/streams/{said['id']}/events")
        assert events.count("event: relay.end") == 1
        kept = await ask("GET", f"/v1/conversations/{talk['id']}")
        assert [message["role"] for message in kept["messages"]] == ["user", "assistant"]

        long = await ask("POST", "/v1/streams", {"prompt": "[[sim: tokens=4000 rate=20]]"}, 202)
        assert (await ask("POST", f"/v1/streams/{long['id']}/cancel", status=202))["id"] == long["id"]
        assert '"outcome":"cancelled"' in await ask("GET", f"/v1/streams/{long['id']}/events")
        assert (await ask("GET", "/v1/usage"))["total"]["streams"] > 0
