"""How a front starts, and when it does not."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import httpx
import orjson
import pytest
from redis.asyncio import Redis

from app import main
from app.dev.embedded import EmbeddedValkey
from app.fanout import beat
from app.http.connection.server import listen
from app.http.health import Readiness, Work
from app.intake import sweep
from app.settings import Settings
from app.stream import channel
from app.stream.concurrency.tasks import Rounds, Supervised
from app.stream.redis import servers
from app.watch.wiring import watching
from tests.harness.running import Running, keepstream

ANYWHERE = "0.0.0.0"  # noqa: S104  # what is to be refused
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture
def keys_file(tmp_path: Path) -> str:
    file = tmp_path / "keys"
    file.write_text(f"alice {hashlib.sha256(b'secret').hexdigest()}\n")
    return str(file)


def refused(*arguments: str, **settings: str) -> str:
    with keepstream("front", "--port", "0", *arguments, warm=True, **settings) as front:
        assert front.wait() == 2, front.output
        return front.output


def test_a_front_that_asks_nobody_listens_on_this_machine_alone() -> None:
    said = refused("--host", ANYWHERE)
    for way in ("KEEPSTREAM_API_KEYS_FILE", "127.0.0.1", "KEEPSTREAM_AUTH=none"):
        assert way in said
    assert "KEEPSTREAM_AUTH" in refused(KEEPSTREAM_HOST="::")


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"KEEPSTREAM_API_KEYS_FILE": "nowhere"}, "cannot read nowhere: No such file or directory"),
        ({"KEEPSTREAM_API_KEYS_FILE": "."}, "cannot read .: Is a directory"),
        ({"KEEPSTREAM_API_KEYS_FILE": "empty"}, "empty names no key"),
        ({"KEEPSTREAM_API_KEYS_FILE": "odd"}, "line 1 must be an owner"),
        ({"KEEPSTREAM_API_KEYS_FILE": "open"}, "everybody here may write open"),
        ({"KEEPSTREAM_JWT_SECRET": "short"}, "32 bytes or more"),
        ({"KEEPSTREAM_TICKET_SECRET": "x" * 15}, "16 bytes or more"),
        ({"KEEPSTREAM_JWT_SECRET_FILE": "nowhere"}, "cannot read nowhere"),
        ({"KEEPSTREAM_JWT_SECRET": "s" * 32, "KEEPSTREAM_JWT_ALGORITHMS": "none"}, "'none' is none of"),
        ({"KEEPSTREAM_JWT_SECRET": "s" * 32, "KEEPSTREAM_AUTH": "none"}, "not both"),
        ({"KEEPSTREAM_JWT_JWKS": "odd"}, "must hold a JWK Set"),
        ({"KEEPSTREAM_JWT_JWKS": "http://idp.example/keys"}, "must be a file, or an https:// address"),
        ({"KEEPSTREAM_JWT_ISSUER": "https://idp.example"}, "KEEPSTREAM_JWT_ISSUER says nothing without"),
    ],
)
def test_a_front_that_could_not_know_who_comes_says_why_and_does_not_start(
    settings: dict[str, str],
    why: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("empty", "# nobody\n"), ("odd", "alice"), ("open", f"alice {'0' * 64}")):
        Path(name).write_text(text)
    Path("open").chmod(0o646)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert main.main(["--port", "0"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("keepstream: ")
    assert why in said
    assert said.count("\n") == 1


def test_a_front_whose_prices_make_no_sense_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "prices.toml"
    file.write_text("[model.a]\ninput = 3\n")
    monkeypatch.setenv("KEEPSTREAM_PRICES_FILE", str(file))
    assert main.main(["--port", "0"]) == 2
    assert capsys.readouterr().err == "keepstream: KEEPSTREAM_PRICES_FILE: [model.\"a\"] lacks 'output'\n"


def test_unless_it_is_told_so_or_asks(valkey: EmbeddedValkey, keys_file: str) -> None:
    for settings in ({"KEEPSTREAM_AUTH": "none"}, {"KEEPSTREAM_API_KEYS_FILE": keys_file}):
        with keepstream("front", "--host", ANYWHERE, "--port", "0", REDIS_URL=valkey.url, **settings) as front:
            front.line(r"keepstream front on")


def test_by_whichever_word_a_front_listens_here_it_answers_to_no_foreign_name(valkey: EmbeddedValkey) -> None:
    """A name that is pointed at this machine makes a stranger's page our own."""
    with keepstream("front", "--host", "127.1", "--port", "0", REDIS_URL=valkey.url) as front:
        url = front.line(r"keepstream front on (\S+)")[1]
        statuses = {
            host: httpx.get(f"{url}/v1/streams/st_0", headers={"host": host}).status_code
            for host in ("evil.example", "localhost", "127.1")
        }
        assert statuses == {"evil.example": 403, "localhost": 404, "127.1": 404}


def test_one_cannot_ask_and_not_ask(keys_file: str) -> None:
    assert "not both" in refused(KEEPSTREAM_AUTH="none", KEEPSTREAM_API_KEYS_FILE=keys_file)
    assert "KEEPSTREAM_AUTH" in refused(KEEPSTREAM_AUTH="no")
    assert "KEEPSTREAM_CORS_ORIGINS" in refused(KEEPSTREAM_CORS_ORIGINS="https://a.example/")


def event(process: Running, pattern: str) -> dict[str, Any]:
    """The first line of its log with the pattern."""
    return orjson.loads(process.line(pattern).string)  # type: ignore[no-any-return]  # an object, or the test fails


def test_lines_say_when_and_whose_request_it_was(valkey: EmbeddedValkey) -> None:
    settings = {"REDIS_URL": valkey.url, "KEEPSTREAM_MODLE": "x", "KEEPSTREAM_PORT": "tcp://10.0.0.1:80"}
    settings |= {"KEEPSTREAM_LOG_LEVEL": "debug", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
    with keepstream("front", "--port", "0", warm=True, KEEPSTREAM_METRICS_PORT="0", **settings) as front:
        url = front.line(r"keepstream front on (\S+)")[1]
        assert "keepstream_readers 0.0" in httpx.get(front.line(r"^metrics on (\S+)$")[1]).text
        assert httpx.get(f"{url}/metrics").status_code == 404
        assert event(front, "KEEPSTREAM_MODLE")["event"] == "setting.ignored"
        answer = httpx.get(f"{url}/v1/models?secret=x", headers={"x-request-id": "theirs-1"})
        line = event(front, "request.failed")
        assert re.fullmatch(STAMP, line["ts"])
        assert (line["level"], line["process"].split("-")[-2]) == ("error", str(front.pid))
        assert (line["route"], line["status"], line["error_type"]) == ("/v1/models", 502, "api_error")
        assert (line["request_id"], line["client_request_id"]) == (answer.headers["request-id"], "theirs-1")
        beneath = event(front, "upstream.unreachable")  # which the client is not told
        assert (beneath["host"], beneath["error"]) == ("127.0.0.1", "ConnectionRefusedError")
        httpx.get(f"{url}/healthz", headers={"x-request-id": "no\tgood" + "x" * 200})
    assert "secret" not in front.output
    assert "no\tgood" not in front.output
    assert "KEEPSTREAM_PORT" not in front.output


async def test_each_task_that_a_front_lives_by_is_judged_by_its_readiness(
    valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    judged: list[str] = []

    class Beginning(Supervised):
        def start(self) -> Self:
            begun.append(self.name)
            return super().start()

    class BeginningRounds(Rounds):
        def start(self) -> Self:
            begun.append(self.name)
            return super().start()

    def readiness(redis: Redis, work: Iterable[Work], **_: object) -> Readiness:
        judged.extend(one.name for one in work)
        return Readiness(redis, ())

    for room in (main, servers, channel):
        monkeypatch.setattr(room, "Supervised", Beginning)
    for room in (beat, sweep):
        monkeypatch.setattr(room, "Rounds", BeginningRounds)
    monkeypatch.setattr(main, "Readiness", readiness)
    monkeypatch.setattr(main, "_collect_rarely", lambda: None)
    monkeypatch.setattr(main, "let_end", lambda: None)
    (stop := asyncio.Event()).set()
    monkeypatch.setattr(main, "stop_on_signals", lambda: stop)
    settings = Settings(redis_url=valkey.url)
    with listen("127.0.0.1", 0) as listener, watching(settings, "front", "front-of-a-test") as watch:
        await main.serve(settings, main.Files.of(settings), listener, watch)
    assert len(begun) > len({"beat", "sweep"})
    # What watches the channel's connection lives as long as that, and is the channel's to judge.
    assert sorted(judged) == sorted(set(begun) - {"channel-watch"})
