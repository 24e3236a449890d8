"""Telling what happens to whoever listens: the one seam between the code that does something and the code that watches.

The rule: who tells knows nobody who listens. What happened is one frozen value; it has ids, words of ours, times in
seconds and counts, and never a client's or an upstream's text, a key or a ticket. Told is what happens now and then (a
call, a reader, a loss), never each frame. A process has one Redis, one log and one `/metrics`, and so one observer: the
commands choose it (`app.watch.observers`), and without one nothing is told.

The events of this package stand here; all others in `app.watch.events`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened."""


class Observer(Protocol):
    """Who listens."""

    def told(self, event: Event) -> None:
        """Called from any thread, where it happened and while it happens: may neither block nor raise."""


class _Listening:
    """The one of this process."""

    observer: Observer | None = None


def tell(event: Event) -> None:
    if (observer := _Listening.observer) is not None:
        observer.told(event)


def listen(observer: Observer | None) -> Observer | None:
    """Makes this one hear what is told from now on; returns who heard it until now."""
    before, _Listening.observer = _Listening.observer, observer
    return before


@dataclass(frozen=True, slots=True)
class RedisRefused(Event):
    """A question was not answered. `asker`: a word for who asked; `error`: the exception's class.

    `kind` and `code` as `redis.refusals` judges it; `words` are Redis' own, or the code where those may quote a prompt.
    `again`: the connection to which that answer came has told of it; None where it is new.
    """

    asker: str
    kind: str
    code: str
    words: str
    error: str
    again: bool | None = None


@dataclass(frozen=True, slots=True)
class RedisAway(Event):
    """A connection found nobody, or lost who was there, for the first time since Redis was there. `server`: what names
    it, where it is not the queue's.
    """

    error: str
    server: str = ""


@dataclass(frozen=True, slots=True)
class RedisBack(Event):
    """A connection stands again, after so many seconds. `server` as above."""

    seconds: float
    server: str = ""


@dataclass(frozen=True, slots=True)
class RedisAwaited(Event):
    """A process that starts waits for its Redis; `still`: for another reason than it told before."""

    kind: str
    words: str
    error: str
    still: bool


@dataclass(frozen=True, slots=True)
class RedisUnbounded(Event):
    """Redis has no maxmemory: it takes what it gets until the machine has no more."""


@dataclass(frozen=True, slots=True)
class ChannelSilent(Event):
    """The connection that listens is open and dead; it is replaced."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ChannelAstray(Event):
    """The channel listens to another server than the one that is written to; it connects anew."""


@dataclass(frozen=True, slots=True)
class ReceiverFailed(Event):
    """Who listens to a channel failed at a message, and looks at its log instead."""

    error: str


@dataclass(frozen=True, slots=True)
class TaskFell(Event):
    """What lives as long as its process, a task or a thread, ended (`ended`) or raised; it starts again.

    `place` is the line that raised, empty where none did.
    """

    task: str
    error: str
    place: str = ""
