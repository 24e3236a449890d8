"""How long a connection may do what, and how much may stand around a body: the one table of the door's patience.

Pure. The law: a connection is always in exactly one phase, and every phase but our own turn has an end, so that none
lives for ever; whatever comes that is no byte of a body is counted, so that nothing else can be sent without end.
"""

from __future__ import annotations

from enum import Enum

HEAD_SECONDS = 20.0
# Silence, not length: who sends slowly is served.
BODY_SECONDS = 60.0
# For the rest of a body that nobody reads any more: long enough for an honest client to see why.
REST_SECONDS = 20.0
REST_BYTES = 64 * 1024 * 1024
# Longer than the idle time of the usual balancers (60 s): it is they who are to close.
KEEP_ALIVE_SECONDS = 75.0

# Everything of a message that is not its body: head, trailers, chunk extensions. Far above what browsers and SDKs send.
AROUND_BYTES = 64 * 1024
# What a chunk costs of its own: eight digits and two line ends.
CHUNK_BYTES = 12
# A chunk costs as much as some hundred bytes, and the event loop reads on from whoever sends fast: after so many of
# them it is others' turn.
CHUNKS_A_TURN = 1024
# Requests that may wait behind one that is being answered: each takes 2 KiB meanwhile.
PIPELINED_MAX = 16

# Who was refused may read why: so long, and so many bytes more of what it sends.
LINGER_SECONDS = 1.0
LINGER_BYTES = 1024 * 1024

# Who has sent all it will, and may be gone, is written to, to find out: the seconds from one time to the next.
POKES = (5.0, 1.0, 15.0)


class Part(Enum):
    """Where in a request the client's bytes are."""

    BETWEEN = "between two requests"
    HEAD = "in a head"
    BODY = "in a body"


class Phase(Enum):
    """Whose turn it is."""

    HEAD = "the client owes a head"
    BODY = "the client owes more of a body"
    REST = "the client owes the rest of a body whose request is answered"
    NEXT = "the client may ask again"
    ANSWER = "we owe an answer"


def phase(part: Part, *, answering: bool, queued: bool, fresh: bool) -> Phase:
    """The phase of a connection.

    `answering`: the newest request has no whole answer yet; `queued`: it waits behind another one; `fresh`: no request
    came since the connection was made, or since bytes came that belong to none.
    """
    match part:
        case Part.BODY if answering:
            return Phase.ANSWER if queued else Phase.BODY
        case Part.BODY:
            return Phase.REST
        case _ if answering:
            return Phase.ANSWER
        case Part.BETWEEN if not fresh:
            return Phase.NEXT
        case _:
            return Phase.HEAD


def seconds(of: Phase) -> float | None:
    """How long a phase may last; of `BODY`, how long it may be silent. None: as long as we take."""
    match of:
        case Phase.HEAD:
            return HEAD_SECONDS
        case Phase.BODY:
            return BODY_SECONDS
        case Phase.REST:
            return REST_SECONDS
        case Phase.NEXT:
            return KEEP_ALIVE_SECONDS
        case Phase.ANSWER:
            return None
