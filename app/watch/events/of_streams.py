"""What happens to a stream, told by the front that takes it and by the worker that runs it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.stream.observing import Event
from app.watch.events.subjects import Subject

# Who, or what, asks that a stream be cancelled.
CLIENT, UNREAD, OPERATOR = "client", "unread", "operator"


class TakeOver(StrEnum):
    """Why a stream is another worker's now: its last one is gone, was shut down, or stood still."""

    LOST = "worker_lost"
    DRAINED = "worker_drained"
    STALLED = "worker_stalled"


@dataclass(frozen=True, slots=True)
class OfStream(Event):
    of: Subject


@dataclass(frozen=True, slots=True)
class OfAttempt(OfStream):
    """`attempt` is the call that is meant: under way, ended, or about to be made."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Submitted(OfStream):
    """A front has accepted it, after so many seconds. `repeated`: its Idempotency-Key stood for it already."""

    model: str
    seconds: float
    repeated: bool


@dataclass(frozen=True, slots=True)
class Refused(OfStream):
    """A front has not accepted it. `reason` is the class of the error."""

    model: str
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Claimed(OfAttempt):
    """A worker has it, so many seconds after it was submitted, for the nth time (`times`); `attempt` were begun so far.

    `from_gate`: it was parked before, because of the upstream's limits, and for `held_seconds`.
    """

    model: str
    waited_seconds: float
    times: int
    from_gate: bool
    held_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class TakenOver(OfAttempt):
    """It was another worker's; `cause` is a `TakeOver`; `attempt` were begun. `content`: readers have seen some."""

    cause: str
    content: bool


@dataclass(frozen=True, slots=True)
class Held(OfAttempt):
    """The upstream's limits let no call of `model` be made for so long. `parked`: it waits in the line, unclaimed."""

    model: str
    seconds: float
    parked: bool


@dataclass(frozen=True, slots=True)
class CallStarted(OfAttempt):
    model: str


@dataclass(frozen=True, slots=True)
class CallEnded(OfAttempt):
    """`status` as the API says it: 200 for an answer that began, whatever broke it (`reason`, which is then not empty).

    0 where the call was given up by us. `upstream_request_id` is the API's own.
    """

    model: str
    status: int
    reason: str
    seconds: float
    upstream_request_id: str


@dataclass(frozen=True, slots=True)
class CallPaid(OfStream):
    """A call is over, or was found to be, that used something. `cost_usd`: None where no price is known.

    `model` is the one that answered, where it named itself.
    """

    model: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class FirstContent(OfAttempt):
    """The first of what people read has come, so many seconds after the submit, the claim, and the call."""

    model: str
    since_submit_seconds: float
    since_claim_seconds: float
    since_call_seconds: float


@dataclass(frozen=True, slots=True)
class Silent(OfAttempt):
    """The upstream has sent nothing but pings for so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Retried(OfAttempt):
    """Another call after `wait_seconds`, because of `reason`; readers keep what they have. `status`: 0 without one."""

    reason: str
    wait_seconds: float
    status: int


@dataclass(frozen=True, slots=True)
class Restarted(OfAttempt):
    """As `Retried`; readers forget what they have."""

    reason: str
    wait_seconds: float
    status: int


@dataclass(frozen=True, slots=True)
class ToolRan(OfAttempt):
    """A tool of ours has run for the stream."""

    tool: str
    seconds: float
    failed: bool


@dataclass(frozen=True, slots=True)
class PersonAsked(OfStream):
    """Nothing goes on before a person has said whether a tool may be called: no worker has it until then."""

    attempt: int


@dataclass(frozen=True, slots=True)
class ToolDecided(OfStream):
    """A person has said whether a tool may be called."""

    approved: bool


@dataclass(frozen=True, slots=True)
class CancelAsked(OfStream):
    """`by` a `CLIENT`, an `OPERATOR`, or because nobody reads it (`UNREAD`)."""

    by: str


@dataclass(frozen=True, slots=True)
class Ended(OfStream):
    """It has its one ending. `attempts` were begun; `why` is what went wrong, in words of ours.

    Tokens are what the newest attempt's answer says; None where it does not. `cost_usd` is of all calls; None where a
    price is not known. `waited_seconds` is from the submit to the first call, `first_content_seconds` to the first
    content, `seconds` to the ending; None where that was not seen here. `writing_seconds` is from the first content to
    the end. `output_bytes`: of text, thinking and tool input, that the newest attempt's answer has.
    """

    model: str
    outcome: str
    error_type: str
    why: str
    stop_reason: str
    attempts: int
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cost_usd: float | None = None
    seconds: float | None = None
    waited_seconds: float | None = None
    first_content_seconds: float | None = None
    writing_seconds: float | None = None
    output_bytes: int = 0


@dataclass(frozen=True, slots=True)
class PartialRecovered(OfStream):
    """What people saw of it was read back from the log, for an ending by who did not read it."""


@dataclass(frozen=True, slots=True)
class LeaseLost(OfStream):
    """It is no longer this worker's: `why` a script refused, or empty where the lease was lost."""

    why: str


@dataclass(frozen=True, slots=True)
class PutBy(OfStream):
    """It is of a later version of the language than this worker's own: it is left for one of `language`."""

    language: int


@dataclass(frozen=True, slots=True)
class AppendRefused(OfStream):
    """The log takes no more from here. `status` as the script says it; `error` where the append itself was no good."""

    status: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class EndingUnwritten(OfStream):
    """Its ending was refused too often: it is left to its lease, and to whoever looks next."""


@dataclass(frozen=True, slots=True)
class LeftToWorker(OfStream):
    """A front could not do the rest for it: `what` is one of a few words, `error` the class or the code of why."""

    what: str
    error: str
