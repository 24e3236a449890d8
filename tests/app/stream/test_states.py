"""The table of a stream's states: what it allows, what it refuses, and the picture of it in the docs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stream.states import WAYS, Cause, NoWayError, State, When, picture, way

ARCHITECTURE = Path(__file__).parents[3] / "app/docs/architecture.md"

conditions = st.sets(st.sampled_from(When))


def test_the_first_way_whose_condition_is_met_is_gone() -> None:
    assert way(State.CONTENT, Cause.FAILURE, {When.KEPT, When.SPENT}).when is When.KEPT
    assert way(State.CONTENT, Cause.FAILURE, {When.SPENT}).when is When.SPENT
    assert way(State.CONTENT, Cause.FAILURE).to is State.BETWEEN


def test_what_is_not_in_the_table_is_an_error() -> None:
    with pytest.raises(NoWayError, match="waiting: the message is complete"):
        way(State.WAITING, Cause.MESSAGE)


@given(st.sampled_from(Cause), conditions)
def test_nothing_follows_the_ending(cause: Cause, met: set[When]) -> None:
    with pytest.raises(NoWayError):
        way(State.ENDED, cause, met)


@given(st.sampled_from(sorted(set(State) - {State.ENDED})), conditions)
def test_whoever_cancels_an_unended_stream_ends_it(state: State, met: set[When]) -> None:
    assert way(state, Cause.CANCEL, met).to is way(state, Cause.EXPIRY, met).to is State.ENDED


def test_no_row_is_hidden_by_another() -> None:
    """Two rows of one cause that lead on from one state differ in their conditions, and the one without is the last."""
    for state in State:
        for cause in Cause:
            whens = [one.when for one in WAYS if state in one.at and one.cause is cause]
            assert len(whens) == len(set(whens))
            assert When.ALWAYS not in whens[:-1]


def test_the_docs_show_the_table() -> None:
    _, _, rest = ARCHITECTURE.read_text().partition("<!-- states -->\n")
    shown, _, _ = rest.partition("<!-- /states -->")
    assert shown == f"```mermaid\n{picture()}```\n", "print(app.stream.states.picture()) is what belongs there"
