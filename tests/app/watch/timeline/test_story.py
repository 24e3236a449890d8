"""A timeline as JSON: what was kept, what the meta says, and the line that says why."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.stream import scripts
from app.stream.timeline.kept import kept_of
from app.watch.timeline.story import FIRST, GIVEN, PUT_BY, story

STREAM = "st_" + "0" * 32


def lines(*told: tuple[int, str, dict[str, Any]], left_out: int = 0) -> bytes:
    body = [
        b"%d p.%d %b %b" % (at, n, event.encode(), orjson.dumps(fields)) for n, (at, event, fields) in enumerate(told)
    ]
    return b"\n".join([b"%d" % left_out, *body, b""])


def of(
    timeline: bytes = b"", *, place: int | None = None, put_by: bool = False, state: str = "ended", **meta: Any
) -> dict[str, Any]:
    written = {name: value if isinstance(value, bytes) else str(value).encode() for name, value in meta.items()}
    facts = {"state": state.encode(), "created_at": b"1000", "model": b"claude", **written}
    return story(STREAM, kept_of(facts | {"timeline": timeline}), place, put_by=put_by)


def ended(outcome: str, **meta: Any) -> dict[str, Any]:
    return {"outcome": outcome, "ended_at": 5000, "attempts": 1, **meta}


def failed_call(attempt: int, status: int, reason: str, request_id: str) -> dict[str, Any]:
    return {"attempt": attempt, "status": status, "reason": reason, "upstream_request_id": request_id, "seconds": 0.1}


def test_a_stream_of_which_nothing_was_kept_has_what_its_meta_says() -> None:
    told = of(
        **ended("completed", usage=b'{"output_tokens":9,"input_tokens":2}', cost_usd=b"0.5", stop_reason="end_turn")
    )
    assert told == {
        "id": STREAM,
        "state": "ended",
        "why": "completed: the answer is whole",
        "data": [
            {
                "model": "claude",
                "at": "1970-01-01T00:00:01.000Z",
                "event": "stream.submitted",
                "text": "submitted",
            },
            {
                "outcome": "completed",
                "attempts": 1,
                "stop_reason": "end_turn",
                "input_tokens": 2,
                "output_tokens": 9,
                "cost_usd": 0.5,
                "at": "1970-01-01T00:00:05.000Z",
                "event": "stream.ended",
                "text": "completed after 4.0 s (end_turn): 1 call, 9 tokens of output, $0.5000",
            },
        ],
        "left_out": 0,
    }


def test_readers_stand_where_they_came_and_went() -> None:
    told = of(
        lines((2000, "call.started", {"attempt": 1}), (4000, "call.ended", {"attempt": 1})),
        readers=b"3000 6000 came=2 ended=1\n",
        **ended("completed"),
    )
    assert [one["event"] for one in told["data"]] == [
        *("stream.submitted", "call.started", "reader.joined", "call.ended", "stream.ended", "reader.left")
    ]


def test_a_hold_says_until_when() -> None:
    [_, entry] = of(lines((2000, "stream.held", {"seconds": 61.5, "parked": False})))["data"]
    assert entry["until"] == "1970-01-01T00:01:03.500Z"
    assert entry["text"].endswith("let no call be made, until 00:01:03")


def test_what_another_stream_was_given_is_no_call() -> None:
    content = {"attempt": 1, "since_call_seconds": 0.1}
    [_, given] = of(lines((2000, "stream.first_content", content)))["data"]
    assert (given["text"], "since_call_seconds" in given) == (GIVEN, False)
    asked = of(lines((2000, "call.started", {"attempt": 1}), (2100, "stream.first_content", content)))["data"]
    assert asked[-1]["text"] == "first content, 0.1 s after call 1 began"


def test_a_gap_is_told_where_it_is() -> None:
    told = of(lines(*((2000 + n, "call.started", {"attempt": n}) for n in range(FIRST + 3)), left_out=7))
    gap = told["data"][FIRST + 1]
    assert (gap["event"], gap["entries"], told["left_out"]) == ("timeline.left_out", 7, 7)
    assert gap["text"] == "7 entries left out here"
    text = (Path(scripts.__file__).parent / "log/story.lua").read_text()
    most, first, crowds = int(re.findall(r"= (\d+),", text)[0]), int(re.findall(r", (\d+)\n", text)[0]), 20
    assert first == FIRST
    assert most + 2 * crowds + len(("submitted", "gap", "ended")) == 200


def test_no_field_of_an_entry_hides_when_it_was() -> None:
    [_, entry] = of(lines((2000, "x", {"at": "never", "event": "y"})))["data"]
    assert (entry["at"], entry["event"]) == ("1970-01-01T00:00:02.000Z", "x")


UPSTREAM = {"failure": b'{"status":529,"type":"overloaded_error","message":"SECRET","request_id":"req_m"}'}
THREE = lines(*((2000 + n, "call.ended", failed_call(n, 529, "overloaded_error", f"req_{n}")) for n in (1, 2, 3)))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (
            of(THREE, **ended("failed"), **UPSTREAM),
            "failed: the Claude API answered 529 three times (overloaded_error), last request id req_3",
        ),
        (of(**ended("failed"), **UPSTREAM), "failed: the Claude API answered 529 (overloaded_error), request id req_m"),
        (
            of(lines((2, "call.ended", failed_call(1, 504, "stalled", ""))), **ended("failed"), **UPSTREAM),
            "failed: the Claude API fell silent in the middle of its answer (stalled)",
        ),
        (
            of(**ended("failed", error=b'{"type":"api_error","message":"gave up after 3 attempts: it was lost"}')),
            "failed: gave up after 3 attempts: it was lost",
        ),
        (of(**ended("failed")), "failed: nothing is known of why"),
        (
            of(lines((2, "stream.cancel_asked", {"by": "client"})), **ended("cancelled")),
            "cancelled: a client asked to cancel it",
        ),
        (of(**ended("truncated", stop_reason="max_tokens")), "truncated: the answer was cut at its limit (max_tokens)"),
        (of(state="queued", place=3), "it waits in the line, at place 3"),
        (of(state="queued", place=3, put_by=True), PUT_BY),
        (of(state="a word of later", attempt=b"1"), "it runs: nothing has come from call 1 yet"),
        (of(state="waiting", attempt=1), "it waits until a person has said whether a tool may be called"),
        (of(state="running"), "it runs: no call has been made yet"),
        (of(state="running", attempt=1), "it runs: nothing has come from call 1 yet"),
        (of(state="running", attempt=1, content=1), "it runs: call 1 is being answered"),
        (
            of(lines((2, "stream.held", {"seconds": 9.0, "parked": True})), state="running"),
            "it runs; held in the line for 9.0 s: the limits of the Claude API let no call be made",
        ),
    ],
)
def test_the_last_line_says_why(told: dict[str, Any], why: str) -> None:
    assert told["why"] == why


@pytest.mark.parametrize("value", [b"", b"{", b"[1]", b"7", b"\xff", b'{"type":7,"output_tokens":"x"}'])
def test_a_meta_that_cannot_be_read_is_told_as_far_as_it_can(value: bytes) -> None:
    names = ("usage", "error", "failure", "cost_usd", "attempts", "ended_at", "stop_reason", "created_at", "waiting")
    told = of(value, readers=value, **(ended("failed") | dict.fromkeys(names, value)))
    assert told["data"][0]["event"] == "stream.submitted"


def test_of_the_upstreams_words_none_are_told() -> None:
    error = b'{"type":"not a \\u0000 name","message":"SECRET"}'
    told = of(THREE, **ended("failed", error=error, stop_reason="it's over"), **UPSTREAM)
    assert "SECRET" not in str(told)
    assert told["data"][-1]["error_type"] == told["data"][-1]["stop_reason"] == "other"
