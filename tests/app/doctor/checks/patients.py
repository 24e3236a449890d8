"""A patient with these settings, and what a check finds wrong with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from app.doctor.finding import Finding, Level
from app.doctor.patient import Patient
from app.settings import Settings

NOBODY = "redis://127.0.0.1:9"


@asynccontextmanager
async def patient(environ: dict[str, str] | None = None, **settings: Any) -> AsyncIterator[Patient]:
    """Redis, where there is one, has been asked for, as the command does first."""
    async with Patient(Settings(**{"redis_url": NOBODY, **settings}), environ or {}) as one:
        await one.info()
        yield one


async def found(check: Callable[[Patient], Awaitable[Iterable[Finding]]], **settings: Any) -> list[Finding]:
    async with patient(**settings) as one:
        return list(await check(one))


def troubles(findings: Iterable[Finding]) -> list[tuple[Level, str]]:
    """What is more than a note. Each says what to do, in its own words or with the reason."""
    return [(one.level, one.says) for one in findings if one.level in (Level.WARNING, Level.MUST)]
