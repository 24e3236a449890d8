"""What a person says to a call of a tool: read from a body, and done.

The rule: what was said is kept before anybody is woken, and whoever was told that it is kept need not say it again: a
stream that could not be woken is woken later, by this front or another (`sweep`). Knows no HTTP.
"""

from __future__ import annotations

import time
from functools import partial

from redis.exceptions import RedisError

from app.intake.raw_json import Fields, InvalidPromptError, Raw, kind_of, read, size
from app.intake.streams import Streams
from app.intake.submit import again
from app.intake.unknown import unknown
from app.stream.approvals.approvals import Decided, Verdict
from app.stream.log import State
from app.stream.observing import tell
from app.stream.redis.connect import AWAY
from app.stream.timeline.entries import told
from app.stream.timeline.noting import note
from app.watch.events import of_streams
from app.watch.events.subjects import subject

FIELDS = ("approve", "reason")
REASON_CHARACTERS = 2000
# The most that a character takes as JSON: a pair of escapes.
ESCAPED_BYTES = 12


def verdict_of(fields: Fields) -> Verdict:
    """The checked verdict of a body. Raises `InvalidPromptError`."""
    for name in fields:
        if name not in FIELDS:
            raise InvalidPromptError(unknown(name, FIELDS))
    approve = kind_of(fields.get("approve", Raw(b"null")))
    if approve not in ("true", "false"):
        raise InvalidPromptError("approve: must be true or false")
    given = fields.get("reason", Raw(b"null"))
    fits = kind_of(given) in ("string", "null") and size((given,)) <= REASON_CHARACTERS * ESCAPED_BYTES + 2
    reason = read(given) if fits else False
    if reason is not None and not (isinstance(reason, str) and len(reason) <= REASON_CHARACTERS):
        raise InvalidPromptError(f"reason: must be a text of at most {REASON_CHARACTERS} characters")
    return Verdict(approve == "true", (reason or "").strip())


async def decide(streams: Streams, stream_id: str, owner: str, call: str, verdict: Verdict) -> tuple[Decided, State]:
    """Says it of a call, and in which state the stream is. Where it raises nothing may have happened."""
    approvals = streams.queue.approvals
    said = note("tool.decided", approved=verdict.approve)
    decided, state = await again(lambda: approvals.decide(stream_id, call, verdict, told(said, time.monotonic())))
    if decided is Decided.OK:
        tell(of_streams.ToolDecided(subject(stream_id, owner), verdict.approve))
    if decided in (Decided.OK, Decided.SAME):
        try:
            await approvals.wake(stream_id)
        except (RedisError, *AWAY):
            wake = partial(approvals.wake, stream_id)
            streams.owed.add(f"{stream_id}: approval", wake, streams.settings.waiting_life_ms / 1000)
    return decided, state
