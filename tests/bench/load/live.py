"""Load that flows: streams at a pace with readers at their end, for a window of time or in rising steps."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from statistics import median
from time import time_ns
from typing import Any

from tests.bench.gauges import cpu_of
from tests.bench.load.check import TOKEN, Received
from tests.bench.load.traffic import Stream, Target, check, drop, ended, open_stream

FIRST_SECONDS = 0.1
# The parts of a ramp's step: streams are opened, they come into flow, and what follows is measured.
OPENING, OPENED = 0.25, 0.65
# A step of a ramp whose readers are, in the middle, so late is the last.
HOPELESS_SECONDS = 0.5
WRONG_SHOWN = 5
LAST_CHUNK = b"0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Load:
    """`streams` of `rate` tokens a second with `readers` each; only every `read_every`th is read at all.

    They are opened over `spread` seconds; measured is from `warm` on for `window` seconds; `grace` is how long after
    that the rest may take.
    """

    streams: int
    readers: int
    rate: float
    window: float
    warm: float = 2.0
    spread: float = 1.0
    grace: float = 3.0
    read_every: int = 1

    @property
    def tokens(self) -> int:
        return int(self.rate * (self.warm + self.window + 0.3))

    @property
    def reading(self) -> int:
        return (self.streams + self.read_every - 1) // self.read_every * self.readers


@dataclass(slots=True)
class Window:
    """A stretch of time, in nanoseconds of the machine's clock, and the CPU seconds that each role spent in it."""

    start: int
    before: Mapping[str, float]
    end: int = 0
    after: Mapping[str, float] = field(default_factory=dict)
    late: list[int] = field(default_factory=list)
    delivered: int = 0
    wanted: int = 0

    def close(self, pids: Mapping[str, int]) -> None:
        self.end, self.after = time_ns(), cpu_of(pids)

    def add(self, got: Received, since: int, flow: int, rate: float) -> None:
        """Counts what was seen in it, and keeps how late was what was sent in it, to a reader who was there.

        The reader was there `since`; the stream was to be in `flow` from then on, with `rate` tokens a second.
        """
        start, end = self.start, self.end
        self.delivered += sum(start <= seen < end for seen in got.seen)
        self.late += [
            seen - sent for sent, seen in zip(got.sent, got.seen, strict=True) if start <= sent < end and sent > since
        ]
        step = 1e9 / rate
        self.wanted += max(0, ceil((end - flow) / step) - ceil((max(start, since, flow) - flow) / step))

    def report(self) -> dict[str, Any]:
        """Milliseconds, events a second, CPU seconds."""
        seconds = (self.end - self.start) / 1e9
        return {
            "seconds": seconds,
            "offered_per_second": self.wanted / seconds,
            "delivered_per_second": self.delivered / seconds,
            "delivered": self.delivered,
            "came": len(self.late) / self.wanted if self.wanted else 1.0,
            "late_ms": quantiles(self.late, self.wanted),
            "cpu": {role: self.after[role] - self.before[role] for role in self.after},
        }


async def steady(target: Target, load: Load, pids: Mapping[str, int]) -> dict[str, Any]:
    """One load, from the first token to the last."""
    pids = {**pids, "generator": os.getpid()}
    loop = asyncio.get_running_loop()
    start = loop.time()
    opening = [
        asyncio.create_task(_open(target, load, n, start + load.spread * offset, load.tokens))
        for n, offset in enumerate(_offsets(load.streams))
    ]
    await _until(start + load.warm)
    window = Window(time_ns(), cpu_of(pids))
    await _until(start + load.warm + load.window)
    window.close(pids)
    streams = [await task for task in opening]
    await ended(streams, load.grace)
    wrong = _look(target, streams, [window], load.rate, complete=True)
    return window.report() | {"readers": load.reading, "wrong": wrong[:WRONG_SHOWN], "wrong_count": len(wrong)}


async def ramp(
    target: Target, load: Load, pids: Mapping[str, int], steps: list[int], step_seconds: float
) -> dict[str, Any]:
    """More and more streams: `steps` are how many run at once. Ends where the readers are hopelessly late."""
    pids = {**pids, "generator": os.getpid()}
    loop = asyncio.get_running_loop()
    start = loop.time()
    tokens = int(load.rate * step_seconds * (len(steps) + 2))
    streams: list[Stream] = []
    windows: list[Window] = []
    for n, total in enumerate(steps):
        begin = start + n * step_seconds
        added = total - len(streams)
        opening = [
            asyncio.create_task(_open(target, load, len(streams) + k, begin + step_seconds * OPENING * offset, tokens))
            for k, offset in enumerate(_offsets(added))
        ]
        await _until(begin + step_seconds * OPENED)
        window = Window(time_ns(), cpu_of(pids))
        await _until(begin + step_seconds)
        window.close(pids)
        windows.append(window)
        done, waiting = await asyncio.wait(opening, timeout=step_seconds)
        streams += [task.result() for task in done]
        if waiting or _lag(streams) > HOPELESS_SECONDS:
            for task in waiting:
                task.cancel()
            break
    drop(streams)
    await asyncio.sleep(0.1)
    wrong = _look(target, streams, windows, load.rate, complete=False)
    reports = [
        window.report() | {"streams": total, "readers": -(-total // load.read_every) * load.readers}
        for window, total in zip(windows, steps, strict=False)
    ]
    return {"steps": reports, "wrong": wrong[:WRONG_SHOWN], "wrong_count": len(wrong)}


def _offsets(count: int) -> list[float]:
    """Where in a stretch of time each of so many streams begins: at random, because evenly spread streams of one pace
    would all have their tokens at the same moments; and the same for every contender.
    """
    dice = random.Random(count)  # noqa: S311 - no secret
    return sorted(dice.random() for _ in range(count))


async def _open(target: Target, load: Load, n: int, at: float, tokens: int) -> Stream:
    await _until(at)
    readers = load.readers if n % load.read_every == 0 else 0
    return await open_stream(target, tokens, readers, rate=load.rate, first=FIRST_SECONDS)


def _look(target: Target, streams: list[Stream], windows: list[Window], rate: float, *, complete: bool) -> list[str]:
    """Checks every byte of every reader, and gives the tokens to the windows.

    `complete`: an answer that ended by itself must hold the whole stream; others were cut by us.
    """
    wrong = []
    for stream in streams:
        seen = []
        for client in stream.readers:
            whole = complete and client.raw.endswith(LAST_CHUNK)
            got, found = check(target, stream, client, whole=whole)
            seen.append((got, client.times[0] if client.times else client.sent))
            wrong += [found] if found else []
        flow = min((got.sent[0] for got, _ in seen if got.sent), default=0)
        for window in windows:
            for got, since in seen:
                window.add(got, since, flow, rate)
    return wrong


def _lag(streams: list[Stream]) -> float:
    """How late, in seconds, the newest token of the one reader in the middle is."""
    now, lags = time_ns(), []
    for stream in streams:
        for client in stream.readers[:1]:
            found = TOKEN.findall(b"".join(client.parts[-2:]))
            lags.append((now - int(found[-1][0])) / 1e9 if found else HOPELESS_SECONDS)
    return median(lags) if lags else 0.0


def quantiles(late: list[int], wanted: int) -> dict[str, float | None]:
    """Milliseconds by quantile; what was wanted and did not come is later than all that came: None."""
    ordered = sorted(late)
    total = max(wanted, len(ordered)) if wanted > len(ordered) * 1.01 else len(ordered)
    names = {f"{q:g}": q / 100 for q in (1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9)}
    return {
        name: ordered[int(total * share)] / 1e6 if int(total * share) < len(ordered) else None
        for name, share in names.items()
    }


async def _until(when: float) -> None:
    delay = when - asyncio.get_running_loop().time()
    if delay > 0:
        await asyncio.sleep(delay)
