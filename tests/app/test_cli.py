from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest

from app import cli
from app.dev.embedded import EmbeddedValkey
from app.version import DISTRIBUTION, UNKNOWN, our_version
from tests.harness.running import KEEPSTREAM, clean_environment, keepstream, wait_until_gone
from tests.long import some_of
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*KEEPSTREAM, *arguments],
        env=clean_environment(**settings),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_help_tells_a_newcomer_what_there_is_and_what_to_type() -> None:
    shown = run("--help")
    assert shown.returncode == 0
    for name, command in cli.COMMANDS.items():
        assert f"  {name} " in shown.stdout
        assert command.summary in shown.stdout
    assert "keepstream dev" in shown.stdout


@pytest.fixture
def unheeded() -> Iterator[None]:
    """What a server does at a signal while it is loaded is not for the process of the tests."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("unheeded")
@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_its_own_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([name, "--help"])
    assert ended.value.code == 0
    out, err = capsys.readouterr()
    assert (err, out.startswith(f"usage: keepstream {name} ")) == ("", True)


def test_the_version_is_the_installed_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (project["name"], project["version"]) == (DISTRIBUTION, version(DISTRIBUTION))
    assert run("--version").stdout == f"keepstream {project['version']}\n"


def test_what_is_not_installed_runs_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.version.DISTRIBUTION", "no-such-distribution")
    assert our_version.__wrapped__() == UNKNOWN


@pytest.mark.parametrize(
    ("arguments", "why"),
    some_of(
        [
            ([], "which COMMAND"),
            (["devv"], "invalid choice: 'devv'"),
            (["--loud"], "--loud"),
            (["dev", "--loud"], "--loud"),
            (["dev", "--port", "65536"], "--port"),
            (["dev", "--workers", "0"], "--workers"),
        ],
        2,
    ),
)
def test_what_cannot_be_understood_is_answered_with_the_usage(arguments: list[str], why: str) -> None:
    shown = run(*arguments)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith("usage: keepstream")
    assert why in shown.stderr


@pytest.mark.parametrize("name", some_of(["dev", "front", "worker"], 2))
def test_a_wrong_setting_is_one_line(name: str) -> None:
    shown = run(name, KEEPSTREAM_LEASE_SECONDS="soon")
    assert (shown.returncode, shown.stdout) == (2, "")
    said = "KEEPSTREAM_LEASE_SECONDS must be a number of seconds from 0.5 to 3600, not 'soon'"
    assert shown.stderr in (f"keepstream: {said}\n", f"keepstream {name}: {said}\n")


@pytest.mark.parametrize("name", ["dev", "front", "worker"])
@pytest.mark.parametrize(
    ("settings", "says"),
    some_of(
        [
            ({"REDIS_URL": "redis://:hush@127.0.0.1:port"}, "REDIS_URL cannot be read"),
            ({"ANTHROPIC_API_KEY": "", "ANTHROPIC_API_KEY_FILE": "/"}, "ANTHROPIC_API_KEY_FILE: cannot read /: Is a"),
            ({"ANTHROPIC_BASE_URL": "http://127.0.0.1:port"}, "ANTHROPIC_BASE_URL must be"),
        ],
        1,
    ),
)
def test_what_nobody_can_work_with_is_one_line_and_no_traceback(name: str, settings: dict[str, str], says: str) -> None:
    shown = run(name, **({"ANTHROPIC_API_KEY": "x", "KEEPSTREAM_PORT": "0"} | settings))
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith("keepstream") and says in shown.stderr  # noqa: PT018
    assert shown.stderr.count("\n") == 1
    assert "hush" not in shown.stderr


@pytest.mark.parametrize("name", some_of(["dev", "front"], 1))
def test_keys_that_cannot_be_read_are_said_before_anything_is_started(name: str) -> None:
    shown = run(name, KEEPSTREAM_API_KEYS_FILE="/", KEEPSTREAM_PORT="0")
    said = "keepstream: KEEPSTREAM_API_KEYS_FILE: cannot read /: Is a directory\n"
    assert (shown.returncode, shown.stdout, shown.stderr) == (2, "", said)


_IN_A_FINALIZER = """
import os, signal
from app import cli
from app.dev.embedded import EmbeddedValkey
cli._find({name!r})
class Last:
    def __del__(self):
        os.kill(os.getpid(), {number})
        for _ in range(1000): pass
Last()
print("goes on")
"""


@pytest.mark.parametrize(
    ("name", "number", "status"),
    some_of(
        [
            ("front", signal.SIGTERM, 0),
            ("worker", signal.SIGINT, 0),
            ("simulate", signal.SIGTERM, 0),
            ("dev", signal.SIGINT, 130),
        ],
        2,
    ),
)
def test_a_signal_while_a_server_is_loaded_is_not_lost_where_python_drops_exceptions(
    name: str, number: signal.Signals, status: int
) -> None:
    code = _IN_A_FINALIZER.format(name=name, number=int(number))
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (shown.returncode, shown.stdout, shown.stderr) == (status, "", "")


@pytest.mark.parametrize(
    ("arguments", "up"),
    some_of(
        [
            (["front", "--port", "0"], "keepstream front on"),
            (["worker"], '"event":"redis.away"'),
            (["simulate", "--port", "0"], "simulated Claude on"),
            (["dev", "--port", "0", "--ephemeral"], "worker-1 | started"),
        ],
        2,
    ),
)
def test_signals_that_go_on_until_it_has_ended_change_nothing(arguments: list[str], up: str, tmp_path: Path) -> None:
    settings = {} if arguments[0] == "dev" else {"REDIS_URL": "redis://127.0.0.1:1/0", "ANTHROPIC_API_KEY": "x"}
    with keepstream(*arguments, cwd=tmp_path, TMPDIR=str(tmp_path), **settings) as process:
        process.line(re.escape(up))
        children = process.descendants()
        while process.process.poll() is None:
            process.send(signal.SIGTERM)
            time.sleep(0.005)
        assert process.wait() == (130 if arguments[0] == "dev" else 0)
    wait_until_gone(children)
    assert "Traceback" not in process.output
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_during_start_up_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_find", lambda _: interrupted)
    assert cli.main(["dev"]) == 130
    assert capfd.readouterr() == ("", "")


def test_a_mistake_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: list[str]) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "_find", lambda _: broken)
    with pytest.raises(ZeroDivisionError):
        cli.main(["dev"])


def test_a_command_gets_its_arguments_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[str] = []

    def command(argv: list[str]) -> int:
        received.extend(argv)
        return 7

    monkeypatch.setattr(cli, "_find", lambda _: command)
    assert cli.main(["dev", "--port", "1", "--help", "--version", "--", "x"]) == 7
    assert received == ["--port", "1", "--help", "--version", "--", "x"]


def test_commands_of_the_worker_are_found_by_their_entry_points() -> None:
    found = {entry_point.name for entry_point in entry_points(group=cli.ENTRY_POINTS)}
    assert found == {name for name, command in cli.COMMANDS.items() if command.target is None}


def test_starting_costs_little() -> None:
    """Every child of `keepstream dev` starts with this import."""
    dear = "asyncio", "anthropic", "starlette", "redis", "importlib.metadata", "app.settings", "worker"
    loaded = f"import sys, app.cli; print([name for name in {dear} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert shown.stdout == "[]\n"


@pytest.mark.parametrize(("command", "closed"), some_of([("worker", "2>&-"), ("front", "0<&- 2>&-")], 1))
def test_a_server_whose_standard_streams_are_closed_serves_and_ends_as_any(
    valkey: EmbeddedValkey, command: str, closed: str
) -> None:
    """Their numbers would be its sockets', and libuv ends a process that closes such a one."""
    settings = {"REDIS_URL": valkey.url, "ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "KEEPSTREAM_PORT": "0"}
    with subprocess.Popen(
        ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *KEEPSTREAM, command],
        env=clean_environment(**settings),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
