"""The states of a reader on its own transport, and all ways between them.

Pure. The law: in each state one hand writes to the connection, and nobody does once it was given away.

| state       | who writes                                                   | task |
| ---         | ---                                                          | ---  |
| opening     | the answer: its head, and what was read with it              | that of the request |
| catching up | a catch-up, from the tail's window or the log                | one |
| live        | the tail                                                     | none |
| behind      | nobody: the transport is full                                | none |
| given back  | the server's next protocol                                   | none |
| over        | nobody: what was written still goes out                      | none |

A ping or a place in the line may be said between two frames in the first three. What an event does not move is
ignored: it came from a hand that no longer holds the pen.
"""

from __future__ import annotations

from enum import Enum, auto


class PushState(Enum):
    OPENING = auto()
    CATCHING_UP = auto()
    LIVE = auto()
    BEHIND = auto()
    GIVEN_BACK = auto()
    OVER = auto()


class Event(Enum):
    OPENED = auto()  # the tail is up to date
    REACHED = auto()  # the reader stands at the tail's end
    LARGE = auto()  # a piece came that must go out in parts
    SHOWN = auto()  # what was not shown before may be
    PAUSED = auto()  # the transport is full
    RESUMED = auto()  # and has room again
    FINISHED = auto()  # the body is at its end, and the connection goes on
    CLOSED = auto()  # it does not: it was closed, or lost


_ALWAYS = {Event.CLOSED: PushState.OVER}
_SPEAKING = _ALWAYS | {Event.PAUSED: PushState.BEHIND, Event.FINISHED: PushState.GIVEN_BACK}

TABLE: dict[PushState, dict[Event, PushState]] = {
    PushState.OPENING: _SPEAKING | {Event.OPENED: PushState.CATCHING_UP},
    PushState.CATCHING_UP: _SPEAKING | {Event.REACHED: PushState.LIVE},
    PushState.LIVE: _SPEAKING | {Event.LARGE: PushState.CATCHING_UP, Event.SHOWN: PushState.CATCHING_UP},
    PushState.BEHIND: _ALWAYS | {Event.RESUMED: PushState.CATCHING_UP},
    PushState.GIVEN_BACK: {},
    PushState.OVER: {},
}

ENDS = frozenset({PushState.GIVEN_BACK, PushState.OVER})
SPEAKING = frozenset({PushState.OPENING, PushState.CATCHING_UP, PushState.LIVE})


def after(state: PushState, event: Event) -> PushState | None:
    """The state that `event` leads to; None where it changes nothing."""
    return TABLE[state].get(event)
