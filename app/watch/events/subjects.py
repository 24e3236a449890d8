"""Of whom an event is, and what of others' may stand in one.

The rule: the ids of the request under way are the task's own context, set by the outermost layer of the front; whoever
tells within it need not be handed them. A name that a client or an upstream chose (a model, a kind of error) may be
anything: only what looks like a name is told.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass, field

OTHER = "other"
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,99}")

# Ours, and the client's own where it gave one, of the request that is being served.
request_ids: ContextVar[tuple[str, str]] = ContextVar("request_ids", default=("", ""))


@dataclass(frozen=True, slots=True)
class Trace:
    """A place in a trace, in the words of W3C Trace Context; `state` is whatever others put there, and is not shown."""

    parent: str = ""
    state: str = field(default="", repr=False)


NO_TRACE = Trace()


@dataclass(frozen=True, slots=True)
class Subject:
    """`client_request_id` is what the client itself calls its request: printable ASCII, 128 characters at the most.

    `trace` is the stream's own place in its trace, where it has one.
    """

    stream_id: str = ""
    owner: str = ""
    request_id: str = ""
    client_request_id: str = ""
    trace: Trace = NO_TRACE


NOBODY = Subject()


def subject(stream_id: str = "", owner: str = "", trace: Trace = NO_TRACE) -> Subject:
    """With the ids of the request under way."""
    return Subject(stream_id, owner, *request_ids.get(), trace)


def word(text: str) -> str:
    """A name that somebody else chose, as it can be told: itself where it is one, else `other`."""
    return text if _WORD.fullmatch(text) else OTHER if text else ""
