"""CPU: of an event and of a stream, in a front, a worker and a Redis."""

from __future__ import annotations

import time

from tests.bench.gauges import cpu_of
from tests.bench.sizing.formula import Figures
from tests.bench.sizing.holding import fresh, run
from tests.bench.table.bench import micros

FEW, MANY = 1, 10
STREAMS, RATE, SECONDS = 200, 50, 6.0
COUNT, STARTS_SECONDS = 400, 10.0
ROUNDS = 3


def events(_: Figures) -> Figures:
    """A front pays for each event that comes, and for each reader whom it hands it to: two loads tell the two apart."""
    load = {"rate": RATE, "window": SECONDS, "warm": 3.0, "spread": 1.5}
    with fresh() as stack:
        few = run("steady", stack, streams=STREAMS, readers=FEW, **load)
        many = run("steady", stack, streams=STREAMS // 4, readers=MANY, **load)
    with_few, with_many = (micros(one, ("front",)) or 0.0 for one in (few, many))
    coming = (with_few - with_many) / (1 / FEW - 1 / MANY)
    return {
        "front_event_us": max(coming, 0.0),
        "front_delivery_us": max(with_few - coming, 0.1),
        "worker_event_us": micros(few, ("worker",)) or 0.0,
        "redis_event_us": micros(few, ("valkey",)) or 0.0,
    }


def starts(known: Figures) -> Figures:
    """Streams of one token, each read once."""
    with fresh() as stack:
        run("starts", stack, count=20, seconds=1.0)
        time.sleep(1.0)
        idle = cpu_of(stack.pids)
        time.sleep(3.0)
        still = {role: (now - idle[role]) / 3.0 for role, now in cpu_of(stack.pids).items()}
        before, since = cpu_of(stack.pids), time.monotonic()
        run("starts", stack, count=COUNT, seconds=STARTS_SECONDS)
        seconds = time.monotonic() - since
        spent = {role: now - before[role] - still[role] * seconds for role, now in cpu_of(stack.pids).items()}
        join = run("replay", stack, tokens=20, seconds=2.0, least=50)["cpu_ms_each"]["front"] * 1e3
    each = {role: one * 1e6 / COUNT for role, one in spent.items()}
    queue = known["queue_stream_us"]
    return {
        "front_join_us": join,
        "front_submit_us": max(each["front"] - join, 1.0),
        "worker_start_us": each["worker"],
        "redis_stream_us": max(each["valkey"] - queue, 1.0),
    }
