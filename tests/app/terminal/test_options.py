"""What the commands take, and what they refuse before anything is asked of a server."""

from __future__ import annotations

import argparse
import io
import os

import pytest

from app.clients.python.keepstream import UnreachableError
from app.clients.python.keepstream.errors import refused
from app.terminal import chat, commands
from app.terminal.exits import Exit
from app.terminal.options import DEFAULT_URL, Left, by_ticket, guarded, parse, parser_of, readable


class Stdin(io.TextIOWrapper):
    def __init__(self, given: bytes = b"") -> None:
        super().__init__(io.BytesIO(given))


@pytest.mark.parametrize(
    ("main", "arguments", "why"),
    [
        (chat.main, [], "there is nothing to say"),
        (commands.send, [], "there is nothing to send"),
        (commands.send, ["--body", "{"], "--body: what was sent is no JSON"),
        (commands.send, ["--body", "[1]"], "--body: a body is a JSON object"),
        (commands.watch, [], "the following arguments are required: id"),
        (commands.cancel, ["x", "--url", "ftp://x"], "--url: must be an http:// or https:// address"),
        (commands.cancel, ["x", "--url", "http://x:99999"], "--url: must be an http:// or https:// address"),
        (commands.cancel, ["x", "--url", "http://"], "--url: must be an http:// or https:// address"),
        (commands.cancel, ["x", "--key", "schlüssel"], "--key: a key is made of printable ASCII characters"),
    ],
)
def test_what_cannot_be_used_is_refused(
    main: object, arguments: list[str], why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Stdin())
    assert callable(main)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == Exit.USAGE
    told = capsys.readouterr()
    assert told.out == ""
    assert why in told.err


@pytest.mark.parametrize(
    ("arguments", "environment", "url", "key"),
    [
        ([], {}, DEFAULT_URL, None),
        ([], {"KEEPSTREAM_URL": " http://a:1/ ", "KEEPSTREAM_KEY": "k"}, "http://a:1", "k"),
        (["--url", "https://b", "--key", "l"], {"KEEPSTREAM_URL": "http://a", "KEEPSTREAM_KEY": "k"}, "https://b", "l"),
        ([], {"KEEPSTREAM_URL": "", "KEEPSTREAM_KEY": " "}, DEFAULT_URL, None),
    ],
)
def test_an_option_wins_over_the_environment(
    arguments: list[str], environment: dict[str, str], url: str, key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KEEPSTREAM_URL", "KEEPSTREAM_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    options = parse(parser_of("chat", ""), arguments)
    assert (options.url, options.key) == (url, key)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (refused(404, "not_found_error", "there is no such stream"), 1, "there is no such stream"),
        (
            refused(401, "authentication_error", "send a valid key"),
            1,
            "send a valid key; or set --key or KEEPSTREAM_KEY",
        ),
        (refused(429, "rate_limit_error", "too many", retry_after=5.0), 1, "too many (in 5 s)"),
        (refused(502, "api_error", "a proxy's \x1b[2J"), 1, "a proxy's \N{REPLACEMENT CHARACTER}[2J"),
        (UnreachableError("refused"), 6, "http://x cannot be reached (refused)"),
        (UnreachableError("ReadTimeout"), 6, "http://x cannot be reached (ReadTimeout)"),
        (Left(), 130, ""),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_stands_in_the_way_is_one_line_and_a_code(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> int:
        raise error

    assert guarded(work, "http://x") == code
    assert capsys.readouterr().err == (f"keepstream: {said}\n" if said else "")


def test_bytes_that_are_no_text_are_marked_and_those_that_are_are_read_whatever_the_locale() -> None:
    parser = parser_of("chat", "")
    parser.add_argument("--system")
    assert parse(parser, ["--system", os.fsdecode(b"a\xff\xc5\xbc")]).system == "a\N{REPLACEMENT CHARACTER}ż"
    assert readable("\udcc5\udcbc") == "ż"


@pytest.mark.parametrize("main", [chat.main, commands.send, commands.watch, commands.cancel])
def test_help_tells_every_exit_code(main: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(main)
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    for code in Exit:
        assert f"  {int(code)} " in told


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("st_1", ("st_1", None, "http://here")),
        ("/v1/streams/st_1/events?ticket=AbC_-", ("st_1", "AbC_-", "http://here")),
        ("https://there:8443/relay/v1/streams/st_1/events?ticket=AbC", ("st_1", "AbC", "https://there:8443/relay")),
        ("/v1/streams/st_1/events", ("/v1/streams/st_1/events", None, "http://here")),
        ("/v1/streams/st_1/message?ticket=AbC", ("/v1/streams/st_1/message?ticket=AbC", None, "http://here")),
    ],
)
def test_an_events_url_with_a_ticket_is_a_stream_that_needs_no_key(
    named: str, found: tuple[str, str | None, str]
) -> None:
    options = argparse.Namespace(id=named, url="http://here", key="a-key")
    by_ticket(options)
    assert (options.id, options.ticket, options.url) == found
