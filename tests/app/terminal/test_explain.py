"""A stream's story on a terminal: times since its submit, and nothing that steers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.clients.python.keepstream import AsyncClient, KeepstreamError
from app.terminal.explain import lines, told_of

AT = "2026-11-27T18:49:48.000Z"
TOLD: dict[str, Any] = {
    "id": "st_1",
    "state": "ended",
    "why": "failed: the Claude API answered 529 three times (overloaded_error)",
    "left_out": 0,
    "data": [
        {"at": AT, "event": "stream.submitted", "text": "submitted"},
        {
            "at": "2026-11-27T18:49:48.418Z",
            "event": "call.ended",
            "reason": "x",
            "text": "call 1 failed:\n\x1b[2J gone",
        },
        {"at": "2026-11-27T18:51:03.400Z", "event": "stream.ended", "outcome": "failed", "text": "failed"},
    ],
}


def test_each_entry_is_a_line_with_the_time_since_the_submit() -> None:
    assert [text.plain for text in lines(TOLD)] == [
        f"st_1, ended, submitted {AT}",
        "  +0.000 s  submitted",
        "  +0.418 s  call 1 failed: \N{REPLACEMENT CHARACTER}[2J gone",
        " +1:15 min  failed",
        "\nfailed: the Claude API answered 529 three times (overloaded_error)",
    ]


def test_colour_is_for_what_went_wrong() -> None:
    texts = list(lines(TOLD))
    assert [[span.style for span in text.spans] for text in texts[1:4]] == [[], ["red"], ["red"]]
    assert texts[-1].style == "bold red"
    assert list(lines(TOLD | {"why": "completed: the answer is whole"}))[-1].style == "bold"


def test_a_stream_of_which_nothing_is_told_is_one_too() -> None:
    assert next(text.plain for text in lines(TOLD | {"data": []})) == "st_1, ended"


def client_of(**answers: int) -> AsyncClient:
    """Of a server that answers with these, by the first part of the path."""

    def answer(request: httpx.Request) -> httpx.Response:
        who = request.url.path.split("/")[1]
        error = {"type": "error", "error": {"type": "x", "message": f"by {who}"}}
        return httpx.Response(answers[who], json=error if answers[who] != httpx.codes.OK else {"id": who})

    return AsyncClient("http://here", http_client=httpx.AsyncClient(transport=httpx.MockTransport(answer)))


@pytest.mark.parametrize(
    ("v1", "ops", "told"),
    [
        (200, 401, "v1"),
        (404, 200, "ops"),  # another owner's, and an admin's key
        (401, 200, "ops"),  # no key, on the machine itself
        (404, 403, "by v1"),
        (401, 401, "by v1"),
        (404, 404, "by v1"),
        (410, 200, "by v1"),
    ],
)
async def test_an_operator_is_told_of_any_stream(v1: int, ops: int, told: str) -> None:
    async with client_of(v1=v1, ops=ops) as client:
        try:
            assert (await told_of(client, "st_1"))["id"] == told
        except KeepstreamError as error:
            assert told in str(error)  # noqa: PT017  # of those that are refused
