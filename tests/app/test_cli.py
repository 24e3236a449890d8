from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points, version

import pytest

from app import cli
from tests.running import KEEPSTREAM, PATIENCE, clean_environment


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


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_its_own_help(name: str) -> None:
    shown = run(name, "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith(f"usage: keepstream {name} ")


def test_the_version_is_the_installed_one() -> None:
    assert run("--version").stdout == f"keepstream {version('keepstream')}\n"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "which COMMAND"),
        (["devv"], "invalid choice: 'devv'"),
        (["--loud"], "--loud"),
        (["dev", "--loud"], "--loud"),
        (["dev", "--port", "65536"], "--port"),
        (["dev", "--workers", "0"], "--workers"),
    ],
)
def test_what_cannot_be_understood_is_answered_with_the_usage(arguments: list[str], why: str) -> None:
    shown = run(*arguments)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith("usage: keepstream")
    assert why in shown.stderr


@pytest.mark.parametrize("name", ["dev", "front", "worker"])
def test_a_wrong_setting_is_one_line(name: str) -> None:
    shown = run(name, KEEPSTREAM_LEASE_SECONDS="soon")
    assert (shown.returncode, shown.stdout) == (2, "")
    said = "KEEPSTREAM_LEASE_SECONDS must be a number of seconds from 0.5 to 3600, not 'soon'"
    assert shown.stderr in (f"keepstream: {said}\n", f"keepstream {name}: {said}\n")


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
