from __future__ import annotations

from pathlib import Path

import pytest

import app.stream.scripts
from app.dev.embedded import EmbeddedValkey
from app.stream import keys
from app.stream.counts import timing
from app.stream.log import Log
from app.stream.queue import Queue
from app.stream.redis.connect import connect
from app.stream.scripts import NAMES, digest_of, source, source_on_full


@pytest.fixture(autouse=True)
def nothing_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "_seconds", {})


async def test_each_call_of_a_script_is_counted_by_its_name(valkey: EmbeddedValkey) -> None:
    redis = connect(valkey.url, "timed")
    try:
        log, queue = Log(redis), Queue(redis)
        await log.read("st_1", None)  # whose script Redis may not know yet: it is sent twice then
        before = timing.seconds()["log/read"].count
        await log.read("st_1", None)
        opening = log.opening("st_1", {"owner": "me", "request": "{}"})
        await queue.submit("st_1", limit=10_000, life_ms=60_000, after=opening)
        await redis.exists(keys.JOBS)
    finally:
        await redis.aclose()
    found = {name: one.count for name, one in timing.seconds().items()}
    assert found == {"log/read": before + 1, "log/open": 1, "queue/submit": 1}
    assert all(0 < one.sum < 20 for one in timing.seconds().values())


def test_a_script_is_called_as_its_file_whichever_way_it_is_sent() -> None:
    assert NAMES[digest_of(source("log/append"))] == NAMES[digest_of(source_on_full("log/append"))] == "log/append"


def test_what_is_no_script_of_ours_is_another() -> None:
    timing.took("0" * 40, 0.5, 3)
    assert {name: one.count for name, one in timing.seconds().items()} == {"other": 3}


def test_names_are_those_of_files() -> None:
    source("queue/accounts", "queue/reserve")
    folder = Path(app.stream.scripts.__file__).parent
    assert {name for name in NAMES.values() if not (folder / f"{name}.lua").exists()} == set()
