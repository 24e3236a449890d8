"""What is too long for the model is said before it is sent, as far as that can be known."""

from __future__ import annotations

import asyncio

import pytest

from app.faces.conversations import context as module
from app.faces.conversations.context import COUNTED_BYTES, Context, with_messages
from app.intake.raw_json import Fields, InvalidPromptError, fields_of
from tests.app.faces.conversations.counting import Told

REST = fields_of(b'{"model":"m","max_tokens":9}')
COMPACTED = fields_of(b'{"model":"m","max_tokens":9,"context_management":{"edits":[]}}')
LONG = b"[" + b" " * COUNTED_BYTES + b"]"
SHORT = b"[]"


async def test_what_the_model_cannot_take_is_refused_in_clear_words() -> None:
    with pytest.raises(InvalidPromptError, match=r"longer than the model's context: 1001 tokens, and m takes 1000"):
        await Context(Told(1001)).check("m", REST, LONG, {})


@pytest.mark.parametrize(
    ("tokens", "rest", "messages", "asked"),
    [
        (1000, REST, LONG, ["/v1/models/m", "/v1/messages/count_tokens"]),
        (None, REST, LONG, ["/v1/models/m"]),  # it cannot be reached
        (9999, REST, SHORT, []),
        (9999, COMPACTED, LONG, []),
    ],
)
async def test_what_fits_or_cannot_be_counted_or_is_compacted_is_sent(
    tokens: int | None, rest: Fields, messages: bytes, asked: list[str]
) -> None:
    upstream = Told(tokens)
    await Context(upstream).check("m", rest, messages, {})
    assert upstream.asked == asked


async def test_what_a_model_takes_is_asked_once() -> None:
    upstream = Told(1)
    context = Context(upstream)
    for _ in range(3):
        await context.check("m", REST, LONG, {})
    assert upstream.asked.count("/v1/models/m") == 1


async def test_a_count_that_does_not_come_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    upstream = Told(9999)
    monkeypatch.setattr(module, "COUNT_SECONDS", 0.05)
    monkeypatch.setattr(upstream, "ask", lambda *_: asyncio.Event().wait())
    await Context(upstream).check("m", REST, LONG, {})


def test_the_messages_stand_among_the_rest_as_they_are() -> None:
    assert fields_of(with_messages(REST, b"[1]")).keys() == {"model", "max_tokens", "messages"}
