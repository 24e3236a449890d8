"""The table of a push reader: what must not be, cannot."""

from __future__ import annotations

import pytest

from app.faces.native.push_states import ENDS, SPEAKING, TABLE, Event, PushState, after


def test_every_state_has_its_row_and_can_be_closed_but_those_that_are_over() -> None:
    assert set(TABLE) == set(PushState)
    for state in PushState:
        assert after(state, Event.CLOSED) is (None if state in ENDS else PushState.OVER)


@pytest.mark.parametrize("state", sorted(ENDS, key=str))
@pytest.mark.parametrize("event", Event)
def test_nothing_follows_an_end(state: PushState, event: Event) -> None:
    assert after(state, event) is None


def test_one_goes_live_from_catching_up_alone() -> None:
    assert [state for state in PushState if after(state, Event.REACHED) is PushState.LIVE] == [PushState.CATCHING_UP]


def test_who_is_full_is_behind_and_gives_nothing_back() -> None:
    assert all(after(state, Event.PAUSED) is PushState.BEHIND for state in SPEAKING)
    assert after(PushState.BEHIND, Event.FINISHED) is None
    assert [event for event in Event if after(PushState.BEHIND, event) is not None] == [Event.RESUMED, Event.CLOSED]
