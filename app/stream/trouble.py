"""Troubles that pass, told by their class: so that nobody takes a refusal, or a fault of ours, for an outage.

The rule: what is retried is said, once in `SAID_SECONDS` for each place and class, however many run into it.
"""

from __future__ import annotations

import logging
import time

SAID_SECONDS = 10.0

_said: dict[tuple[str, str], float] = {}


def told(logger: logging.Logger, where: str, error: BaseException) -> None:
    """Logs that `where` tries again because of `error`; its class and, of Redis' own refusals, the first word."""
    said = word(error)
    now = time.monotonic()
    if now - _said.get((where, said), -SAID_SECONDS) >= SAID_SECONDS:
        _said[where, said] = now
        logger.warning("%s: Redis is away: %s", where, said)


def word(error: BaseException) -> str:
    """The class of an error, and the code that Redis gave it. The rest of its words may hold anything."""
    kind = type(error).__name__
    code = str(error).partition(" ")[0]
    return f"{kind} ({code})" if code.isascii() and code.isalpha() and code.isupper() else kind
