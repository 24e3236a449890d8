"""An answer as it grows: what both clients make of the same events."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest

from app.clients.python.keepstream import Answer
from app.clients.python.keepstream.events import event_of
from tests.app.clients.python.keepstream.answers import TOLD


@pytest.mark.parametrize("name", TOLD)
def test_what_an_answer_amounts_to(name: str) -> None:
    told = TOLD[name]
    answer = Answer()
    for event in deepcopy(told.events):
        answer.take(event_of(event["type"], json.dumps(event["data"]), event["id"]))
    assert answer.turns == told.turns
    assert (answer.text, [one.tool_use_id for one in answer.approvals]) == (told.text, list(told.waiting))
    assert answer.blocks == [block for turn in told.turns for block in turn]
