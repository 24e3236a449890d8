"""What a drill does to a deployment, and that it is undone, whoever dies meanwhile."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import pytest

from app.terminal.drill import actions, deeds
from app.terminal.drill.actions import Command, NotDoneError, Signal, as_words, do, of_words
from app.terminal.drill.deeds import Deed, Part
from app.terminal.drill.doing import perform
from app.terminal.drill.means import Compose, Holder, Kubectl, Means, Pids
from tests.patience import PATIENCE

SLEEPER = "import sys, time; print('here', flush=True); time.sleep(600)"


# What is run


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A docker and a kubectl that write down how they are called; the list is filled at the end of each command."""
    log, bin_ = tmp_path / "ran", tmp_path / "bin"
    bin_.mkdir()
    answers = 'case "$*" in *" ps "*) echo 0ddba11; echo other;; *"get pods"*) echo pod/one; echo pod/two;; esac'
    refuses = 'case "$*" in *" exec "*) echo "NOAUTH Authentication required." >&2; exit 1;; esac'
    for name in ("docker", "kubectl"):
        path = bin_ / name
        path.write_text(f'#!/bin/sh\nprintf "%s\\n" "{name} $*" >> {shlex.quote(str(log))}\n{answers}\n{refuses}\n')
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(deeds, "REDIS_SECONDS", 0.0)
    log.touch()

    class Ran(list[str]):
        def __eq__(self, other: object) -> bool:
            return log.read_text().splitlines() == other

        __hash__ = None  # type: ignore[assignment]

    return Ran()


async def performed(means: Means, part: Part) -> list[str]:
    """What was shown."""
    told: list[str] = []
    deed = await means.deed(part)
    await perform(Deed(deed.part, deed.do, 0.0, deed.undo, deed.instead), told.append)
    return told


COMPOSE = "docker compose --file here.yaml ps --quiet --status running"
OF_COMPOSE = [
    (Part.WORKER, [f"{COMPOSE} worker", "docker kill --signal KILL 0ddba11", "docker start 0ddba11"]),
    (Part.FRONT, [f"{COMPOSE} web", "docker stop 0ddba11", "docker start 0ddba11"]),
    (Part.REDIS, [f"{COMPOSE} valkey", "docker pause 0ddba11", "docker unpause 0ddba11"]),
]


@pytest.mark.parametrize(("part", "commands"), OF_COMPOSE)
async def test_what_docker_is_told(ran: list[str], part: Part, commands: list[str]) -> None:
    told = await performed(Compose("here.yaml", {Part.FRONT: "web"}), part)
    assert ran == commands
    for command in commands[1:]:
        assert any(command in line for line in told)


NAMED = "app.kubernetes.io/name=keepstream,app.kubernetes.io/component"
PODS = f"kubectl --namespace chat get pods --selector {NAMED}"
RUNNING = "--field-selector=status.phase=Running --output name"
DELETE = "kubectl --namespace chat delete pod/one"
OF_KUBECTL = [
    (Part.WORKER, [f"{PODS}=worker {RUNNING}", f"{DELETE} --grace-period=0 --force --wait=false"]),
    (Part.FRONT, [f"{PODS}=front {RUNNING}", f"{DELETE} --wait=false"]),
    (
        Part.REDIS,
        [
            f"{PODS}=redis {RUNNING}",
            "kubectl --namespace chat exec pod/one -- valkey-cli -e CLIENT PAUSE 5000 ALL",
            f"{DELETE} --wait=false",  # this one is refused without a password
        ],
    ),
]


@pytest.mark.parametrize(("part", "commands"), OF_KUBECTL)
async def test_what_kubectl_is_told(ran: list[str], part: Part, commands: list[str]) -> None:
    told = await performed(Kubectl("chat"), part)
    assert ran == commands
    assert [line for line in told if line.startswith("$ ")] == [f"$ {command}" for command in commands[1:]]


@pytest.mark.usefixtures("ran")
async def test_of_several_one_that_has_streams_of_ours() -> None:
    here, elsewhere = socket.gethostname(), Holder("elsewhere", 8)
    pids = Pids({Part.WORKER: [7, 8, 9]})
    assert (await pids.deed(Part.WORKER, [elsewhere, Holder(here, 1), Holder(here, 9)])).do == Signal(9, "KILL")
    assert (await pids.deed(Part.WORKER, [elsewhere])).do == Signal(7, "KILL")
    assert "kill --signal KILL other" in str((await Compose().deed(Part.WORKER, [elsewhere, Holder("other", 1)])).do)
    assert "delete pod/two" in str((await Kubectl().deed(Part.WORKER, [elsewhere, Holder("two", 1)])).do)


async def test_what_is_not_there_is_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotDoneError, match="docker cannot be run"):
        await Compose().deed(Part.WORKER)
    (tmp_path / "docker").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "docker").chmod(0o755)
    with pytest.raises(NotDoneError, match="no container of the service worker runs"):
        await Compose().deed(Part.WORKER)


async def test_a_command_has_its_time_and_its_words_are_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotDoneError, match="ended with 3: no way") as raised:
        await do(Command((sys.executable, "-c", "import sys; sys.stderr.write('no way ' * 10**5); sys.exit(3)")))
    assert len(str(raised.value)) < 500
    monkeypatch.setattr(actions, "COMMAND_SECONDS", 0.2)
    with pytest.raises(NotDoneError, match="did not end within"):
        await do(Command((sys.executable, "-c", SLEEPER)))


async def test_a_process_that_is_not_there_is_said_to() -> None:
    with pytest.raises(NotDoneError, match="there is no process"):
        await do(Signal(2**22 - 1, "CONT"))


@pytest.mark.parametrize("action", [Command(("a", "b c", "--")), Signal(7, "STOP")])
def test_an_action_goes_over_a_command_line(action: Command | Signal) -> None:
    assert of_words(as_words(action)) == action


# What is stopped goes on


@asynccontextmanager
async def sleeper() -> AsyncIterator[psutil.Process]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SLEEPER, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        await process.stdout.readline()
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        await process.communicate()


async def becomes(process: psutil.Process, *, stopped: bool) -> None:
    async with asyncio.timeout(PATIENCE):
        while ((status := process.status()) == psutil.STATUS_STOPPED) is not stopped:
            assert status != psutil.STATUS_ZOMBIE
            await asyncio.sleep(0.01)


PARENT = """
import asyncio, sys
from app.terminal.drill.actions import Signal
from app.terminal.drill.deeds import Deed, Part
from app.terminal.drill.doing import perform
pid = int(sys.argv[1])
deed = Deed(Part.REDIS, Signal(pid, "STOP"), 600.0, undo=Signal(pid, "CONT"))
asyncio.run(perform(deed, print))
"""


async def test_what_is_stopped_goes_on_though_the_drill_is_killed() -> None:
    async with sleeper() as redis:
        drill = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PARENT, str(redis.pid)), stdout=asyncio.subprocess.DEVNULL
        )
        await becomes(redis, stopped=True)
        drill.kill()
        await becomes(redis, stopped=False)
        await drill.wait()


async def test_it_goes_on_when_its_time_is_up_and_when_we_leave_before() -> None:
    async with sleeper() as redis:
        deed = Deed(Part.REDIS, Signal(redis.pid, "STOP"), 0.1, undo=Signal(redis.pid, "CONT"))
        told: list[str] = []
        await perform(deed, told.append)
        assert redis.status() != psutil.STATUS_STOPPED
        assert told[0] == f"$ kill -STOP {redis.pid}"
        leaving = asyncio.create_task(perform(Deed(deed.part, deed.do, 600.0, undo=deed.undo), told.append))
        await becomes(redis, stopped=True)
        leaving.cancel()
        await asyncio.wait({leaving})
        assert redis.status() != psutil.STATUS_STOPPED


async def test_it_goes_on_though_its_guard_is_killed() -> None:
    async with sleeper() as redis:
        deed = Deed(Part.REDIS, Signal(redis.pid, "STOP"), 600.0, undo=Signal(redis.pid, "CONT"))
        performing = asyncio.create_task(perform(deed, lambda _: None))
        await becomes(redis, stopped=True)
        [guard] = [one for one in psutil.Process().children() if "drill.guard import" in _line(one)]
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            guard.send_signal(number)  # which it does not hear
        guard.send_signal(signal.SIGSTOP)
        await becomes(guard, stopped=True)
        guard.kill()
        with suppress(NotDoneError):  # where it had not come to say that it did it
            await performing
        assert redis.status() != psutil.STATUS_STOPPED


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.ZombieProcess:  # another test's, which nobody has waited for yet
        return ""


DOCKER = """#!/bin/sh
echo "$1" >> "$RAN"
if [ "$1" = stop ]; then until [ -e "$RAN.go" ]; do sleep 0.01; done; echo stopped >> "$RAN"; fi
"""
DRAINS = """
import asyncio
from app.terminal.drill.deeds import Part
from app.terminal.drill.doing import perform
from app.terminal.drill.means import Compose
asyncio.run(perform(Compose()._deed(Part.FRONT, "one"), print))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["left", "killed"])
async def test_a_front_that_drains_is_started_again_when_it_has_ended_though_the_drill_has(
    number: signal.Signals, tmp_path: Path
) -> None:
    ran, docker = tmp_path / "ran", tmp_path / "docker"
    ran.touch()
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "RAN": str(ran)}
    drill = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", DRAINS),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
    )

    async def said(words: list[str]) -> None:
        async with asyncio.timeout(PATIENCE):
            while (done := ran.read_text().split()) != words:
                assert done == words[: len(done)]
                await asyncio.sleep(0.01)

    await said(["stop"])
    drill.send_signal(number)
    if number is signal.SIGKILL:
        await drill.wait()
    (tmp_path / "ran.go").touch()
    await said(["stop", "stopped", "start"])
    await drill.wait()


async def test_what_cannot_be_stopped_is_not_done() -> None:
    nobody = Signal(2**22 - 1, "STOP")
    with pytest.raises(NotDoneError, match="there is no process"):
        await perform(Deed(Part.REDIS, nobody, 1.0, undo=nobody), lambda _: None)
