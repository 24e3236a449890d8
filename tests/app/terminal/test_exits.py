"""Each outcome has its exit code, and each code is told."""

from __future__ import annotations

import re

import pytest

from app.stream.endings import Outcome
from app.terminal.exits import HELP, Exit, exit_of


def test_help_tells_each_code() -> None:
    assert [int(code) for code in re.findall(r"^  (\d+) ", HELP, re.MULTILINE)] == list(Exit)


@pytest.mark.parametrize("outcome", Outcome)
def test_only_a_complete_answer_is_a_success(outcome: Outcome) -> None:
    assert (exit_of(outcome) is Exit.COMPLETED) == (outcome is Outcome.COMPLETED)
    named = Exit.__members__.get(outcome.name, Exit.FAILED)
    assert exit_of(outcome) is named


def test_an_outcome_that_is_not_known_yet_is_no_success() -> None:
    assert exit_of("approved") is Exit.FAILED
