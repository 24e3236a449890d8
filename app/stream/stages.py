"""The stages of a stream and every way between them: one table of plain values.

The rule: a stream is in one stage, and leaves it only by a way that stands here; of the ways that one cause has from
one stage, the first whose condition is met is gone. The worker decides from these rows and moves by them (worker/life),
the picture in the docs is drawn from them, and Spin checks them (tests/models/life.pml). Knows nothing of how anything
is done.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where a stream is in its life. What is stored and told of it is coarser: the `state` of `app.stream.log`."""

    WAITING = "waiting"  # in the queue; nothing has been tried
    BETWEEN = "between calls"  # a worker has it and is to make a call: the first or the next one
    HELD = "held"  # the gate lets no call be made: in its worker's slot for a moment, in the gate's line for longer
    CALLING = "calling"  # a call is under way, and nothing of it stands in the log
    CONTENT = "content"  # a call is under way, and frames of it stand in the log
    TOOLS = "its tools run"  # a turn's message is whole, and the results that the next one is to be told are awaited
    WAITING_FOR_PERSON = "waiting for a person"  # to allow what its model calls; nobody has it
    HANDED_OVER = "handed over"  # its worker drained: in the queue again
    LOST = "lost"  # whoever ran it is lost, or what it wrote: to be begun anew
    ENDED = "ended"


class Cause(StrEnum):
    """What moves a stream."""

    BEGIN = "a holder begins"
    STOOD_STILL = "its last worker only stood still"
    MISPLACED = "the worker does not offer its tools"
    TURN = "the gate gives a turn"
    HOLD = "the gate holds it back"
    REFUSAL = "the upstream does not take the call"
    CONTENT = "the first frame"
    MESSAGE = "the message is complete"
    INVALID = "the message does not fit its schema"
    RESULTS = "all results are there"
    PERSON = "a person is to be asked"
    FAILURE = "the call fails"
    DRAIN = "the worker drains"
    WORKER_LOST = "the worker is lost"
    LOG_LOST = "the log is lost"
    CANCEL = "it is cancelled"
    EXPIRY = "its time is up"
    FULL = "the log is full"
    BUDGET = "a budget has no room for a call more"
    FAULT = "a fault of ours"


class When(StrEnum):
    """On what condition a way is gone."""

    ALWAYS = ""
    KEPT = "what was seen is to be kept"  # content stands, and `on_interrupt` is fail
    LASTING = "it would fail again"  # or not be called again in time
    SPENT = "no attempt is left"
    SEEN = "content was seen"
    CALLED = "a call was made"
    SPARED = "it is not spared too often"
    CALLS = "another turn is to follow"  # tools of ours are called, or the upstream paused
    DUE = "its tools were running"
    BROKEN = "one was running that must not run twice"
    THEIRS = "the client is to run one, too"
    TURNS = "no turn is left"
    MENDED = "no repair is left"


class Tells(StrEnum):
    """What the log tells on a way between two calls."""

    NOTHING = ""
    RETRY = "relay.retry"
    RESET = "relay.reset"


@dataclass(frozen=True, slots=True)
class Way:
    """`charge`: what going it adds to the attempts that count against MAX_ATTEMPTS; `frees`: no call that was made so
    far counts any more.
    """

    at: frozenset[Stage]
    cause: Cause
    to: Stage
    when: When = When.ALWAYS
    tells: Tells = Tells.NOTHING
    charge: int = 0
    frees: bool = False


class NoWayError(Exception):
    """A move that is not in the table: a fault of ours."""


_S, _C, _W, _T = Stage, Cause, When, Tells


def _at(*stages: Stage) -> frozenset[Stage]:
    return frozenset(stages)


_LIVING = frozenset(Stage) - {_S.ENDED}
_WITHOUT_WORKER = _at(_S.WAITING, _S.HELD, _S.HANDED_OVER, _S.LOST)
_WITH_PERSON = _at(_S.WAITING_FOR_PERSON)
_WITH_WORKER = _at(_S.BETWEEN, _S.HELD, _S.CALLING, _S.CONTENT, _S.TOOLS)
_UNDER_WAY = _at(_S.CALLING, _S.CONTENT)
_BROKEN_OFF = _at(_S.HANDED_OVER, _S.LOST)

WAYS = (
    Way(_at(_S.LOST), _C.STOOD_STILL, _S.LOST, _W.SPARED, charge=-1),
    Way(_BROKEN_OFF, _C.BEGIN, _S.ENDED, _W.KEPT),
    Way(_WITHOUT_WORKER | _WITH_PERSON, _C.BEGIN, _S.ENDED, _W.SPENT),
    Way(_BROKEN_OFF | _WITH_PERSON, _C.BEGIN, _S.ENDED, _W.BROKEN),
    Way(_BROKEN_OFF | _WITH_PERSON, _C.BEGIN, _S.TOOLS, _W.DUE),
    Way(_BROKEN_OFF, _C.BEGIN, _S.BETWEEN, _W.SEEN, tells=_T.RESET),
    Way(_BROKEN_OFF, _C.BEGIN, _S.BETWEEN, _W.CALLED, tells=_T.RETRY),
    Way(_WITHOUT_WORKER, _C.BEGIN, _S.BETWEEN),
    Way(_WITHOUT_WORKER | _WITH_PERSON, _C.MISPLACED, _S.HANDED_OVER),
    Way(_at(_S.BETWEEN, _S.HELD), _C.HOLD, _S.HELD),
    Way(_at(_S.BETWEEN, _S.HELD), _C.TURN, _S.CALLING, charge=1),
    Way(_at(_S.CALLING), _C.REFUSAL, _S.BETWEEN, tells=_T.RETRY, charge=-1),
    Way(_at(_S.CALLING), _C.CONTENT, _S.CONTENT),
    Way(_at(_S.CONTENT), _C.INVALID, _S.ENDED, _W.MENDED),
    Way(_at(_S.CONTENT), _C.INVALID, _S.BETWEEN, tells=_T.RESET, charge=-1),  # it did not fail, and is paid
    Way(_at(_S.CONTENT), _C.MESSAGE, _S.TOOLS, _W.CALLS, frees=True),
    Way(_at(_S.CONTENT), _C.MESSAGE, _S.ENDED),
    Way(_at(_S.TOOLS), _C.PERSON, _S.WAITING_FOR_PERSON),
    Way(_at(_S.TOOLS), _C.RESULTS, _S.ENDED, _W.THEIRS),
    Way(_at(_S.TOOLS), _C.RESULTS, _S.ENDED, _W.TURNS),
    Way(_at(_S.TOOLS), _C.RESULTS, _S.BETWEEN),
    Way(_at(_S.CONTENT), _C.FAILURE, _S.ENDED, _W.KEPT),
    Way(_UNDER_WAY, _C.FAILURE, _S.ENDED, _W.LASTING),
    Way(_UNDER_WAY, _C.FAILURE, _S.ENDED, _W.SPENT),
    Way(_at(_S.CALLING), _C.FAILURE, _S.BETWEEN, tells=_T.RETRY),
    Way(_at(_S.CONTENT), _C.FAILURE, _S.BETWEEN, tells=_T.RESET),
    Way(_at(_S.CONTENT), _C.DRAIN, _S.ENDED, _W.KEPT),
    Way(_UNDER_WAY, _C.DRAIN, _S.HANDED_OVER, charge=-1),
    Way(_at(_S.BETWEEN, _S.HELD, _S.TOOLS), _C.DRAIN, _S.HANDED_OVER),
    Way(_WITH_WORKER, _C.WORKER_LOST, _S.LOST),
    Way(_LIVING, _C.LOG_LOST, _S.LOST),  # also while its ending is written
    Way(_at(_S.BETWEEN, _S.CALLING, _S.CONTENT, _S.TOOLS), _C.FULL, _S.ENDED),
    Way(_at(_S.BETWEEN), _C.BUDGET, _S.ENDED),
    Way(_LIVING, _C.CANCEL, _S.ENDED),
    Way(_LIVING, _C.EXPIRY, _S.ENDED),
    Way(_LIVING, _C.FAULT, _S.ENDED),
)


def way(at: Stage, cause: Cause, met: Container[When] = ()) -> Way:
    """The way from here, where these conditions are met. Raises `NoWayError`."""
    for one in WAYS:
        if at in one.at and one.cause is cause and (one.when is When.ALWAYS or one.when in met):
            return one
    raise NoWayError(f"{at}: {cause}")


# What can happen to a stream wherever it is.
ANYWHERE = tuple(one for one in WAYS if one.at == _LIVING)


def arrows() -> dict[tuple[Stage, Stage], list[str]]:
    """From which stage to which the ways lead, and why; without those that lead from anywhere."""
    found: dict[tuple[Stage, Stage], list[str]] = {}
    for stage in Stage:
        for one in WAYS:
            if stage in one.at and one not in ANYWHERE:
                found.setdefault((stage, one.to), []).append(_label(one))
    return found


def picture() -> str:
    """The table as a Mermaid `stateDiagram-v2`. What can happen to a stream wherever it is stands in a note."""
    ended = _name(Stage.ENDED)
    return "\n".join(
        [
            "stateDiagram-v2",
            *(f"    {_name(stage)}: {stage}" for stage in Stage),
            f"    [*] --> {_name(Stage.WAITING)}: it is accepted",
            *(f"    {_name(at)} --> {_name(to)}: {'<br/>'.join(labels)}" for (at, to), labels in arrows().items()),
            f"    {ended} --> [*]",
            f"    note left of {ended}",
            "        wherever it is",
            *(f"        {one.cause}: {one.to}" for one in ANYWHERE),
            "    end note",
            "",
        ]
    )


def _name(stage: Stage) -> str:
    return stage.name.lower()


def _label(one: Way) -> str:
    condition = f", and {one.when}" if one.when else ""
    return f"{one.cause}{condition}" + (f" ({one.tells})" if one.tells else "")
