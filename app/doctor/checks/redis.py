"""Redis: whether it is reached and fit, what this user may do there, how it keeps what it takes, and how fast it is; of
both servers where the streams have one of their own, and of each node of a cluster.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from app.doctor.checks import redis_info
from app.doctor.finding import Finding, Level, must, ok, warning
from app.doctor.patient import Patient
from app.doctor.reaching import Place, Server
from app.stream.errors import UnfitServerError
from app.stream.queue import Queue
from app.stream.redis.address import parse
from app.stream.redis.fitness import Part, judge, refused_to
from app.stream.redis.refusals import NO_ANSWER, refusal_of

TIMES = 50
# A token's way leads through Redis twice; beyond this it is seen.
SLOW_MS = 20.0
# Of what is refused; the rest is the same cause.
SHOWN = 5


async def reached(patient: Patient) -> list[Finding]:
    return await _reached(patient.queue)


async def streams(patient: Patient) -> list[Finding]:
    """The streams' server or cluster, where they have one of their own."""
    logs = patient.logs
    if logs is None:
        return [ok("on REDIS_URL, with the queue")]
    found = await _reached(logs)
    found += [
        must(f"the node {node} does not answer: {why}; its streams wait", "bring it back, or have a replica take over")
        for node, why in logs.silent.items()
    ]
    if logs.missing:
        found.append(
            must(f"{logs.missing} slots of the cluster have no node", "valkey-cli --cluster fix gives them one")
        )
    if logs.alone:
        nodes = ", ".join(logs.alone[:SHOWN])
        found.append(
            warning(
                f"nobody would take over from {nodes}: its streams would wait until it is back", "give it a replica"
            )
        )
    both = {str(place.info.get("run_id")) for place in (*await patient.queue.places(), *await logs.places())}
    if len(both) < len(await patient.queue.places()) + len(await logs.places()):
        found.append(warning("it is the server of REDIS_URL by another name", "take STREAMS_REDIS_URL away"))
    return found


async def _reached(server: Server) -> list[Finding]:
    where = _where(server)
    places = await server.places()
    if server.why or not (places or server.silent):
        return [must(f"{where} cannot be used: {server.why}", _remedy(server))]
    found = []
    for place in places:
        at = place.called if place.of_cluster else server.setting
        try:
            judge(place.info, cluster=place.of_cluster)
        except UnfitServerError as error:
            found.append(must(f"{at}: {error}"))
        except NO_ANSWER as error:
            found.append(warning(f"{at}: {refusal_of(error).words}", "wait for it"))
    if found or server.silent or server.missing:
        return found
    version = redis_info.version(places[0].info)
    if places[0].of_cluster:
        return [ok(f"{version}, a cluster of {len(places) + len(server.silent)} primaries")]
    return [ok(f"{version} at {where}, a primary")]


def _remedy(server: Server) -> str:
    if "certificate has expired" in server.why:
        return "renew it there, if this machine's clock is right"
    if "certificate is refused" in server.why:
        return "KEEPSTREAM_REDIS_CA names a file of certificates to trust"
    return f"look at {server.setting}, and whether Redis runs there"


def _where(server: Server) -> str:
    """Its address, without user and password."""
    try:
        address = parse(server.url)
    except (ValueError, LookupError):
        return server.setting
    if address.nodes:
        return f"the cluster of {', '.join(f'{host}:{port}' for host, port in address.nodes[:SHOWN])}"
    if address.sentinels:
        return f"the primary of {address.service}, by {len(address.sentinels)} Sentinels"
    if address.unix:
        return str(urlsplit(server.url).path)
    return f"{address.options.get('host', 'localhost')}:{address.options.get('port', 6379)}"


async def rights(patient: Patient) -> list[Finding]:
    return await _of_each(patient, _rights)


async def _rights(place: Place) -> list[Finding]:
    try:
        refused = await refused_to(place.client, place.part, cluster=place.of_cluster)
    except NO_ANSWER as error:
        return [must(f"what is needed could not be tried: {refusal_of(error).words}", "look at Redis")]
    found = [must(f"refused is {what}", "give the user what deploy/redis/users.acl has") for what in refused[:SHOWN]]
    if more := len(refused) - SHOWN:
        found += [must(f"and {more} things more are refused")] if more > 0 else []
    return found or [ok("all that is needed was tried, and may be done")]


async def memory(patient: Patient) -> list[Finding]:
    of = patient.settings

    async def judged(place: Place) -> list[Finding]:
        return redis_info.memory(place.info, 0 if place.part is Part.LOGS else of.queue_bytes + of.cache_bytes)

    return await _of_each(patient, judged)


async def persistence(patient: Patient) -> list[Finding]:
    return await _of_each(patient, _configured(redis_info.persistence, "save", "appendfsync"))


async def replicas(patient: Patient) -> list[Finding]:
    return await _of_each(patient, _configured(redis_info.replicas, "min-replicas-to-write"))


async def clients(patient: Patient) -> list[Finding]:
    return await _of_each(patient, _configured(redis_info.clients))


async def _of_each(patient: Patient, judged: Callable[[Place], Awaitable[list[Finding]]]) -> list[Finding]:
    """What is so of each server. Of a cluster's nodes that are as they should be one speaks for all."""
    found: list[Finding] = []
    well: list[Finding] = []
    for place in await patient.places():
        said = await judged(place)
        if place.called:
            said = [replace(one, says=f"{place.called}: {one.says}") for one in said]
        if place.of_cluster and all(one.level is Level.OK for one in said):
            well += said
        else:
            found += said
    if len(well) > 1:
        well = [replace(well[0], says=f"{well[0].says}, and likewise the other {len(well) - 1}")]
    return found + well


def _configured(
    judged: Callable[[Mapping[str, Any]], list[Finding]], *names: str
) -> Callable[[Place], Awaitable[list[Finding]]]:
    """`names`: what may have to be asked besides, and is not known where that is not allowed."""

    async def of(place: Place) -> list[Finding]:
        return judged({**place.info, **{name: await _value(place, name) for name in names}})

    return of


async def _value(place: Place, name: str) -> str | None:
    try:
        values: Mapping[str, str] = await place.client.config_get(name)
    except NO_ANSWER:
        return None
    return values.get(name)


async def latency(patient: Patient) -> list[Finding]:
    """Of a PING, and at the queue of one of our scripts that changes nothing."""
    return await _of_each(patient, _latency)


async def _latency(place: Place) -> list[Finding]:
    queue = Queue(place.client)
    try:
        pings = await _timed(place.client.ping)
        scripts = [] if place.part is Part.LOGS else await _timed(lambda: queue.positions(["st_doctor"]))
    except NO_ANSWER as error:
        return [warning(f"could not be measured: {refusal_of(error).words}", "look at Redis")]
    asked = f"PING {_shown(pings)}" + (f", a script {_shown(scripts)}" if scripts else "")
    text = f"{asked} (p50, p99 of {TIMES}, in ms)"
    if max(_p99(taken) for taken in (pings, scripts) if taken) > SLOW_MS:
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
