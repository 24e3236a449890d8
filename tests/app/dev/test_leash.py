from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import psutil
import pytest

from app.dev.leash import Leashed, leash, leash_by_watcher
from tests.harness.running import Running, is_running, wait_until_gone
from tests.patience import PATIENCE

ENDLESS = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(1000)"]
linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's way is Linux' own")
both_ways = pytest.mark.parametrize("way", [pytest.param("leash", marks=linux), "leash_by_watcher"])
WAYS = {"leash": leash, "leash_by_watcher": leash_by_watcher}

# A parent as other tests and `keepstream dev` are: it starts the child, and goes on with something else.
PARENT = """
import subprocess, sys, time
from app.dev.leash import {way}
tied = {way}(sys.argv[1:])
subprocess.Popen(tied.command, pass_fds=tied.pass_fds)
time.sleep(1000)
"""


def start(tied: Leashed, stdout: int | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(tied.command, pass_fds=tied.pass_fds, stdout=stdout, text=True)


@both_ways
def test_a_child_dies_with_its_killed_parent(way: str) -> None:
    with Running([sys.executable, "-c", PARENT.format(way=way), *ENDLESS]) as parent:
        child = int(parent.line(r"^\d+$")[0])
        family = parent.descendants()
        assert child in family
        assert is_running(child)
        parent.send(signal.SIGKILL)
        wait_until_gone(family)


@both_ways
def test_the_pid_the_output_and_the_status_are_the_commands_own(way: str) -> None:
    says_its_pid = [sys.executable, "-c", "import os, sys; print(os.getpid()); sys.exit(7)"]
    with start(WAYS[way](says_its_pid), stdout=subprocess.PIPE) as child:
        output, _ = child.communicate(timeout=PATIENCE)
    assert (int(output), child.returncode) == (child.pid, 7)


@both_ways
def test_signals_reach_the_command(way: str) -> None:
    with start(WAYS[way](ENDLESS), stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.terminate()
        assert child.wait(PATIENCE) == -signal.SIGTERM


@both_ways
def test_a_command_that_cannot_be_started_is_said(way: str, capfd: pytest.CaptureFixture[str]) -> None:
    with start(WAYS[way](["/no/such/command"])) as child:
        assert child.wait(PATIENCE) == 127
    assert "cannot start /no/such/command" in capfd.readouterr().err


@both_ways
def test_the_command_does_not_inherit_what_python_ignores(way: str) -> None:
    with start(WAYS[way](["sh", "-c", "kill -PIPE $$"])) as child:
        assert child.wait(PATIENCE) == -signal.SIGPIPE


def test_the_watcher_goes_with_its_child() -> None:
    with start(leash_by_watcher(ENDLESS), stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        (watcher,) = psutil.Process(child.pid).children()
        child.kill()
        child.wait(PATIENCE)
        wait_until_gone([watcher.pid])


def test_a_child_outlives_the_thread_that_started_it() -> None:
    """The kernel's way would kill it: it goes by the thread."""
    echo = [sys.executable, "-S", "-u", "-c", "while True: print(input())"]
    started: list[subprocess.Popen[str]] = []
    ids: list[int] = []

    def start_it() -> None:
        tied = leash(echo)
        child = subprocess.Popen(
            tied.command, pass_fds=tied.pass_fds, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        started.append(child)
        ids.append(threading.get_native_id())
        assert answer(child) == "still here"

    def answer(child: subprocess.Popen[str]) -> str:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write("still here\n")
        return child.stdout.readline().strip()

    thread = threading.Thread(target=start_it)
    thread.start()
    thread.join()
    while ids[0] in {thread.id for thread in psutil.Process().threads()}:
        pass  # joined, but the kernel has not ended it yet
    with started[0] as child:
        try:
            assert answer(child) == "still here"
        finally:
            child.kill()


@linux
def test_a_child_whose_parent_died_before_it_was_tied_does_not_start() -> None:
    tied = leash([sys.executable, "-c", "print('started')"])
    command = [str(os.getppid()) if argument == str(os.getpid()) else argument for argument in tied.command]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (shown.returncode, shown.stdout) == (127, "")
