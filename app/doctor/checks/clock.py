"""The clock of this machine against Redis'.

Streams, leases and tickets go by Redis' clock alone; tokens, keys' last days and certificates by the machine's own.
"""

from __future__ import annotations

import time

from app.doctor.finding import Finding, ok, warning
from app.doctor.patient import Patient
from app.stream.redis.refusals import NO_ANSWER

APART_SECONDS = 5.0


async def clock(patient: Patient) -> list[Finding]:
    if patient.redis is None:
        return []
    asked = time.time()
    try:
        seconds, micros = await patient.redis.time()
    except NO_ANSWER:
        return []  # the check of rights says so
    ours = (asked + time.time()) / 2
    difference = seconds + micros / 1e6 - ours
    if abs(difference) > APART_SECONDS:
        return [warning(apart(difference, "Redis'"), "set it, with NTP: tokens and keys' last days go by it")]
    return [ok(f"{abs(difference):.1f} s apart from Redis'")]


def apart(seconds: float, whose: str) -> str:
    """`seconds`: how far the other clock is ahead."""
    return f"this machine's clock is {abs(seconds):.0f} s {'behind' if seconds > 0 else 'ahead of'} {whose}"
