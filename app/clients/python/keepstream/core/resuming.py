"""Where a reading stands, and what is next when its connection ends. Pure, but for the dice.

The rule: a reading goes on until its ending was handed out, or until something is final. Its place moves before an
event is handed out, so that whoever comes back gets exactly what follows it.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Literal

import httpx

from ..errors import GoneError, KeepstreamError
from ..events import End, Event, Reset

# Nothing for so long, not even a ping (they come after 15 s), is a dead connection.
SILENCE_SECONDS = 30.0
RETRY_SECONDS = 1.0
RETRY_SECONDS_MAX = 30.0
# The board says something every second, and somebody looks at it.
BOARD_SILENCE_SECONDS = 10.0
BOARD_RETRY_SECONDS, BOARD_RETRY_SECONDS_MAX = 0.5, 2.0
# A submit is safe to repeat, because it carries an Idempotency-Key.
SUBMIT_TRIES = 5

State = Literal["connecting", "open", "waiting"]
# Told of a connection's state, and of the seconds that pass before the next one. What it raises ends the reading.
OnState = Callable[[State, float], None]
LIVE = {"accept": "text/event-stream", "cache-control": "no-store"}


def heedless(_state: State, _wait: float) -> None:
    """For who does not want to be told."""


@dataclass(slots=True)
class Reading:
    """One reading of a log. `last_id`: the place to go on from; `end`: the ending, once it was handed out."""

    last_id: str = ""
    _: KW_ONLY
    retry: float = RETRY_SECONDS
    retry_max: float = RETRY_SECONDS_MAX
    end: End | None = None
    over: bool = False
    failures: int = 0

    @classmethod
    def of_board(cls) -> Reading:
        """One that never ends, and is looked at."""
        return cls(retry=BOARD_RETRY_SECONDS, retry_max=BOARD_RETRY_SECONDS_MAX)

    def headers(self) -> Mapping[str, str]:
        """What a connection is asked for with."""
        return LIVE | ({"last-event-id": self.last_id} if self.last_id else {})

    def nothing_is_left(self, status: int) -> bool:
        """Whether the answer's status says that the stream had ended where we asked to go on."""
        self.over = self.over or status == httpx.codes.NO_CONTENT
        return self.over

    def wants(self, retry_ms: int) -> None:
        """The server says how long one is to wait before one comes back."""
        self.retry = max(retry_ms, 0) / 1000

    def take(self, event: Event) -> None:
        """An event that is about to be handed out."""
        self.failures = 0
        # A reset that is not of the log voids the place too.
        if event.id or isinstance(event, Reset):
            self.last_id = event.id
        if isinstance(event, End):
            self.end, self.over = event, True

    def check(self, event: Event) -> None:
        """After `event` was handed out. Raises `GoneError` where it said that nothing more can come."""
        if isinstance(event, Reset) and event.reason == "lost":
            raise GoneError("the stream was lost", status=410, type="not_found_error")

    def cut(self) -> float:
        """The connection ended in good order: how many seconds to wait before the next one."""
        return self.retry

    def failed(self, error: KeepstreamError) -> float:
        """It did not: as `cut`. Raises `error` where it is final."""
        if error.final:
            raise error
        self.failures += 1
        return min(back_off(self.retry, self.failures, error), max(self.retry_max, error.retry_after or 0.0))


@dataclass(slots=True)
class Submitting:
    """A submit that is tried again; `key` makes it one and the same."""

    key: str
    tries: int = 0

    @classmethod
    def under(cls, key: str | None) -> Submitting:
        return cls(key or secrets.token_hex(16))

    def failed(self, error: KeepstreamError) -> float:
        """How many seconds to wait before the next try. Raises `error` where there is none."""
        self.tries += 1
        if error.final or self.tries >= SUBMIT_TRIES:
            raise error
        return back_off(RETRY_SECONDS, self.tries, error)


def back_off(retry: float, failures: int, error: KeepstreamError) -> float:
    """Doubling with jitter, so that many clients do not come back as one; never sooner than the server said."""
    longest = min(RETRY_SECONDS_MAX, retry * 2.0 ** min(failures - 1, 16))
    jittered = longest * (0.5 + random.random() / 2)  # noqa: S311 - jitter, not a secret
    return max(jittered, error.retry_after or 0.0)
