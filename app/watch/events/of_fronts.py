"""What happens in a front: readers come and go, requests are answered, and what it cannot do itself."""

from __future__ import annotations

from dataclasses import dataclass

from app.stream.observing import Event
from app.watch.events.of_streams import OfAttempt, OfStream
from app.watch.events.subjects import Subject

# As readers are told: the log holds less than they have.
HISTORY_LOST = "history_lost"


@dataclass(frozen=True, slots=True)
class ReaderJoined(OfStream):
    """`face`: the way it reads. `resumed`: it came with a place. `readers`: how many the stream has here now."""

    face: str
    resumed: bool
    readers: int


@dataclass(frozen=True, slots=True)
class ReaderLeft(OfStream):
    """`reason`: `ended` (it has all), `lost` (the log), `drained`, or `left` by itself. `resumed` as it joined."""

    face: str
    reason: str
    seconds: float
    readers: int
    resumed: bool


@dataclass(frozen=True, slots=True)
class ReaderServed(OfStream):
    """One had all that there is with its request, and joined nobody; `resumed` as it would have joined."""

    face: str
    resumed: bool


@dataclass(frozen=True, slots=True)
class ReaderTurnedAway(OfStream):
    """A reader that got nothing of a stream. `reason`: a kind of error, or `limited`, `away` or `draining`."""

    face: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReaderReset(OfAttempt):
    """So many `readers` were told to forget what they have, because of `reason`: those at a stream's end at once, and
    who stands behind, or comes with a place that is none, by itself.
    """

    reason: str
    readers: int


@dataclass(frozen=True, slots=True)
class TailRepaired(OfStream):
    """A tail has read its log on, in so many rounds. `cause`: why it was asked to.

    `opened` and `ending` are usual; `gap` (the channel was replaced), `unplaced` and `stranger` (a message proves
    nothing), `beat` (the log ends elsewhere), `reader` (one knows more) and `again` are repairs.
    """

    cause: str
    rounds: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ReaderFailed(OfStream):
    """A fault of ours in one reader, who is sent away. `last`: not even that could be done."""

    error: str
    last: bool = False


@dataclass(frozen=True, slots=True)
class AnswerRated(OfStream):
    """Somebody has said what the answer is worth to them: `rating` is 1 or -1. `noted`: in words, too.

    `kind`: `new`, `changed` (it was the other rating before), or `noted` (other words). `delivery`: how it was shown.
    """

    model: str
    delivery: str
    rating: int
    kind: str
    noted: bool


@dataclass(frozen=True, slots=True)
class RequestServed(Event):
    """A front has answered a request, or could not. `route` is a path of ours, with its names in braces, or empty.

    `error_type` is the API's name for what the client was told, also where that was not a status; of a 5xx, `error` is
    the class of what was raised for it, and `place` where.
    """

    of: Subject
    method: str
    route: str
    status: int
    seconds: float
    error_type: str = ""
    error: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class CallerRefused(Event):
    """Somebody is not let in; `reason` is a word of ours, such as `unknown_key`, `token_expired` or `not_delegated`."""

    reason: str


@dataclass(frozen=True, slots=True)
class UpstreamKeyRefused(Event):
    """The upstream at `host` does not accept the key of this front."""

    host: str
    status: int


@dataclass(frozen=True, slots=True)
class UpstreamUnreachable(Event):
    """The upstream at `host` gave this front no answer."""

    host: str
    error: str


@dataclass(frozen=True, slots=True)
class HistoryUncounted(Event):
    """A long conversation could not be counted beforehand, and is sent as it is."""

    error: str


@dataclass(frozen=True, slots=True)
class WorkUndone(Event):
    """What a front owed is given up: it was of no use any more, or there was no room for it (`error` is empty)."""

    task: str
    error: str


@dataclass(frozen=True, slots=True)
class Crowded(Event):
    """A front has as many connections as it may have; who comes now is told to come again."""

    connections: int


@dataclass(frozen=True, slots=True)
class ScreenFailed(Event):
    """The screen said nothing of a prompt, which is not accepted. `error`: a class or a word of ours, at `place`."""

    of: Subject
    error: str
    place: str
    seconds: float
