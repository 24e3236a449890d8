"""`keepstream dev`: what a person sees who types it, and what is left when they are gone."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.dev.ports import LOOPBACK
from tests.harness.running import KEEPSTREAM, Running, clean_environment, is_running, keepstream, wait_until_gone
from tests.long import long, some_of
from tests.patience import PATIENCE

UP = r"Keepstream is up: (http://127\.0\.0\.1:\d+)"
# Each of these starts four processes; the machine may be busy with other tests.
pytestmark = pytest.mark.timeout(3 * PATIENCE)


def dev(directory: Path, *arguments: str) -> Running:
    return keepstream("dev", "--port", "0", *arguments, cwd=directory)


def pid_of(name: str, running: Running) -> int:
    return int(running.line(rf"{name} \| started \(pid (\d+)\)")[1])


def post(url: str, prompt: str) -> dict[str, str]:
    """Submit a prompt whose answer is short and comes at once."""
    body = json.dumps({"prompt": f"{prompt} [[sim: tokens=20 rate=0]]"}).encode()
    request = urllib.request.Request(  # noqa: S310  # our own address
        f"{url}/v1/streams", body, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
        assert answer.status == 202
        created: dict[str, str] = json.load(answer)
    return created


def read(url: str) -> str:
    """The events of a stream up to its end."""
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310
        events: bytes = answer.read()
    return events.decode()


def wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_ready(url):
        assert time.monotonic() < deadline, f"{url} is not ready"
        time.sleep(0.01)


def is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=PATIENCE):  # noqa: S310
            return True
    except OSError:  # refused, or 503
        return False


def text_of(events: str) -> str:
    deltas = re.findall(r"^event: content_block_delta\ndata: (.*)$", events, re.MULTILINE)
    return "".join(json.loads(data)["delta"].get("text", "") for data in deltas)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dev")


@pytest.fixture(scope="module")
def running(directory: Path) -> Iterator[Running]:
    with dev(directory) as running:
        running.line(UP)
        yield running


@pytest.fixture(scope="module")
def url(running: Running) -> str:
    return running.line(UP)[1]


def test_nobody_else_on_the_machine_can_reach_what_is_kept(running: Running, directory: Path) -> None:
    running.line(UP)
    valkey = psutil.Process(pid_of("valkey", running))
    assert [each for each in valkey.net_connections("inet") if each.status == psutil.CONN_LISTEN] == []
    assert stat.S_IMODE((directory / ".keepstream").stat().st_mode) == 0o700
    assert stat.S_IMODE((directory / ".keepstream" / "valkey.sock").stat().st_mode) & 0o077 == 0


@long
def test_a_proxy_for_the_world_outside_is_not_asked_for_what_runs_here(tmp_path: Path) -> None:
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
    command = [*KEEPSTREAM, "dev", "--port", "0", "--ephemeral"]
    with Running(command, cwd=tmp_path, environment=clean_environment(**proxies)) as running:
        url = running.line(UP)[1]
        answered = [*KEEPSTREAM, "send", "--url", url, "Hello"]
        with Running(answered, cwd=tmp_path, environment=clean_environment(**proxies)) as sending:
            assert sending.wait() == 0
            assert sending.output


def test_each_process_is_named_with_its_pid(running: Running) -> None:
    named = [pid_of(name, running) for name in ("valkey", "simulator", "worker-1", "front")]
    children = psutil.Process(running.pid).children()  # without what Valkey forks to write its file anew
    assert sorted(named) == sorted(each.pid for each in children)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the line is for curl")
@pytest.mark.usefixtures("url")
def test_the_line_to_try_can_be_pasted_into_a_shell_and_streams_an_answer(running: Running) -> None:
    line = running.line(r"^ +curl .*")[0]
    shown = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=PATIENCE, check=True)  # noqa: S607
    last = shown.stdout.rstrip().rpartition("\n\n")[2]
    assert re.match(r'event: relay.end\ndata: {"outcome":"completed"', last)
    assert text_of(shown.stdout)
    # Its story stands beneath, for people.
    assert running.line(r"worker-1 \| \S+Z info +stream\.ended +stream_id=st_\w+ model=\S+ outcome=completed ")


def test_a_second_one_in_the_same_directory_is_refused_and_harms_nothing(
    running: Running, url: str, directory: Path
) -> None:
    with dev(directory) as second:
        assert second.wait() == 2
    assert second.output.startswith(
        f"keepstream: `keepstream dev` is already running in this directory (process {running.pid})"
    )
    assert text_of(read(url + post(url, "Hello")["events_url"]))


def test_a_killed_worker_comes_back_and_works(running: Running, url: str) -> None:
    killed, said = pid_of("worker-1", running), len(running.lines)
    os.kill(killed, signal.SIGKILL)
    running.line(rf"worker-1 \| pid {killed} was killed by SIGKILL; starting it again", after=said)
    assert is_running(int(running.line(r"worker-1 \| started \(pid (\d+)\)", after=said)[1]))
    assert text_of(read(url + post(url, "Hello again")["events_url"]))


def test_a_killed_front_comes_back_at_the_same_address(running: Running, url: str) -> None:
    killed, said = pid_of("front", running), len(running.lines)
    os.kill(killed, signal.SIGKILL)
    running.line(r"front \| ready again", after=said)
    wait_until_ready(url)
    assert text_of(read(url + post(url, "And again")["events_url"]))


@pytest.mark.parametrize("name", some_of(["valkey", "simulator"], 1))
def test_what_the_others_rely_on_comes_back_where_they_look_for_it(running: Running, url: str, name: str) -> None:
    created = post(url, "Remember this")
    text_of(read(url + created["events_url"]))  # of which a part may have been about the line
    events = read(url + created["events_url"])
    killed, said = pid_of(name, running), len(running.lines)
    os.kill(killed, signal.SIGKILL)
    running.line(rf"{name} \| ready again", after=said)  # started is not yet listening
    wait_until_ready(url)
    assert read(url + created["events_url"]) == events
    assert text_of(read(url + post(url, "And this")["events_url"]))


@pytest.mark.parametrize("ending", some_of([signal.SIGINT, signal.SIGTERM], 1))
def test_ctrl_c_stops_everything_in_order_and_leaves_nothing(tmp_path: Path, ending: signal.Signals) -> None:
    with dev(tmp_path, "--ephemeral", "--workers", "2") as running:
        running.line(UP)
        pids = running.descendants()
        assert len(psutil.Process(running.pid).children()) == 5  # and what Valkey forks to write its file anew
        kept_in = psutil.Process(pid_of("valkey", running)).cwd()
        running.send(ending)
        assert running.wait() == 0
    wait_until_gone(pids)
    assert "Traceback" not in running.output
    assert "killed" not in running.output
    assert not Path(kept_in).exists()
    assert list(tmp_path.iterdir()) == []


def test_nothing_outlives_a_killed_parent(tmp_path: Path) -> None:
    with dev(tmp_path, "--ephemeral") as running:
        running.line(UP)
        pids = running.descendants()
        running.send(signal.SIGKILL)
        wait_until_gone(pids)


def test_ctrl_c_during_start_up_leaves_nothing_and_no_traceback(tmp_path: Path) -> None:
    with dev(tmp_path) as running:
        pids = [pid_of("valkey", running)]
        pids += running.descendants()
        running.send(signal.SIGINT)
        assert running.wait() == 130
    wait_until_gone(pids)
    assert "Traceback" not in running.output


@long
def test_a_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    with dev(tmp_path, "--ephemeral") as running:
        running.line(UP)
        pids = running.descendants()
        os.kill(pid_of("front", running), signal.SIGSTOP)
        running.send(signal.SIGINT)
        running.line("stopping")
        running.send(signal.SIGINT)
        assert running.wait() == 0
    wait_until_gone(pids)
    assert "does not stop within" not in running.output


def test_streams_are_kept_from_one_run_to_the_next(tmp_path: Path) -> None:
    with dev(tmp_path) as first:
        url = first.line(UP)[1]
        created = post(url, "Hello")
        events = read(url + created["events_url"])
        first.send(signal.SIGINT)
        assert first.wait() == 0
    with dev(tmp_path) as second:
        url = second.line(UP)[1]
        assert text_of(read(url + created["events_url"])) == text_of(events) != ""


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as somebody:
        port = str(somebody.getsockname()[1])
        with keepstream("dev", "--port", port, cwd=tmp_path) as refused:
            assert refused.wait() == 2
    assert refused.output == (
        f"keepstream: port {port} is taken: choose another with --port, or --port 0 for any free one"
    )
