"""The command: what it is given, what it says, and what it never says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

from app.terminal.exits import Exit
from app.terminal.probe import canary
from app.terminal.probe.canary import NotAskedError
from app.terminal.probe.judging import refusal
from app.terminal.probe.probe import _parts, main
from app.terminal.probe.promises import Breach, Promise, Verdict
from app.terminal.probe.reading.connecting import EVENTS, Reading
from app.terminal.probe.seen.arrivals import Arrivals
from app.terminal.probe.targets import bare, is_events_url, sendable
from app.terminal.probe.telling import as_json, code_of, lines
from tests.harness.network.broken_sse import BrokenServer, Fault, serving

KEY = "sk-a-very-secret-key"


def verdict(*breaches: Breach, **unshown: str) -> Verdict:
    return Verdict(
        "http://here", "keepstream", 7, {"events": 1200}, breaches, {Promise(k): v for k, v in unshown.items()}
    )


class TestTelling:
    def test_it_says_what_is_kept_broken_and_unknown(self) -> None:
        told = [*lines(verdict(Breach(Promise.GAP, "one is left out"), buffering="too busy"), [])]
        assert told[0] == "http://here (keepstream, seed 7): 1,200 events"
        assert "  BROKEN   gap        one is left out" in told
        assert "  ?        buffering  too busy" in told
        assert told[-1] == "broken: gap"
        assert len(told) == len(Promise) + 2

    @pytest.mark.parametrize(
        ("said", "code", "word"),
        [
            (verdict(), Exit.COMPLETED, "kept"),
            (verdict(buffering="x"), Exit.COMPLETED, "kept"),
            (verdict(gap="x"), Exit.TRUNCATED, "not_shown"),
            (verdict(Breach(Promise.IDS, "x"), gap="x"), Exit.FAILED, "broken"),
        ],
    )
    def test_the_code_is_the_verdict(self, said: Verdict, code: Exit, word: str) -> None:
        assert code_of(said) is code
        assert json.loads(as_json(said, []))["verdict"] == word

    def test_of_many_the_first_are_told(self) -> None:
        many = verdict(*(Breach(Promise.GAP, f"{number} is missing") for number in range(9)))
        assert sum("missing" in line for line in lines(many, [])) == 3
        assert json.loads(as_json(many, []))["promises"]["gap"]["count"] == 9

    def test_nothing_steers_a_terminal_and_no_secret_is_shown(self) -> None:
        bad = verdict(Breach(Promise.SPLICED, f"\x1b[2J{KEY}\nkept: all of them"))
        for told in ("\n".join(lines(bad, [KEY])), as_json(bad, [KEY])):
            assert KEY not in told
            assert "\x1b" not in told
        assert len([*lines(bad, [KEY])]) == len(Promise) + 2

    def test_a_secret_is_known_by_its_parts_and_in_other_letters_and_what_we_say_stays(self) -> None:
        secrets = _parts(['Bearer Sk-"Quoted"', "client=keepstream; dialect=verdict"])
        bad = verdict(Breach(Promise.GAP, 'behind sk-"quoted" came SK-"QUOTED"'))
        said = json.loads(as_json(bad, secrets))
        assert said["promises"]["gap"]["breaches"] == ["behind … came …"]
        assert (said["verdict"], said["dialect"]) == ("broken", "keepstream")
        assert "quoted" not in "".join(lines(bad, secrets)).lower()

    def test_a_server_s_words_for_what_it_sends_are_not_repeated_where_they_are_none(self) -> None:
        for kind, coding in ((KEY, "identity"), (EVENTS, f"{KEY}-7\x1b")):
            assert KEY not in refusal(Reading(Arrivals(0), status=200, kind=kind, coding=coding))
        assert "text/html in" in refusal(Reading(Arrivals(0), status=200, kind="text/html"))


class TestAddresses:
    def test_an_address_is_shown_without_what_opens_it(self) -> None:
        assert (
            bare("https://me:secret@here:1/v1/streams/x/events?ticket=secret#x") == "https://here:1/v1/streams/x/events"
        )

    def test_a_stream_is_told_from_a_server(self) -> None:
        assert is_events_url(f"http://here/base/v1/streams/st_{32 * 'a'}/events?ticket=x")
        assert not is_events_url("http://here/v1/streams/st_1/events")

    @pytest.mark.parametrize(
        ("event_id", "can"), [("7", True), ("a b", True), ("ü", True), (" a", False), ("a\x01", False)]
    )
    def test_what_a_header_cannot_carry_is_no_id(self, event_id: str, *, can: bool) -> None:
        assert sendable(event_id) is can


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cuts", "0"], "--cuts"),
        (["--seconds", "0"], "--seconds"),
        (["--dialect", "eventsource"], "which address"),
        (["--dialect", "eventsource", "--prompt", "x", "http://here"], "--prompt"),
        (["--end", "x"], "--end: is for --dialect eventsource"),
        (["--resume", "http://here"], "--resume: is for --dialect ai-sdk"),
        (["--header", "no colon"], "--header"),
        (["--header", "@/nowhere/at/all"], "--header"),
        (["ftp://here"], "http"),
        (["http://[here"], "http"),
        (["http://here:1\x7f"], "http"),
        (["--dialect", "ai-sdk", "--resume", "/api/{id}", "http://here"], "--resume: must be"),
        (["--dialect", "ai-sdk", "--resume", "http://[{id}", "http://here"], "--resume: must be"),
        (["--dialect", "smtp"], "--dialect"),
    ],
)
def test_what_makes_no_sense_is_exit_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    assert said in capsys.readouterr().err


def test_another_s_server_is_given_what_was_said_and_not_the_environment_s_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("KEEPSTREAM_KEY", "ours-alone")
    (tmp_path / "headers").write_text("X-One: 1\n\ncookie: session\n")
    arguments = ["--dialect", "eventsource", "--end", "over", "--cuts", "3", "--seed", "7", "--json", "--key", KEY]
    with serving(BrokenServer("eventsource")) as server:
        code = main([*arguments, "--header", f"@{tmp_path / 'headers'}", f"{server.url}?token={KEY}2"])
    told = capsys.readouterr()
    said = json.loads(told.out)
    assert (code, said["verdict"], said["seed"], said["url"]) == (0, "kept", 7, server.url)
    assert KEY not in told.out + told.err
    for head in server.asked:
        assert "ours-alone" not in head
        assert f"authorization: Bearer {KEY}\r\n" in head
        assert "x-one: 1\r\n" in head
        assert "accept-encoding: identity\r\n" in head


@pytest.mark.parametrize(
    ("fault", "arguments", "code"),
    [(Fault.DROPS, [], 1), (Fault.STOPS, ["--no-timing"], 1), (Fault.PACKS, [], 1)],
)
def test_what_is_broken_is_exit_code_1(
    fault: Fault, arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(BrokenServer("keepstream", fault)) as server:
        assert main([*arguments, "--cuts", "8", "--seed", "7", server.url]) == code
    told = capsys.readouterr()
    assert re.search("broken: .*gap", told.out) or "packed as gzip" in told.err


def of_front(status: int = 200, **headers: str) -> httpx.AsyncClient:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/models":
            said = httpx.ByteStream(b'{"error":{"type":"authentication_error"}}')
            return httpx.Response(status, headers=headers, stream=said)
        assert request.headers["idempotency-key"]
        return httpx.Response(202, stream=httpx.ByteStream(b'{"id":"st_%b"}' % (32 * b"a")))

    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


class TestCanary:
    async def test_a_claude_is_simulated_where_it_says_so(self) -> None:
        async with of_front(**{"x-keepstream-simulated": "1"}) as http:
            assert await canary.is_simulated(http, "http://here")
        async with of_front() as http:
            assert not await canary.is_simulated(http, "http://here")

    async def test_who_refuses_us_is_told_so(self) -> None:
        async with of_front(401) as http:
            with pytest.raises(NotAskedError, match=r"status 401 \(authentication_error\); set --key") as raised:
                await canary.is_simulated(http, "http://here")
        assert raised.value.code is Exit.FAILED

    async def test_a_stream_is_named_by_its_id_and_not_by_what_a_server_says(self) -> None:
        async with of_front() as http:
            assert await canary.submit(http, "http://here", "x") == "st_" + 32 * "a"

    def test_each_word_of_a_canary_is_another(self) -> None:
        words = canary.text_of(50).split()
        assert len(set(words)) == 50
        assert json.dumps(" ".join(words), ensure_ascii=False) in canary.prompt_of(" ".join(words))


def test_nobody_pays_who_did_not_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(BrokenServer("keepstream")) as server:  # which does not say that it is simulated
        assert main([server.url.partition("/v1/")[0]]) == 2
    assert "--prompt, which is paid" in capsys.readouterr().err
