"""One run: a cluster, a load, a nemesis; and then, when all is quiet, a look for what was left behind."""

from __future__ import annotations

import asyncio
import math
import random
import tempfile
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import psutil

from app.stream import keys
from app.stream.accounts import ANONYMOUS, NANO
from tests.chaos.billed import Billed
from tests.chaos.board import Board
from tests.chaos.case import Case
from tests.chaos.costs import Meter, Sums
from tests.chaos.faults.nemesis import Nemesis
from tests.chaos.faults.on_nodes import OnNodes
from tests.chaos.faults.starving import Starving
from tests.chaos.load.streams import Load
from tests.chaos.loops import asks as loops
from tests.chaos.loops.case import Loop, Run, runs_in
from tests.chaos.loops.tools import FILE
from tests.chaos.report import Report
from tests.harness.cluster import Cluster
from tests.harness.leaks import keys_without_ttl
from tests.harness.sharded.behind_proxies import BehindProxies
from tests.harness.sharded.counted import heard_channels, redirections

LEASE_SECONDS = 2.0
# What stands of who waits, and of those that are not done.
WAITING = (keys.JOBS, keys.SINCE, keys.OWNERS, keys.SIZES, keys.APPROVALS)
WORKERS = 3
TOOLS_SHARE = 1 / 3
FRONTS = 2
SETTINGS: dict[str, object] = {
    "lease_seconds": LEASE_SECONDS,
    # Kills come thick here: streams are to survive them, not to run out of calls.
    "max_attempts": 50,
    "drain_seconds": 2,
    "worker_streams": 40,
    "stream_seconds_max": 60,
    # Redis holds what is read and compared, and not all that ever was.
    "stream_ttl": 120,
    "stall_timeout": 5,
    "tools": loops.MODULE,
}
# None is reached; all is counted, promised and settled.
LIMITS = """
[default]
requests_per_minute = 1000000
concurrent_streams = 1000000
output_tokens_per_minute = 100000000
usd_per_month = 1000000
unpriced = "allow"
"""
# After the last stream has ended: leases, subscriptions and connections have so long to go.
QUIET_SECONDS = 10.0
# Beside listeners, Redis' pool and the channel: what a front may still hold open with no client there.
DESCRIPTORS = 90


# Of the streams that nobody cancelled so many have to be answered whole: a run in which all fail proves nothing.
WHOLE_SHARE = 0.6
# Of loops fewer: what must not run twice ends them where its worker was killed.
WHOLE_LOOPS_SHARE = 0.3
# Of so few one is enough.
HANDFUL = 20


async def chaos(
    seconds: float,
    rng: random.Random,
    width: int,
    tools: float = TOOLS_SHARE,
    most: float = math.inf,
    *,
    on_nodes: bool = False,
) -> Report:
    """Runs for `seconds`, or until `most` streams have begun, then until every stream has ended and all is quiet.

    `tools`: the share of loops of tools. `on_nodes`: logs are on a Valkey Cluster, to which more happens.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "limits.toml").write_text(LIMITS)
        ran = folder / "runs"
        ran.touch()
        settings = {**SETTINGS, "limits_file": folder / "limits.toml"}
        others = {FILE: str(ran), "PYTHONPATH": str(Path.cwd())}
        behind = await stack.enter_async_context(BehindProxies(folder / "nodes")) if on_nodes else None
        nodes = behind.nodes if behind else None
        made = Cluster(workers=WORKERS, fronts=FRONTS, as_default=True, others=others, nodes=nodes, **settings)
        cluster = await stack.enter_async_context(made)
        load = Load(cluster, random.Random(rng.random()), width, tools, most)  # noqa: S311 - to repeat it
        nemesis = Nemesis(cluster, random.Random(rng.random()), LEASE_SECONDS, tools)  # noqa: S311 - as above
        if behind is not None:
            nemesis.also(OnNodes(behind, random.Random(rng.random()), LEASE_SECONDS).faults)  # noqa: S311 - as above
        starving = Starving(lambda: [worker.pid for worker in cluster.workers], LEASE_SECONDS)
        billed = Billed(cluster.redis, cluster.streams)
        board = Board(cluster, load.exist, nemesis)
        watching = [asyncio.create_task(watcher.run()) for watcher in (starving, billed, board)]
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run(seconds))
            group.create_task(nemesis.run(seconds, load.over))
        for watcher in watching:
            watcher.cancel()
        await nemesis.supervise()
        left = await left_behind(cluster)
        runs = runs_in(ran.read_text())
        calls, meter = await counted_calls(cluster), await metered(cluster)
        ended = [case for case in load.cases if case.outcome]
        disturbances = {
            case.stream_id: nemesis.disturbances(case.began, case.ended)
            + sum(began <= case.ended and case.began <= ended for began, ended in starving.spans)
            for case in ended
        }
        return Report(
            cases=load.cases,
            readers=load.readers,
            reconnects=load.reconnects,
            refused=len(load.refused),
            undisturbed=sum(not count for count in disturbances.values()),
            starved=sum(ended - began for began, ended in starving.spans),
            faults=nemesis.counts,
            sums=Sums.of((case.costs for case in ended if case.costs is not None), meter),
            runs=runs,
            redirections=redirections(nodes) if nodes else {},
            violations=[
                *load.violations,
                *twice(load.cases, runs),
                *nemesis.deaths,
                *paid(ended, calls, disturbances),
                *(wrong for case in ended for wrong in case.judge_costs(meter, disturbances[case.stream_id])),
                *await counted(cluster, ended, billed),
                *await board.final(),
                *(f"{tag} was answered with an error, and started" for tag in load.refused if calls.get(tag)),
                *too_few(ended),
                *left,
            ],
        )


def paid(cases: list[Case], calls: dict[str, int], disturbances: dict[str, int]) -> list[str]:
    """Where the upstream was called more often than was told, or a stream changed hands that nothing disturbed."""
    found = [case.judge_calls(calls.get(case.ask.tag, 0), disturbances[case.stream_id]) for case in cases]
    return [sentence for sentence in found if sentence]


def twice(cases: list[Case], runs: list[Run]) -> list[str]:
    """Where a tool ran that must not have, or a result is none of its runs'."""
    by_stream: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_stream[run.stream_id].append(run)
    loops = [case for case in cases if isinstance(case, Loop)]
    return [wrong for case in loops for wrong in case.judge_runs(by_stream[case.stream_id])]


def too_few(cases: list[Case]) -> list[str]:
    """A check of the run itself."""
    found = []
    for share, face in ((WHOLE_SHARE, Case), (WHOLE_LOOPS_SHARE, Loop)):
        asked = [case for case in cases if not case.cancelled and case.face != "talk" and type(case) is face]
        whole = sum(case.outcome == "completed" for case in asked)
        if whole < (share * len(asked) if len(asked) >= HANDFUL else min(1, len(asked))):
            found.append(f"only {whole} of {len(asked)} {face.__name__.lower()}s were answered whole")
    return found


async def counted_calls(cluster: Cluster) -> dict[str, int]:
    """The upstream's calls of each tag."""
    async with httpx.AsyncClient() as http:
        tags = (await http.get(f"{cluster.claude_url}/_sim/calls")).json()["tags"]
    return {tag: count["calls"] for tag, count in tags.items()}


async def metered(cluster: Cluster) -> Meter:
    """What each call would be billed, by its request id."""
    async with httpx.AsyncClient() as http:
        meter: Meter = (await http.get(f"{cluster.claude_url}/_sim/meter")).json()
    return meter


async def counted(cluster: Cluster, cases: list[Case], billed: Billed) -> list[str]:
    """Where what is counted over all streams is not the sum of their ledgers."""
    await billed.look()
    known = billed.calls | {case.stream_id: case.costs.calls for case in cases if case.costs is not None}
    sums = [calls.sums for calls in known.values()]
    ours = [sum(getattr(one, name) for one in sums) for name in ("input", "output", "nano")]
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{cluster.any_front_itself()}/v1/usage")
    total = answer.json()["total"]
    theirs = [total["input_tokens"], total["output_tokens"], round(total["cost_usd"] * NANO)]
    spent = int(await cluster.redis.hget(keys.account(ANONYMOUS), "spent_month") or 0)  # type: ignore[misc]  # redis-py's types mix both clients
    if spent != ours[2]:
        return [f"the ledgers have {ours[2]} nano-dollars, of the budget {spent} are spent"]
    if ours == theirs and (total["streams"], total["calls"]) == (
        len(known),
        sum(calls.made for calls in known.values()),
    ):
        return []
    return [f"the ledgers of {len(known)} streams have {ours}, counted were {theirs} of {total}"]


async def left_behind(cluster: Cluster) -> list[str]:
    """What should have gone, and has not within `QUIET_SECONDS`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + QUIET_SECONDS
    while (left := await _look(cluster)) and loop.time() < deadline:
        await asyncio.sleep(0.1)
    return left


async def _look(cluster: Cluster) -> list[str]:
    redis = cluster.redis
    left = [f"{key} is not empty" for key in (*WAITING, keys.LEASES, keys.CLAIMS) if await redis.exists(key)]
    left += [f"{key.decode()} still promises" for key in await redis.keys(keys.reserved("*"))]
    left += [f"{key} has no TTL" for key in await keys_without_ttl(redis)]
    heard = [channel.decode() for channel in await redis.pubsub_channels()]
    if cluster.nodes is not None:
        left += [f"{key} has no TTL" for key in await asyncio.to_thread(cluster.nodes.forever)]
        heard += await asyncio.to_thread(heard_channels, cluster.nodes)
    left += [f"somebody listens to {channel}" for channel in heard if channel.startswith("ks:{st_")]
    async with httpx.AsyncClient() as http:
        calls = (await http.get(f"{cluster.claude_url}/_sim/calls")).json()
    if calls["open"]:
        left.append(f"{calls['open']} upstream calls are still open")
    for front in cluster.fronts:
        descriptors = psutil.Process(front.pid).num_fds()
        if descriptors > DESCRIPTORS:
            left.append(f"{front.name} holds {descriptors} descriptors")
    return left
