"""Whatever a check does, it is over in its time and stops no other."""

from __future__ import annotations

import asyncio

import pytest

from app.doctor import examination
from app.doctor.examination import examine
from app.doctor.finding import Finding, Level, ok
from app.doctor.patient import Patient
from app.doctor.reaching import REACH_SECONDS
from tests.app.doctor.checks.patients import patient
from tests.patience import PATIENCE


async def hangs(_: Patient) -> list[Finding]:
    await asyncio.Event().wait()
    return []


async def fails(_: Patient) -> list[Finding]:
    raise KeyError("a secret")


async def well(_: Patient) -> list[Finding]:
    return [ok("well")]


async def test_one_that_hangs_or_fails_is_a_finding_and_the_others_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "CHECK_SECONDS", 0.01)
    monkeypatch.setattr(examination, "MEASURE_SECONDS", 0.01)
    async with patient() as one, asyncio.timeout(PATIENCE):
        findings = await examine(one, {"a": hangs, "b": fails, "c": well}, {"d": hangs, "e": well})
    assert [(finding.check, finding.level) for finding in findings] == [
        ("a", Level.MUST),
        ("b", Level.WARNING),
        ("c", Level.OK),
        ("d", Level.MUST),
        ("e", Level.OK),
    ]
    assert "a secret" not in repr(findings)
    assert "KeyError in " in findings[1].says


def test_all_of_it_takes_less_than_ten_seconds() -> None:
    assert REACH_SECONDS + examination.CHECK_SECONDS + examination.MEASURE_SECONDS < 10
