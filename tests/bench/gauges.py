"""What a process costs: its CPU time and its memory, from /proc where there is one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

_NANOSECONDS = 1e9
# A process that takes less of a core than this is waiting for something to do.
QUIET_SHARE = 0.05
QUIET_SECONDS = 0.25


def cpu_seconds(pid: int) -> float:
    """CPU time of a process; from the scheduler's own account, because the usual one counts in 10 ms."""
    tasks = Path(f"/proc/{pid}/task")
    total, found = 0, False
    if tasks.is_dir():
        for task in tasks.iterdir():
            with contextlib.suppress(OSError):  # a thread may end while it is looked at
                total += int((task / "schedstat").read_text().split()[0])
                found = True
    if found:
        return total / _NANOSECONDS
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def machine_seconds() -> float:
    """CPU time that the whole machine has spent, whoever spent it."""
    times = psutil.cpu_times()
    return float(sum(times[:8]) - times.idle - getattr(times, "iowait", 0.0))


def memory_bytes(pid: int) -> int:
    """What a process has for itself, its share of what is shared included (PSS); RSS where there is no PSS."""
    info = psutil.Process(pid).memory_full_info()
    return int(getattr(info, "pss", info.rss))


def cpu_of(pids: Mapping[str, int]) -> dict[str, float]:
    """By role; `machine` is everything that runs here."""
    return {role: cpu_seconds(pid) for role, pid in pids.items()} | {"machine": machine_seconds()}


def memory_of(pids: Mapping[str, int]) -> dict[str, int]:
    return {role: memory_bytes(pid) for role, pid in pids.items()}


def wait_until_quiet(pids: Mapping[str, int], seconds: float) -> bool:
    """Waits until none of these processes does anything; False where some still do after so long."""
    deadline = time.monotonic() + seconds
    before = cpu_of(pids)
    while time.monotonic() < deadline:
        time.sleep(QUIET_SECONDS)
        after = cpu_of(pids)
        if all(after[role] - before[role] < QUIET_SHARE * QUIET_SECONDS for role in pids):
            return True
        before = after
    return False
