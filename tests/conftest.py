"""What all tests share: a real Valkey for each test process, and the rule that no key is left without a TTL."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings
from redis.asyncio import Redis
from xdist.scheduler import LoadFileScheduling

from app.dev.embedded import EmbeddedValkey
from app.stream.redis import known
from app.watch.logs.observer import LogObserver
from app.watch.observers import observed
from tests.harness.heard import LOGGED
from tests.harness.leaks import keys_without_ttl
from tests.harness.servers import RealServer, Server
from tests.harness.shared import Shared
from tests.quick import has_nothing_for_it, needs_a_process

# Rules are not read of a file that a group may write, also where each user has a group of its own.
os.umask(0o022)

# The machine is shared: an example may take its time, and a real server is part of most of them. The same examples each
# time, so that a change is judged by what it changes; `--hypothesis-profile search` looks for others.
USUAL = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "max_examples": 40}
settings.register_profile("keepstream", derandomize=True, **USUAL)
settings.register_profile("search", **USUAL)
settings.register_profile("quick", derandomize=True, **USUAL | {"max_examples": 10})
settings.load_profile("keepstream")

# What is run by one process: a file, or all files of a folder that share what is expensive to start.
TOGETHER = (
    *("page/composing", "page/docs", "page/list", "page/text"),
    *("stories/clients/javascript", "stories/clients/python", "stories/conversations", "stories/messages"),
    *("stories/edge", "stories/redis/cluster", "stories/terminal"),
)
# Those that take longest, the longest first: none of them is to be the last one, alone on the machine. Whoever is
# missing here comes later and costs a little time. Those that ask for the same cluster stand apart, so that it is as
# often the same process that has it by then.
LONG = (
    "stories/test_chaos",
    "stories/messages",
    "stories/conversations",
    "app/docs/test_examples",
    "page/test_lost",
    "page/test_coming_back",
    "worker/test_process",
    "stories/test_takeover",
    "stories/redis/test_faults",
    "stories/test_resume",
    "stories/clients/test_description",
    "stories/redis/test_refusals",
    "stories/test_drain",
    "stories/scaling/test_scaling",
    "page/test_chat",
    "page/test_looks",
    "stories/clients/javascript",
    "stories/test_dev",
    "stories/redis/test_outages",
    "stories/access/test_budget",
    "stories/edge",
    "app/fanout/test_drain",
    "worker/claims/pool/test_drain",
    "page/composing",
    "page/list",
    "page/docs",
    "page/text",
    "app/http/test_fuzz",
    "app/intake/test_submit",
    "app/stream/scripts/test_scripts",
    "app/stream/scripts/queue/test_accounts",
    "app/stream/scripts/test_lease_clock",
    "stories/test_upstream",
    "stories/test_cost",
    "stories/access/test_canaries",
    "worker/life/test_meeting",
    "stories/redis/test_start",
    "stories/redis/test_demoted",
    "stories/access/test_who",
    "stories/access/test_saved",
    "stories/clients/test_ai_sdk",
    "page/test_states",
    "page/test_session",
    "stories/clients/test_claude_sdk",
    "stories/clients/test_our_clients",
    "stories/clients/test_ai_sdk_react",
    "stories/clients/test_ai_sdk_resume",
    "stories/clients/python",
    "models/test_models",
    "models/test_life",
    "worker/claims/pool/test_take_over",
    "stories/terminal",
    "stories/redis/test_sentinel",
    "stories/clients/test_event_source",
    "deploy/test_alerts",
    "app/dev/simulator/test_faults",
    "app/test_cli",
    "worker/life/test_life",
)
MAXMEMORY = "2gb"  # as an embedded one is begun
PROCESSES_PER_CPU = 3  # most of a test is waiting for others
PROCESSES_MAX = 8


class Together(LoadFileScheduling):
    """Hands out files, and the folders of `TOGETHER` as if each were one."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return _together(path.removeprefix("tests/")) or path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    return Together(config, log)


def pytest_xdist_auto_num_workers() -> int:
    return min(PROCESSES_MAX, PROCESSES_PER_CPU * (os.cpu_count() or 1))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="only what needs no process but its own")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays: looking through it for garbage would be half of that work, and again with each test."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if config.getoption("--quick") and has_nothing_for_it(collection_path) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--quick"):
        items[:] = [item for item in items if not needs_a_process(item)]
    for item in items:
        _is_called_alike_everywhere(item)
    if hasattr(config, "workerinput"):  # one process alone goes from the small to the large
        places = {name: place for place, name in enumerate(LONG)}
        items.sort(key=lambda item: places.get(_place(item), len(LONG)))


def _is_called_alike_everywhere(item: pytest.Item) -> None:
    """The processes of a run have to collect the same tests."""
    of = getattr(item, "callspec", None)
    for value in of.params.values() if of else ():
        if isinstance(value, set | frozenset) and len(value) > 1 and str(value) in of.id:
            raise pytest.UsageError(f"{item.nodeid}: a set is written in another order in each process: give it an id")


def _place(item: pytest.Item) -> str:
    path = item.path.relative_to(Path(__file__).parent).with_suffix("").as_posix()
    return _together(path) or path


def _together(path: str) -> str:
    """The folder of `TOGETHER` in which a file stands, or ''."""
    return next((folder for folder in TOGETHER if path.startswith(f"{folder}/")), "")


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
    monkeypatch.setattr(known, "_servers", {})


@pytest.fixture(autouse=True)
def _logged() -> Iterator[None]:
    """What this process tells goes to its log, and a log that has said nothing yet."""
    with observed(LogObserver(LOGGED), log=LOGGED):
        yield


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey.start(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared() -> AsyncIterator[Shared]:
    async with Shared() as shared:
        yield shared


@pytest.fixture
def server(valkey: EmbeddedValkey) -> Server:
    return RealServer(valkey.url)


@pytest.fixture
async def redis(server: Server) -> AsyncIterator[Redis]:
    """A client of an empty server. The test fails if it leaves a key that would stay for ever."""
    client = server.connect("tests")
    await client.flushall()
    if isinstance(server, RealServer):  # as it was begun, however another test has left it
        await client.config_set("maxmemory", MAXMEMORY)
    yield client
    forever = await keys_without_ttl(client)
    await client.aclose()
    assert forever == []
