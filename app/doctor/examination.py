"""All checks at once, each within its time, and then what is measured, alone.

The rule: whatever a check waits for or raises is a finding of that check, and the others are not kept waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from app.doctor.finding import Finding, must, warning
from app.doctor.patient import Patient
from app.stream.errors import place_of

# Together with the time in which Redis has to be reached: less than ten.
CHECK_SECONDS = 4.5
MEASURE_SECONDS = 2.5

Check = Callable[[Patient], Awaitable[Iterable[Finding]]]


async def examine(patient: Patient, checks: Mapping[str, Check], measures: Mapping[str, Check]) -> list[Finding]:
    """What the checks say, by their order, and what was measured then."""
    await patient.places()
    asked = (_asked(name, check, patient, CHECK_SECONDS) for name, check in checks.items())
    said = await asyncio.gather(*asked)
    said += [await _asked(name, measure, patient, MEASURE_SECONDS) for name, measure in measures.items()]
    return [finding for findings in said for finding in findings]


async def _asked(name: str, check: Check, patient: Patient, seconds: float) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(seconds):
            found = list(await check(patient))
    except TimeoutError:
        found = [must(f"no answer within {seconds:g} s", "see what it hangs on: a disk, a name, a network")]
    except Exception as error:  # noqa: BLE001  # its words may hold a secret
        found = [warning(f"this could not be looked at: {type(error).__name__} in {place_of(error)}", "report it")]
    return [replace(finding, check=name) for finding in found]
