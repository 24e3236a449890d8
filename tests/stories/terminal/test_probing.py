"""`keepstream probe` against ours: nothing is broken, on any face that resumes."""

from __future__ import annotations

import orjson
import pytest

from tests.harness.relay import Relay
from tests.long import long
from tests.stories.terminal.commands import run

SLOW = "Hi [[sim: tokens=120 rate=60 first=0]]"


@pytest.mark.parametrize(
    "arguments",
    [
        ["URL"],
        ["--dialect", "ai-sdk", "--prompt", SLOW, "URL/api/chat"],
        pytest.param(["--dialect", "eventsource", "--end", "relay.end", "URL/v1/streams/ID/events"], marks=long),
    ],
    ids=lambda given: given[1] if len(given) > 1 else "keepstream",
)
async def test_nothing_of_ours_is_broken(relay: Relay, arguments: list[str]) -> None:
    stream = (await run(relay.url, "send", "--detach", SLOW)).stdout.strip() if "ID" in arguments[-1] else ""
    given = [one.replace("URL", relay.url).replace("ID", stream) for one in arguments]
    done = await run(relay.url, "probe", "--json", "--cuts", "8", *given)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    told = orjson.loads(done.stdout)
    assert told["verdict"] == "kept"
    assert told["resumed"] > 0
