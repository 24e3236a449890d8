from __future__ import annotations

import argparse
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.dev import embedded
from app.dev.embedded import EmbeddedValkeyError
from app.dev.plan import DATA_DIRECTORY, make_plan
from app.dev.ports import LOOPBACK
from app.settings import SettingsError


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / DATA_DIRECTORY


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def options(**changed: object) -> argparse.Namespace:
    defaults = {"port": 0, "workers": 1, "ephemeral": False, "redis_server": None}
    return argparse.Namespace(**(defaults | changed))


def test_the_data_is_kept_where_one_is_and_out_of_version_control(directory: Path, cleanup: ExitStack) -> None:
    plan = make_plan(options(), {}, cleanup)
    assert plan.valkey is not None
    assert str(directory) in plan.valkey.command()
    assert (directory / ".gitignore").read_text() == "*\n"


def test_nobody_else_on_the_machine_may_read_prompts_or_queue_them(directory: Path, cleanup: ExitStack) -> None:
    directory.mkdir(mode=0o755)  # as an older version left it
    plan = make_plan(options(), {}, cleanup)
    assert plan.valkey is not None
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    command = plan.valkey.command()
    assert command[command.index("--port") + 1] == "0"
    assert Path(command[command.index("--unixsocket") + 1]).parent == directory
    assert plan.valkey.url == f"unix://{directory}/valkey.sock?db=0"


def test_a_socket_whose_path_would_be_too_long_lies_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cleanup: ExitStack
) -> None:
    deep = tmp_path / ("a" * 100)
    deep.mkdir()
    monkeypatch.chdir(deep)
    plan = make_plan(options(), {}, cleanup)
    assert plan.valkey is not None
    command = plan.valkey.command()
    assert Path(command[command.index("--dir") + 1]) == deep / DATA_DIRECTORY
    at = Path(command[command.index("--unixsocket") + 1])
    assert len(str(at)) < 104
    assert stat.S_IMODE(at.parent.stat().st_mode) == 0o700


def test_ephemeral_data_goes_when_it_ends(directory: Path) -> None:
    with ExitStack() as cleanup:
        plan = make_plan(options(ephemeral=True), {}, cleanup)
        assert plan.valkey is not None
        command = plan.valkey.command()
        kept_in = Path(command[command.index("--dir") + 1])
        assert kept_in.is_dir()
    assert not kept_in.exists()
    assert not directory.exists()


def test_a_second_one_in_the_same_directory_is_told_of_the_first(cleanup: ExitStack) -> None:
    make_plan(options(), {}, cleanup)
    with pytest.raises(SettingsError, match=r"already running in this directory \(process \d+\): stop it, or .*--eph"):
        make_plan(options(), {}, cleanup)
    make_plan(options(ephemeral=True), {}, cleanup)


@pytest.mark.parametrize("name", ["REDIS_URL", "REDIS_URL_FILE"])
def test_a_redis_that_is_named_is_used(name: str, tmp_path: Path, directory: Path, cleanup: ExitStack) -> None:
    (tmp_path / "url").write_text("redis://redis.example/0")
    value = str(tmp_path / "url") if name.endswith("_FILE") else "redis://redis.example/0"
    plan = make_plan(options(), {name: value}, cleanup)
    assert plan.valkey is None
    assert plan.settings.redis_url == "redis://redis.example/0"
    assert not directory.exists()


def test_another_server_is_run_when_it_is_asked_for(
    tmp_path: Path, cleanup: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = tmp_path / "bin" / "redis-server"
    server.parent.mkdir()
    server.symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(server.parent))
    for named in ("auto", "redis-server", str(server)):
        plan = make_plan(options(redis_server=named, ephemeral=True), {}, cleanup)
        assert plan.valkey is not None
        assert plan.valkey.command()[0] == str(server)


@pytest.mark.parametrize(
    ("named", "why"), [("auto", "no valkey-server and no redis-server"), ("/no/such/server", "no /no/such/server")]
)
def test_one_that_is_not_there_is_said(
    named: str, why: str, cleanup: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SettingsError, match=f"--redis-server: {why} can be run"):
        make_plan(options(redis_server=named), {}, cleanup)


def test_without_an_embedded_one_it_says_what_to_do(cleanup: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise EmbeddedValkeyError("there is no embedded Valkey for this platform")

    monkeypatch.setattr(embedded, "binary", none)
    with pytest.raises(SettingsError, match="for this platform: set REDIS_URL, or name a server with --redis-server"):
        make_plan(options(), {}, cleanup)


def test_a_taken_port_is_said_before_anything_is_started(directory: Path, cleanup: ExitStack) -> None:
    with socket.create_server((LOOPBACK, 0)) as somebody:
        port = somebody.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} is taken: choose another with --port"):
            make_plan(options(port=port), {}, cleanup)
    assert not directory.exists()


def test_the_port_comes_from_the_settings_unless_it_is_given(cleanup: ExitStack) -> None:
    settings = {"KEEPSTREAM_PORT": "20999"}
    assert make_plan(options(port=None, ephemeral=True), settings, cleanup).port == 20_999
    assert make_plan(options(port=0, ephemeral=True), settings, cleanup).port not in (0, 20_999)


@pytest.mark.parametrize("port", [0, 20_999])
def test_a_host_that_is_not_ours_is_said(port: int, cleanup: ExitStack) -> None:
    with pytest.raises(SettingsError, match=r"cannot listen on 192\.0\.2\.1"):
        make_plan(options(port=port), {"KEEPSTREAM_HOST": "192.0.2.1"}, cleanup)


def test_a_directory_that_cannot_be_written_is_said(directory: Path, cleanup: ExitStack) -> None:
    directory.write_text("a file of that name")
    with pytest.raises(SettingsError, match=r"cannot keep data in .*\.keepstream: .*; try --ephemeral"):
        make_plan(options(), {}, cleanup)


def test_a_door_that_would_stand_open_is_told_before_anything_is_started(cleanup: ExitStack) -> None:
    anywhere = {"KEEPSTREAM_HOST": "0.0.0.0"}  # noqa: S104  # what is to be refused
    with pytest.raises(SettingsError, match="KEEPSTREAM_AUTH=none"):
        make_plan(options(), anywhere, cleanup)
    make_plan(options(), {**anywhere, "KEEPSTREAM_AUTH": "none"}, cleanup)
