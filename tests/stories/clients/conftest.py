"""One Keepstream for all stories about clients: every process of it is real, and Claude is simulated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.harness.relay import Relay
from tests.patience import PATIENCE

MODELS = "claude-opus-5-5 claude-haiku-5"


@dataclass(frozen=True)
class Up:
    """`url` is the front's; `simulator` tells what reached the upstream; `relay` is all of it."""

    url: str
    simulator: str
    relay: Relay


@pytest.fixture(scope="session")
def up() -> Iterator[Up]:
    settings = {
        "KEEPSTREAM_CHAT_MODELS": MODELS,
        "KEEPSTREAM_CHAT_FIELDS": "tools thinking relay.tools",
        "KEEPSTREAM_TOOLS": "tests.stories.terminal.till",
        "KEEPSTREAM_CHAT_SYSTEM": "Answer as a lighthouse keeper.",
    }
    with Relay(**settings) as relay:
        yield Up(relay.url, relay.claude, relay)


@pytest.fixture
async def http(up: Up) -> Any:
    async with httpx.AsyncClient(base_url=up.url, timeout=PATIENCE) as made:
        yield made
