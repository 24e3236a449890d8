"""An upgrade at noon: processes of the version before and of this one beside each other, and nobody notices.

The version before is built from its commit, with the libraries that are here. `make upgrade` has 2,000 readers.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.upgrades import before
from tests.chaos.upgrades.before import OURS, Release
from tests.chaos.upgrades.rolling import Size, roll
from tests.harness.node import BIN
from tests.harness.running import clean_environment, to_its_end
from tests.long import some_of
from tests.patience import PATIENCE

SMALL = Size(streams=5, readers=2, rate=10, seconds=5, fronts=1, workers=1, drain_seconds=1, pause_seconds=0)
WHY_NOT = before.why_not()
QUICK = "[[sim: tokens=5 rate=200 first=0]]"
PYTHON = """
import sys
from keepstream import Client
with Client(sys.argv[1], api_key="any") as client:
    print("".join(event.text for event in client.events(client.submit(sys.argv[2])["id"])))
"""
JAVASCRIPT = """
const [clients, base, prompt] = process.argv.slice(1);
const { Keepstream } = await import(`${clients}/js/index.js`);
const keepstream = new Keepstream({ base, key: "any" });
let text = "";
for await (const { data } of keepstream.events((await keepstream.submit(prompt)).id)) text += data.delta?.text ?? "";
console.log(text);
"""


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
@pytest.mark.parametrize("fronts_first", some_of([True, False], 1))
@pytest.mark.parametrize("back", some_of([False, True], 1))
async def test_a_rolling_restart_from_the_version_before_and_back_loses_nothing(
    tmp_path: Path, *, fronts_first: bool, back: bool
) -> None:
    """Where fronts go first, they write what workers of the version before must read."""
    old = before.built(tmp_path)
    of_fronts = OURS if fronts_first != back else old

    async def mixed(port: int) -> None:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as http:
            await each_kind(http)
        await each_client(old if of_fronts is OURS else OURS, port)

    size = replace(SMALL, first="front" if fronts_first else "worker")
    report = await roll([OURS, old] if back else [old, OURS], size, mixed=mixed)
    assert report.violations == [], report.text()
    assert sum(case.resets for case in report.load.cases) > 0, report.text()
    assert report.load.reconnects > 0, report.text()


async def each_kind(http: httpx.AsyncClient) -> None:
    """What there is of streams is accepted by fronts of one version, and answered by workers of another."""

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


async def each_client(of: Release, port: int) -> None:
    """Clients come with one version, and stay what they are while the fronts are of another."""
    base, clients = f"http://127.0.0.1:{port}", str(of.clients)
    in_python = [sys.executable, "-P", "-c", PYTHON, base, QUICK]
    in_javascript = [BIN / "node", "--input-type=module", "-e", JAVASCRIPT, clients, base, QUICK]
    environment = clean_environment(PYTHONPATH=f"{clients}/python")
    said = [
        await to_its_end(*command, cwd=of.clients, environment=environment) for command in (in_python, in_javascript)
    ]
    assert [(one.status, bool(one.out.strip())) for one in said] == [(0, True)] * 2, said
    assert said[0].out == said[1].out
