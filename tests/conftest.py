"""What all tests share: a real Valkey for each test process, and the rule that no key is left without a TTL."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator, Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.stream.redis import links
from app.watch.log_observer import LogObserver
from app.watch.observers import observed
from tests.harness.leaks import keys_without_ttl
from tests.harness.servers import RealServer, Server

# The machine is shared: an example may take its time, and a real server is part of most of them. The same examples each
# time, so that a change is judged by what it changes; `--hypothesis-profile search` looks for others.
USUAL = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "max_examples": 60}
settings.register_profile("keepstream", derandomize=True, **USUAL)
settings.register_profile("search", **USUAL)
settings.load_profile("keepstream")

# Those that take longest, the longest first: none of them is to be the last one, alone on the machine. Whoever is
# missing here comes later and costs a little time.
LONG = (
    "test_chaos",
    "test_chat",
    "test_dev",
    "test_takeover",
    "test_drain",
    "test_same_answer",
    "test_failures",
    "test_service",
    "test_faults",
    "test_refusals",
    "test_coming_back",
    "test_scripts",
    "test_upstream",
    "test_ai_sdk",
    "test_states",
    "test_claude_sdk",
    "test_changing",
    "test_answers",
    "test_description",
    "test_resume",
    "test_our_clients",
    "test_models",
    "test_pool",
    "test_talking",
    "test_sentinel",
    "test_event_source",
)
PROCESSES_PER_CPU = 2  # most of a test is waiting for others
PROCESSES_MAX = 8


def pytest_xdist_auto_num_workers() -> int:
    return min(PROCESSES_MAX, PROCESSES_PER_CPU * (os.cpu_count() or 1))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # one process alone goes from the small to the large
        places = {name: place for place, name in enumerate(LONG)}
        items.sort(key=lambda item: places.get(item.path.stem, len(LONG)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a failure shows can be told by one process to another, also where it is about lone surrogates."""
    report = yield
    if report.failed:
        report.longrepr = str(report.longrepr).encode(errors="backslashreplace").decode()
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(autouse=True)
def unshaken(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process knows of its Redis does not come from another test: no primary was left a moment ago."""
    monkeypatch.setattr(links, "_left_at", -math.inf)
    monkeypatch.setattr(links, "_away_since", None)


@pytest.fixture(autouse=True)
def _logged() -> Iterator[None]:
    """What this process tells goes to its log, and a log that has said nothing yet."""
    with observed(LogObserver()):
        yield


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey.start(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def server(valkey: EmbeddedValkey) -> Server:
    return RealServer(valkey.url)


@pytest.fixture
async def redis(server: Server) -> AsyncIterator[Redis]:
    """A client of an empty server. The test fails if it leaves a key that would stay for ever."""
    client = server.connect("tests")
    await client.flushall()
    yield client
    forever = await keys_without_ttl(client)
    await client.aclose()
    assert forever == []
