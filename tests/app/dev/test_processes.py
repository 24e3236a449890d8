from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Sequence

import pytest

from app.dev import processes
from app.dev.log import Log
from app.dev.processes import ChildFailedError, Household, Part
from tests.harness.running import is_running, wait_until_gone
from tests.patience import PATIENCE

READY = "print('ready', flush=True)"
WAIT = "import time; time.sleep(1000)"


class Script(Part):
    """A child that is a few lines of Python."""

    def __init__(self, name: str, *lines: str, stop_seconds: float = PATIENCE) -> None:
        self.name = name
        self.environment = dict(os.environ)
        self.stop_seconds = stop_seconds
        self._lines = lines

    def command(self) -> Sequence[str]:
        return [sys.executable, "-S", "-c", "\n".join(self._lines)]

    def announces(self, line: str) -> bool:
        return line == "ready"

    def shown(self, line: str) -> str | None:
        return None if line.startswith("secret") else line


class Pages(io.StringIO):
    """What a log wrote, and a way to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self._grown = asyncio.Event()

    def write(self, text: str) -> int:
        self._grown.set()
        return super().write(text)

    async def match(self, pattern: str) -> re.Match[str]:
        async with asyncio.timeout(PATIENCE):
            while (found := re.search(pattern, self.getvalue(), re.MULTILINE)) is None:
                self._grown.clear()
                await self._grown.wait()
        return found


@pytest.fixture
def pages() -> Pages:
    return Pages()


@pytest.fixture
async def household(pages: Pages) -> AsyncIterator[Household]:
    household = Household(Log(pages, colour=False))
    yield household
    household.kill()
    await household.stop()


def pid_of(name: str, pages: Pages) -> int:
    return int(re.findall(rf"{name} \| started \(pid (\d+)\)", pages.getvalue())[-1])


async def test_a_child_is_started_when_it_says_that_it_is_ready(household: Household, pages: Pages) -> None:
    await household.start(Script("worker-1", "print('hello')", READY, WAIT))
    assert is_running(pid_of("worker-1", pages))
    assert re.search(r"^ worker-1 \| hello\n worker-1 \| ready$", pages.getvalue(), re.MULTILINE)


@pytest.mark.parametrize(
    ("line", "how"), [("raise SystemExit(3)", "ended with status 3"), ("os.kill(os.getpid(), 9)", "killed by SIGKILL")]
)
async def test_one_that_ends_before_it_is_ready_is_a_failure(household: Household, line: str, how: str) -> None:
    with pytest.raises(ChildFailedError, match=f"front .*{how} before it was ready"):
        await household.start(Script("front", "import os", line))


async def test_one_that_never_says_so_is_a_failure(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "START_SECONDS", 0.2)
    with pytest.raises(ChildFailedError, match=r"front .* is not ready after"):
        await household.start(Script("front", WAIT))


async def test_a_child_that_dies_is_said_and_started_again(
    household: Household, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "FIRST_DELAY", 0.01)
    await household.start(Script("worker-1", READY, WAIT))
    first = pid_of("worker-1", pages)
    os.kill(first, signal.SIGKILL)
    again = await pages.match(
        rf"pid {first} was killed by SIGKILL; starting it again in 0.01 s\n worker-1 \| started \(pid (\d+)\)"
    )
    assert int(again[1]) != first
    await pages.match(rf"started \(pid {again[1]}\)\n worker-1 \| ready\n worker-1 \| ready again")


async def dies(pages: Pages, times: int) -> None:
    """The worker is killed, and comes back, so many times. One that ended by itself might end before it was ready."""
    for _ in range(times):
        pid = pid_of("worker-1", pages)
        os.kill(pid, signal.SIGKILL)
        await pages.match(rf"(?s)pid {pid} was killed.*worker-1 \| started")


async def test_one_that_keeps_dying_is_started_ever_less_often(
    household: Household, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(processes, "LONGEST_DELAY", 0.03)
    await household.start(Script("worker-1", READY, WAIT))
    await dies(pages, 4)
    assert re.findall(r"again in (\S+) s", pages.getvalue()) == ["0.01", "0.02", "0.03", "0.03"]


async def test_one_that_lived_long_is_started_at_once(
    household: Household, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(processes, "STEADY_SECONDS", 0.0)
    await household.start(Script("worker-1", READY, WAIT))
    await dies(pages, 3)
    assert re.findall(r"again in (\S+) s", pages.getvalue()) == ["0.01", "0.01", "0.01"]


async def test_the_newest_is_stopped_first_and_nothing_is_left(household: Household, pages: Pages) -> None:
    says_goodbye = "import signal, sys; signal.signal(15, lambda *_: (print('goodbye', flush=True), sys.exit()))"
    await household.start(Script("valkey", says_goodbye, READY, WAIT))
    await household.start(*(Script(f"worker-{n}", says_goodbye, READY, WAIT) for n in (1, 2)))
    await household.start(Script("front", says_goodbye, READY, WAIT))
    pids = [pid_of(name, pages) for name in ("valkey", "worker-1", "worker-2", "front")]

    await household.stop()
    order = re.findall(r"(\w+)\S* \| goodbye", pages.getvalue())
    assert order == ["front", "worker", "worker", "valkey"]
    wait_until_gone(pids)
    assert "starting it again" not in pages.getvalue()


async def test_one_that_does_not_stop_is_killed(household: Household, pages: Pages) -> None:
    stubborn = "import signal; signal.signal(15, signal.SIG_IGN)"
    await household.start(Script("front", stubborn, READY, WAIT, stop_seconds=0.1))
    await household.stop()
    assert "front | does not stop within 0.1 s: killed" in pages.getvalue()
    wait_until_gone([pid_of("front", pages)])


async def test_a_second_wish_kills_all_at_once(household: Household, pages: Pages) -> None:
    stubborn = "import signal; signal.signal(15, signal.SIG_IGN)"
    await household.start(Script("valkey", stubborn, READY, WAIT))
    await household.start(Script("front", stubborn, READY, WAIT))
    stopping = asyncio.create_task(household.stop())
    household.kill()
    await stopping
    wait_until_gone([pid_of("valkey", pages), pid_of("front", pages)])


async def test_a_start_that_is_given_up_leaves_nothing(household: Household, pages: Pages) -> None:
    starting = asyncio.create_task(household.start(Script("front", WAIT)))
    await pages.match(r"front \| started")
    starting.cancel()
    await asyncio.wait([starting])
    await household.stop()
    wait_until_gone([pid_of("front", pages)])


async def test_only_what_a_part_shows_is_shown(household: Household, pages: Pages) -> None:
    await household.start(Script("front", "print('secret')", "print()", READY, WAIT))
    assert [line for line in pages.getvalue().splitlines() if "started" not in line] == ["    front | ready"]


async def test_lines_stay_whole_however_they_arrive(household: Household, pages: Pages) -> None:
    bit_by_bit = (
        "import sys",
        "for part in ('o', 'ne\\ntw', 'o', '\\n', 'x' * 200_000, '\\nready\\nlast'):",
        "    sys.stdout.write(part), sys.stdout.flush()",
    )
    await household.start(Script("front", *bit_by_bit, WAIT))
    await household.stop()
    lines = [line.removeprefix("    front | ") for line in pages.getvalue().splitlines()]
    assert lines[1:3] == ["one", "two"]
    assert "".join(lines[3:-2]) == "x" * 200_000
    assert lines[-2:] == ["ready", "last"]


async def test_what_is_no_text_is_shown_all_the_same(household: Household, pages: Pages) -> None:
    await household.start(Script("front", "import os; os.write(1, b'caf\\xe9\\n')", READY, WAIT))
    assert "front | caf\N{REPLACEMENT CHARACTER}" in pages.getvalue()
