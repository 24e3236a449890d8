"""The process that looks at answers: one after the other, until nobody asks any more.

    asked:     a line with two lengths, of the schema and of the text (-1: none), then both
    answered:  a line of JSON, of one member: {"misfit": {…}}, {"unusable": …}, or none

The rule: what takes longer than it may ends the process, also where nobody waits for it any more.
"""

from __future__ import annotations

import signal
import sys
from dataclasses import asdict
from typing import Any, BinaryIO

import orjson

from worker.schemas.verdict import Fits, Misfit, Unusable, Verdict, verdict_of

# A large answer takes a few hundredths.
SECONDS = 5


def main(asked: BinaryIO, answered: BinaryIO) -> None:
    """Answers until `asked` ends."""
    known: dict[bytes, Any] = {}
    while line := asked.readline():
        schema_bytes, text_bytes = map(int, line.split())
        schema = asked.read(schema_bytes)
        text = asked.read(text_bytes) if text_bytes >= 0 else None
        signal.alarm(SECONDS)
        verdict = verdict_of(schema, text, known)
        signal.alarm(0)
        answered.write(encoded(verdict))
        answered.flush()


def encoded(verdict: Verdict) -> bytes:
    match verdict:
        case Misfit():
            said: dict[str, Any] = {"misfit": asdict(verdict)}
        case Unusable(message):
            said = {"unusable": message}
        case Fits():
            said = {}
    return orjson.dumps(said) + b"\n"


def decoded(line: bytes) -> Verdict:
    """As `encoded` made it. Raises `ValueError` for what it did not."""
    match orjson.loads(line or b"null"):
        case {"misfit": {"path": str(path), "message": str(message), "faults": list(faults)}}:
            return Misfit(path, message, tuple(faults))
        case {"unusable": str(message)}:
            return Unusable(message)
        case {**rest} if not rest:
            return Fits()
        case _:
            raise ValueError("this is no verdict")


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
