"""Tickets: what a browser may be handed so that it reads one stream, or one conversation, and nothing else.

Pure. The rule: a ticket says which log it opens and until when, sealed under a secret of the fronts, and nothing of
whose that is: whoever sees the address that carries it learns no name. What is wrong with one that opens nothing is not
told.

Its bytes: one for what kind of log, the sixteen of the log's id, eight for the millisecond in which it ends, and the
HMAC-SHA256 of these; as URL-safe base64 that is 76 characters, without a bit to spare, so that no two texts are the
same ticket.
"""

from __future__ import annotations

import base64
import hmac
import re
import struct
from dataclasses import dataclass

from app.access.caller import Confined

SECRET_BYTES = 32
_SEAL_BYTES = 32
_FACTS = struct.Struct(">B16sQ")
# What the same secret may seal besides is never mistaken for a ticket, nor one of another form for one of this.
_PURPOSE = b"keepstream ticket 1\0"
_TEXT = re.compile(r"[A-Za-z0-9_-]{76}", re.ASCII)
_LOG_ID = re.compile(r"(st_|cv_)([0-9a-f]{32})", re.ASCII)
_KINDS = {"st_": 1, "cv_": 2}
_PREFIXES = {number: prefix for prefix, number in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class Ticket:
    """`opens` is a log; `expires_ms` is when it ends, in milliseconds since 1970."""

    opens: Confined
    expires_ms: int


def made(secret: bytes, ticket: Ticket) -> str:
    """A ticket as text. Raises `ValueError` for a log that is neither a stream's nor a conversation's."""
    found = _LOG_ID.fullmatch(ticket.opens.log_id)
    if found is None:
        raise ValueError("a ticket opens a stream or a conversation")
    facts = _FACTS.pack(_KINDS[found[1]], bytes.fromhex(found[2]), ticket.expires_ms)
    return base64.urlsafe_b64encode(facts + _seal(secret, facts)).decode()


def checked(secret: bytes, text: str, now_ms: int) -> Confined | None:
    """What a ticket opens; None for one that has ended, and for what was never made under this secret."""
    if _TEXT.fullmatch(text) is None:
        return None
    raw = base64.urlsafe_b64decode(text)
    facts, seal = raw[:-_SEAL_BYTES], raw[-_SEAL_BYTES:]
    if not hmac.compare_digest(seal, _seal(secret, facts)):
        return None
    kind, name, expires_ms = _FACTS.unpack(facts)
    return Confined(_PREFIXES[kind] + name.hex()) if now_ms < expires_ms else None


def _seal(secret: bytes, facts: bytes) -> bytes:
    return hmac.digest(secret, _PURPOSE + facts, "sha256")
