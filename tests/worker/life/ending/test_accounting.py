"""What a stream's ending has to say, by what its record knows."""

from __future__ import annotations

import pytest

from tests.worker.life.test_record import record
from worker.life.ending.accounting import account_of

TOOLS = {"tools": b'["clock"]', "max_turns": b"5"}
MESSAGE = b'{"stop_reason":"tool_use"}'


@pytest.mark.parametrize(
    ("meta", "message", "turns", "whole"),
    [
        ({}, None, None, False),
        (TOOLS, None, 0, False),
        ({**TOOLS, "content": b"1"}, None, 1, False),  # the log has it
        ({**TOOLS, "turn": b"1", "turn:1": MESSAGE}, MESSAGE, 1, True),
        ({**TOOLS, "turn": b"2", "turn:1": MESSAGE}, MESSAGE, 1, True),
        ({**TOOLS, "turn": b"2", "turn:1": MESSAGE, "content": b"1"}, None, 2, False),
    ],
)
async def test_the_message_is_the_last_one_that_anybody_saw(
    meta: dict[str, bytes], message: bytes | None, turns: int | None, *, whole: bool
) -> None:
    account = account_of(record(**meta))
    assert (account.message.json() if account.message is not None else None) == message
    assert (account.turns, account.complete) == (turns, whole)
    assert account.content is (whole or meta.get("content") == b"1")
