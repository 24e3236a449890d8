"""One Keepstream for all stories about clients: every process of it is real, and Claude is simulated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.running import keepstream

MODELS = "claude-opus-5-5 claude-haiku-5"


@dataclass(frozen=True)
class Up:
    """`url` is the front's; `simulator` tells what reached the upstream."""

    url: str
    simulator: str


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    settings = {
        "KEEPSTREAM_CHAT_MODELS": MODELS,
        "KEEPSTREAM_CHAT_FIELDS": "tools thinking",
        "KEEPSTREAM_CHAT_SYSTEM": "Answer as a lighthouse keeper.",
        "KEEPSTREAM_STREAM_TTL": "600",
    }
    with keepstream("dev", "--port", "0", cwd=tmp_path_factory.mktemp("up"), **settings) as running:
        simulator = running.line(r"simulated Claude on (http://127\.0\.0\.1:\d+)")
        url = running.line(r"Keepstream is up: (http://127\.0\.0\.1:\d+)")
        yield Up(url[1], simulator[1])
        running.process.send_signal(2)
        running.wait()
