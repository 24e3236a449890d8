"""What a load needs: fronts, workers, Redis, memory, bandwidth and money, from the figures on the page about sizing.

The rule: each figure stands once, in the tables of `app/docs/sizing.md`; the page's calculator (`app/web/docs/need.js`)
reads the same ones and reckons the same, which a test compares. Pure but for reading that page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, inf
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "app" / "docs" / "sizing.md"
# | `reader_kb` | 2.4 | KB | what it is |
_FIGURE = re.compile(r"^\| `([a-z_]+)` \| ([\d.,]+) \|", re.MULTILINE)
AT_LEAST = 2  # of each kind of process, so that one may restart

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Load:
    """`streams` at a time with `readers` each, of `rate` tokens a second, `tokens` long, kept for `kept` seconds."""

    streams: float
    readers: float = 1
    rate: float = 50
    tokens: float = 1000
    kept: float = 3600


@dataclass(frozen=True, slots=True)
class Need:
    """What it takes. Gigabytes and megabytes are decimal; `queue_share` is of the core of the queue's Redis."""

    starts: float  # streams that begin in a second
    fronts: int
    workers: int
    nodes: int
    queue_share: float
    redis_gb: float
    redis_mb_s: float
    out_mb_s: float
    busy_cores: float
    cores: int
    memory_gb: float
    usd_hour: float
    api_usd_hour: float


def figures(text: str | None = None) -> dict[str, float]:
    """Those that stand on the page."""
    found = _FIGURE.findall(PAGE.read_text() if text is None else text)
    return {name: float(value.replace(",", "")) for name, value in found}


def need(of: Figures, load: Load) -> Need:
    events = load.streams * load.rate
    starts = events / load.tokens

    # A front pays for each event that comes to it, and for each reader whom it hands it to.
    every = events * of["front_event_us"] / 1e6
    handing = (
        events * load.readers * of["front_delivery_us"]
        + starts * (of["front_submit_us"] + load.readers * of["front_join_us"])
    ) / 1e6
    few = handing / (of["busy"] - every) if every < of["busy"] else inf
    enough = few if few <= load.readers else (handing + every * load.readers) / of["busy"]
    fronts = max(AT_LEAST, ceil(enough), ceil(load.streams * load.readers / of["front_readers"]))

    working = (events * of["worker_event_us"] + starts * of["worker_start_us"]) / 1e6
    workers = max(AT_LEAST, ceil(load.streams / of["worker_streams"]), ceil(working / of["busy"]))

    logging = (events * of["redis_event_us"] + starts * of["redis_stream_us"]) / 1e6
    # Workers are woken for an empty line: those that come before it is emptied wake nobody.
    waking = starts / (1 + starts * of["taken_seconds"]) * workers * of["wake_us"]
    queue = (starts * of["queue_stream_us"] + waking + load.streams * of["lease_us"] / of["renew_seconds"]) / 1e6
    log_bytes = load.tokens * of["token_bytes"]
    running = log_bytes * of["running_slack"] + (of["stream_kb"] + of["prompt_kb"]) * 1000
    ended = log_bytes + load.tokens * of["token_chars"] + of["stream_kb"] * 1000
    redis_gb = (load.streams * running + starts * load.kept * ended) / 1e9 * of["redis_spare"]
    alone = logging + queue <= of["busy"] and redis_gb <= of["node_gb"]
    nodes = 1 if alone else 1 + max(ceil(logging / of["busy"]), ceil(redis_gb / of["node_gb"]))

    cores = fronts + workers + nodes
    memory_gb = (
        redis_gb
        + (
            fronts * of["front_mb"]
            + workers * of["worker_mb"]
            + load.streams * (load.readers * of["reader_kb"] + min(load.readers, fronts) * of["tail_kb"]) / 1000
            + load.streams * of["worker_stream_kb"] / 1000
        )
        / 1000
    )
    wire = events * of["event_bytes"] / 1e6
    asked = starts * of["prompt_kb"] * 1000 / of["token_chars"]
    return Need(
        starts=starts,
        fronts=fronts,
        workers=workers,
        nodes=nodes,
        queue_share=queue,
        redis_gb=redis_gb,
        redis_mb_s=wire * (1 + min(load.readers, fronts)),
        out_mb_s=wire * load.readers,
        busy_cores=every * min(load.readers, fronts) + handing + working + logging + queue,
        cores=cores,
        memory_gb=memory_gb,
        usd_hour=cores * of["core_usd"] + memory_gb * of["gb_usd"],
        api_usd_hour=(events * of["output_usd"] + asked * of["input_usd"]) * 3600 / 1e6,
    )
