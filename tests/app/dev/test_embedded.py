from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from app.dev import embedded
from app.dev.embedded import EmbeddedValkey, EmbeddedValkeyError, wait_until_it_answers
from app.dev.lock import DirectoryBusyError
from app.dev.ports import LOOPBACK, free_port
from tests.harness.running import Running, is_running, wait_until_gone


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey.start(tmp_path / "data") as server:
        yield server


def client(valkey: EmbeddedValkey) -> redis.Redis:
    return redis.Redis.from_url(valkey.url)


def test_it_answers_as_soon_as_it_is_started(valkey: EmbeddedValkey) -> None:
    with client(valkey) as connection:
        assert connection.ping()
        assert connection.info("server")["process_id"] == valkey.pid
    assert is_running(valkey.pid)


def test_it_is_set_up_as_keepstream_demands(valkey: EmbeddedValkey) -> None:
    demanded = {"maxmemory-policy": "noeviction", "appendonly": "yes", "appendfsync": "everysec", "save": ""}
    demanded |= {"maxmemory": str(2 * 1024**3)}
    with client(valkey) as connection:
        assert {name: connection.config_get(name)[name] for name in demanded} == demanded
        assert connection.config_get("bind")["bind"] == LOOPBACK


def test_settings_can_be_added(tmp_path: Path) -> None:
    more = [("maxmemory", "32mb"), ("appendfsync", "always")]
    with EmbeddedValkey.start(tmp_path, extra_config=more) as valkey, client(valkey) as connection:
        assert connection.config_get("maxmemory")["maxmemory"] == str(32 * 1024 * 1024)
        assert connection.config_get("appendfsync")["appendfsync"] == "always"


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_it_comes_back_on_its_port_with_its_data(valkey: EmbeddedValkey, ending: str) -> None:
    port, pid = valkey.port, valkey.pid
    with client(valkey) as connection:
        connection.set("kept", "yes")
    getattr(valkey, ending)()
    assert not valkey.is_running
    wait_until_gone([pid])

    valkey.restart()
    assert (valkey.port, valkey.pid != pid) == (port, True)
    with client(valkey) as connection:
        assert connection.get("kept") == b"yes"


def test_its_data_can_be_taken_up_by_another(tmp_path: Path) -> None:
    with EmbeddedValkey.start(tmp_path) as first, client(first) as connection:
        connection.set("kept", "yes")
    with EmbeddedValkey.start(tmp_path) as second, client(second) as connection:
        assert connection.get("kept") == b"yes"


def test_restarting_a_running_one_shuts_it_down_first(valkey: EmbeddedValkey) -> None:
    pid = valkey.pid
    valkey.restart()
    assert not is_running(pid)
    assert is_running(valkey.pid)


def test_a_directory_serves_one_at_a_time(valkey: EmbeddedValkey) -> None:
    with pytest.raises(DirectoryBusyError):
        EmbeddedValkey.start(valkey.directory)
    with client(valkey) as connection:
        assert connection.ping()


def test_a_taken_port_is_an_error_with_the_end_of_the_log(valkey: EmbeddedValkey, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedValkeyError, match="Address already in use"):
        EmbeddedValkey.start(tmp_path / "other", port=valkey.port)


def test_a_free_port_that_was_taken_in_between_is_no_error(
    valkey: EmbeddedValkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iter([valkey.port])
    monkeypatch.setattr(embedded, "free_port", lambda: next(found, None) or free_port())
    with EmbeddedValkey.start(tmp_path / "other") as other:
        assert other.port != valkey.port


def test_a_stranger_on_the_port_is_not_taken_for_ours() -> None:
    with socket.create_server((LOOPBACK, 0)) as stranger, pytest.raises(EmbeddedValkeyError, match="does not answer"):
        wait_until_it_answers(stranger.getsockname()[1], pid=1, is_alive=lambda: True, seconds=0.1)


def test_stopping_what_has_ended_does_nothing(valkey: EmbeddedValkey) -> None:
    valkey.kill()
    valkey.kill()
    valkey.stop()


STARTS_ONE = """
import sys, threading, time
from app.dev.embedded import EmbeddedValkey
def start():
    global valkey
    valkey = EmbeddedValkey.start(sys.argv[1])
thread = threading.Thread(target=start)
start() if sys.argv[2] == "main thread" else (thread.start(), thread.join())
print("pid", valkey.pid, flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize("started_by", ["main thread", "another thread"])
def test_it_does_not_outlive_a_killed_parent(tmp_path: Path, started_by: str) -> None:
    with Running([sys.executable, "-c", STARTS_ONE, str(tmp_path), started_by]) as parent:
        pid = int(parent.line(r"^pid (\d+)$")[1])
        assert is_running(pid)
        parent.process.kill()
        wait_until_gone([pid])
    EmbeddedValkey.start(tmp_path).stop()
