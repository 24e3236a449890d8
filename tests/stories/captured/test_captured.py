"""A stream becomes a file, and the file a test: captured, played again byte for byte, cut, and made unreadable."""

from __future__ import annotations

import subprocess
from pathlib import Path

import httpx
import pytest
from keepstream import End, Reset
from keepstream.testing import Keepstream

from app.terminal.capturing.upstream_events import frames, name_of
from tests.harness.running import KEEPSTREAM, clean_environment

WORDS = "Żółw says: one, two, three."
PROMPT = f'[[sim: text="{WORDS}" thinking citations rate=0 first=0]]'
ASK = {"model": "claude-x", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "x"}]}


def said_in(relay: Keepstream, prompt: str) -> tuple[str, list[object]]:
    """A stream that has ended, and its events."""
    with relay.client() as client:
        stream = client.submit(prompt)["id"]
        return stream, list(client.events(stream))


def capture(relay: Keepstream, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [*KEEPSTREAM, "capture", "--url", relay.url, *arguments]
    return subprocess.run(command, env=clean_environment(), capture_output=True, timeout=60, check=False)


def as_far_as_it_comes(cut: httpx.Response) -> bytes:
    received = []
    with pytest.raises(httpx.HTTPError):
        received += cut.iter_raw()
    return b"".join(received)


@pytest.fixture(scope="session")
def captured(keepstream: Keepstream, tmp_path_factory: pytest.TempPathFactory) -> Path:
    stream, _ = said_in(keepstream, PROMPT)
    done = capture(keepstream, stream)
    assert (done.returncode, done.stderr) == (0, b"")
    file = tmp_path_factory.mktemp("captured") / "answer.sse"
    file.write_bytes(done.stdout)
    return file


def test_what_was_captured_is_played_again_byte_for_byte_and_captured_again(
    keepstream: Keepstream, captured: Path
) -> None:
    file = captured.read_bytes()
    names = [name_of(frame) for frame in frames(file)]
    assert (names[0], names[-1]) == (b"message_start", b"message_stop")
    assert b"relay." not in file
    assert b"\nid:" not in file
    with keepstream.replaying(captured, cut="40%", times=1) as again:
        headers = {"x-api-key": "any", "anthropic-version": "2023-06-01"}
        with httpx.stream("POST", f"{again.claude}/v1/messages", json=ASK, headers=headers) as cut:
            assert as_far_as_it_comes(cut) == file[: int(len(file) * 0.4)]
        whole = httpx.post(f"{again.claude}/v1/messages", json=ASK, headers=headers)
        assert whole.content == file
        stream, _ = said_in(again, "anything")
        assert capture(again, stream).stdout == file


def test_a_cut_that_happened_once_is_a_test_for_ever(keepstream: Keepstream, captured: Path) -> None:
    with keepstream.replaying(captured, cut="80%", times=1) as relay:
        stream, events = said_in(relay, "anything")
        assert [event.reason for event in events if isinstance(event, Reset)] == ["connection_error"]
        (end,) = (event for event in events if isinstance(event, End))
        assert (end.outcome, end.attempts) == ("completed", 2)
        # The attempt that broke is forgotten.
        assert capture(relay, stream).stdout == captured.read_bytes()


def test_nobody_can_read_what_was_redacted_and_all_is_as_long_as_it_was(keepstream: Keepstream, captured: Path) -> None:
    stream, _ = said_in(keepstream, PROMPT)
    redacted = capture(keepstream, stream, "--redact").stdout
    plain = captured.read_bytes()
    assert list(map(len, frames(redacted))) == list(map(len, frames(plain)))
    assert list(map(name_of, frames(redacted))) == list(map(name_of, frames(plain)))
    assert not [word for word in ("Żółw", "says", "three") if word.encode() in redacted]
    (file := captured.with_name("redacted.sse")).write_bytes(redacted)
    with keepstream.replaying(file) as relay:
        assert said_in(relay, "anything")[1][-1].outcome == "completed"  # type: ignore[attr-defined]


def test_times_are_a_comment_on_top(keepstream: Keepstream) -> None:
    stream, _ = said_in(keepstream, "[[sim: tokens=20 rate=40 first=0.2]]")
    first_line = capture(keepstream, stream, "--times").stdout.partition(b"\n")[0]
    first, total = (int(part.partition(b"=")[2]) for part in first_line.removeprefix(b": ").split())
    assert 200 <= first < total


@pytest.mark.parametrize(("stream", "says"), [("st_" + "0" * 32, b"not found"), ("nothing", b"not found")])
def test_what_is_not_there_is_said(keepstream: Keepstream, stream: str, says: bytes) -> None:
    done = capture(keepstream, stream)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"keepstream: " in done.stderr
    assert says in done.stderr.lower() or b"no such" in done.stderr.lower() or b"no stream" in done.stderr.lower()
