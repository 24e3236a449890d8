"""What was last said of a stream beside its log, for who comes to read it a moment later.

Pure. The rule: what was said is over once something follows, or once it is too old.
"""

from __future__ import annotations

from app.stream.asides import Awaiting, Held, Queued, Told


class LastSaid:
    """Of one stream: what its worker said last, and its place in the line. Times are the loop's."""

    __slots__ = ("_place", "_told")

    def __init__(self) -> None:
        self._place: int | None = None
        self._told: tuple[Told, float] | None = None

    def hear(self, told: Told, now: float) -> None:
        self._told = told, now

    def forget(self) -> None:
        """Something followed."""
        self._told = None

    def goes_on(self) -> None:
        """It waits for no person any more."""
        if self._told is not None and isinstance(self._told[0], Awaiting):
            self._told = None

    def moves_to(self, place: int) -> Queued | None:
        """What is to be said of its place in the line, where it is another."""
        if place == self._place:
            return None
        self._place = place
        return Queued(place)

    def said(self, now: float, *, queued: bool) -> Told | Queued | None:
        """What of it still holds."""
        if queued and self._place is not None:
            return Queued(self._place)
        if self._told is None:
            return None
        told, at = self._told
        return told.later(int((now - at) * 1000))

    def is_held(self, now: float) -> bool:
        """Whether it waits for a person, or before a call, as far as was said."""
        return isinstance(self.said(now, queued=False), Held | Awaiting)
