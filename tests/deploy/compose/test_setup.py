"""What `setup` sees to before anything starts, and what `start` makes of it; both run as compose.yaml says."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from app.dev.ports import free_port
from tests.deploy.compose.composed import services
from tests.deploy.compose.contained import Containers
from tests.harness.running import Running, keepstream
from tests.long import some_of

KEY = {"ANTHROPIC_API_KEY": "sk-ant-made-up"}
NO_KEYS = {"KEEPSTREAM_API_KEYS_FILE": ""}
SETTINGS = "^(ANTHROPIC|REDIS|STREAMS|KEEPSTREAM_(JWT|TICKET))"
SHOWN = f'env | grep -E "{SETTINGS}" | sort; cat "${{ANTHROPIC_API_KEY_FILE:-/dev/null}}"'


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def containers(tmp_path: Path, port: int) -> Containers:
    """Without the last look, which takes as long as a front's start; tests of it ask for `judging`."""
    return Containers(tmp_path, at(port) | {"        judge()\n": ""})


@pytest.fixture
def judging(tmp_path: Path, port: int) -> Containers:
    return Containers(tmp_path, at(port))


def at(port: int) -> dict[str, str]:
    """Where the simulated Claude would be."""
    return {'("simulate", 8100)': f'("127.0.0.1", {port})'}


@pytest.fixture
def simulated(port: int) -> Iterator[str]:
    with keepstream("simulate", "--port", str(port)) as running:
        running.line("simulated Claude")
        yield f"http://127.0.0.1:{port}"


def set_up(containers: Containers, dotenv: Mapping[str, str]) -> tuple[int, str]:
    return containers.run(services(dotenv)["setup"])


def begun(containers: Containers, dotenv: Mapping[str, str]) -> str:
    """What a worker's process finds in its environment, and the key in the file that is named there."""
    worker = services(dotenv)["worker"]
    [start, _] = worker.declared["entrypoint"]
    shown = replace(worker, declared={**worker.declared, "entrypoint": [start]})
    status, said = containers.run(shown, "sh", "-c", SHOWN)
    assert status == 0, said
    return said


def test_without_any_claude_it_says_what_to_do_and_nothing_starts(containers: Containers) -> None:
    status, said = set_up(containers, {})
    assert status == 2
    assert "ANTHROPIC_API_KEY" in said
    assert "--profile simulate" in said


def test_the_key_reaches_processes_as_a_file_of_theirs_alone(containers: Containers) -> None:
    assert set_up(containers, KEY)[0] == 0
    [written] = (containers.state / "upstream").iterdir()
    assert (written.stat().st_mode & 0o777, written.parent.stat().st_mode & 0o777) == (0o400, 0o700)
    said = begun(containers, KEY)
    assert f"ANTHROPIC_API_KEY_FILE={written}" in said
    assert "ANTHROPIC_API_KEY=" not in said
    assert said.endswith("sk-ant-made-up")


def test_a_key_that_is_taken_out_of_the_file_is_gone(containers: Containers) -> None:
    assert set_up(containers, KEY)[0] == 0
    assert set_up(containers, {})[0] == 2
    assert list((containers.state / "upstream").iterdir()) == []


def test_secrets_may_be_files_and_stand_in_no_environment(containers: Containers) -> None:
    for name in ("anthropic_api_key", "redis_url", "streams_redis_url", "keepstream_ticket_secret"):
        (containers.secrets / name).write_text(f"{name} of a file")
    (containers.secrets / "keepstream_jwt_secret").symlink_to("/dev/null")  # as where nobody names one
    assert set_up(containers, {})[0] == 0
    said = begun(containers, {}).splitlines()
    where = containers.secrets
    assert said == [
        f"ANTHROPIC_API_KEY_FILE={where}/anthropic_api_key",
        f"KEEPSTREAM_TICKET_SECRET_FILE={where}/keepstream_ticket_secret",
        f"REDIS_URL_FILE={where}/redis_url",
        f"STREAMS_REDIS_URL_FILE={where}/streams_redis_url",
        "anthropic_api_key of a file",
    ]


def test_who_asks_for_the_simulated_claude_pays_nothing_whatever_key_there_is(
    containers: Containers, simulated: str
) -> None:
    for dotenv in ({}, KEY):
        assert set_up(containers, dotenv)[0] == 0
        said = begun(containers, dotenv)
        assert f"ANTHROPIC_BASE_URL={simulated}\n" in said
        assert "ANTHROPIC_API_KEY=simulated\n" in said
        assert "made-up" not in said


def test_once_the_simulated_one_is_gone_the_real_one_is_asked(containers: Containers, port: int) -> None:
    (containers.state / "upstream").mkdir()
    (containers.state / "upstream" / "simulated").write_text(f"http://127.0.0.1:{port}\n")
    assert set_up(containers, KEY)[0] == 0
    assert "ANTHROPIC_BASE_URL" not in begun(containers, KEY)


def test_somebody_else_of_its_name_is_not_taken_for_it(containers: Containers, port: int, tmp_path: Path) -> None:
    server = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port), "--directory", str(tmp_path)]
    with Running(server) as running:
        running.line("Serving HTTP")
        assert set_up(containers, {})[0] == 2


def test_another_upstream_may_need_no_key(containers: Containers) -> None:
    there = {"ANTHROPIC_BASE_URL": "http://gateway.example"}
    assert set_up(containers, there)[0] == 0
    assert "ANTHROPIC_BASE_URL=http://gateway.example" in begun(containers, there)


def test_fronts_start_with_keys_that_let_nobody_in_and_later_ones_stay(containers: Containers) -> None:
    keys = containers.state / "keys"
    assert set_up(containers, KEY)[0] == 0
    [line] = keys.read_text().splitlines()
    assert line.startswith("nobody ")
    assert keys.stat().st_mode & 0o777 == 0o600
    making = services({}, ["keys"])["keys"]
    status, made = containers.run(making, "add", "alice")
    assert status == 0, made
    assert set_up(containers, KEY)[0] == 0
    assert [one.split()[0] for one in keys.read_text().splitlines()] == ["nobody", "alice"]


def test_there_is_no_file_of_keys_where_none_is_asked_for(containers: Containers) -> None:
    assert set_up(containers, KEY | NO_KEYS | {"KEEPSTREAM_AUTH": "none"})[0] == 0
    assert not (containers.state / "keys").exists()


def test_a_drain_that_would_be_cut_off_is_told(containers: Containers) -> None:
    status, said = set_up(containers, KEY | {"KEEPSTREAM_DRAIN_SECONDS": "60"})
    assert status == 2
    assert "KEEPSTREAM_DRAIN_SECONDS is 60" in said
    assert "stop_grace_period" in said


@pytest.mark.parametrize(
    ("dotenv", "words"),
    some_of(
        [
            pytest.param({"KEEPSTREAM_AUTH": "none"}, "not both", id="both"),
            pytest.param({"KEEPSTREAM_QUEUE_LIMIT": "many"}, "QUEUE_LIMIT must be a whole number", id="value"),
            pytest.param({"KEEPSTREAM_LIMITS_FILE": "limits.toml"}, "KEEPSTREAM_LIMITS_FILE", id="file"),
            pytest.param(NO_KEYS, "KEEPSTREAM_AUTH=none", id="open"),
        ]
    ),
)
def test_what_no_front_could_start_with_is_told_once(
    judging: Containers, dotenv: Mapping[str, str], words: str
) -> None:
    status, said = set_up(judging, KEY | dotenv)
    assert status == 2
    assert words in said
    assert "made-up" not in said
