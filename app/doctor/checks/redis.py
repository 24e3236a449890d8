"""Redis: whether it is reached and fit, what this user may do there, how it keeps what it takes, and how fast it is."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from app.doctor.checks import redis_info
from app.doctor.finding import Finding, must, ok, warning
from app.doctor.patient import Patient
from app.stream.errors import UnfitServerError
from app.stream.queue import Queue
from app.stream.redis.address import parse
from app.stream.redis.fitness import judge, refused_to
from app.stream.redis.refusals import NO_ANSWER, refusal_of

TIMES = 50
# A token's way leads through Redis twice; beyond this it is seen.
SLOW_MS = 20.0
# Of what is refused; the rest is the same cause.
SHOWN = 5


async def reached(patient: Patient) -> list[Finding]:
    of = patient.settings
    where = _where(of.redis_url)
    info = await patient.info()
    if info is None:
        return [must(f"{where} cannot be used: {patient.why}", "look at REDIS_URL, and whether Redis runs there")]
    try:
        judge(info)
    except UnfitServerError as error:
        return [must(str(error))]
    except NO_ANSWER as error:
        return [warning(f"{where}: {refusal_of(error).words}", "wait for it")]
    return [ok(f"{redis_info.version(info)} at {where}, a primary")]


def _where(url: str) -> str:
    """Its address, without user and password."""
    try:
        address = parse(url)
    except (ValueError, LookupError):
        return "REDIS_URL"
    if address.sentinels:
        return f"the primary of {address.service}, by {len(address.sentinels)} Sentinels"
    if address.unix:
        return str(urlsplit(url).path)
    return f"{address.options.get('host', 'localhost')}:{address.options.get('port', 6379)}"


async def rights(patient: Patient) -> list[Finding]:
    if patient.redis is None:
        return []
    try:
        refused = await refused_to(patient.redis)
    except NO_ANSWER as error:
        return [must(f"what is needed could not be tried: {refusal_of(error).words}", "look at Redis")]
    found = [must(f"refused is {what}", "give the user what deploy/redis/users.acl has") for what in refused[:SHOWN]]
    if more := len(refused) - SHOWN:
        found += [must(f"and {more} things more are refused")] if more > 0 else []
    return found or [ok("all that is needed was tried, and may be done")]


async def memory(patient: Patient) -> list[Finding]:
    return await _of_info(patient, lambda info: redis_info.memory(info, patient.settings))


async def persistence(patient: Patient) -> list[Finding]:
    return await _of_info(patient, redis_info.persistence, "save", "appendfsync")


async def replicas(patient: Patient) -> list[Finding]:
    return await _of_info(patient, redis_info.replicas, "min-replicas-to-write")


async def clients(patient: Patient) -> list[Finding]:
    return await _of_info(patient, redis_info.clients)


async def _of_info(
    patient: Patient, judged: Callable[[Mapping[str, Any]], list[Finding]], *config: str
) -> list[Finding]:
    """`config`: what may have to be asked besides, and is not known where that is not allowed."""
    info = await patient.info()
    return [] if info is None else judged({**info, **{name: await _configured(patient, name) for name in config}})


async def _configured(patient: Patient, name: str) -> str | None:
    if patient.redis is None:
        return None
    try:
        values: Mapping[str, str] = await patient.redis.config_get(name)
    except NO_ANSWER:
        return None
    return values.get(name)


async def latency(patient: Patient) -> list[Finding]:
    """Of a PING, and of one of our scripts that changes nothing."""
    if patient.redis is None:
        return []
    redis, queue = patient.redis, Queue(patient.redis)
    try:
        pings = await _timed(redis.ping)
        scripts = await _timed(lambda: queue.positions(["st_doctor"]))
    except NO_ANSWER as error:
        return [warning(f"could not be measured: {refusal_of(error).words}", "look at Redis")]
    text = f"PING {_shown(pings)}, a script {_shown(scripts)} (p50, p99 of {TIMES}, in ms)"
    if _p99(pings) > SLOW_MS or _p99(scripts) > SLOW_MS:
        return [warning(text, "each token passes through Redis: have it near, on a machine of its own")]
    return [ok(text)]


async def _timed(ask: Callable[[], Awaitable[object]]) -> list[float]:
    """In milliseconds, sorted; the first, which connects or brings the script, does not count."""
    await ask()
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - began) * 1000)
    return sorted(taken)


def _p99(taken: list[float]) -> float:
    return taken[int(len(taken) * 0.99)]


def _shown(taken: list[float]) -> str:
    return f"{taken[len(taken) // 2]:.1f} and {_p99(taken):.1f}"
