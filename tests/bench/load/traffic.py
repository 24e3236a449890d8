"""Streams and their readers, as the load generator opens them at any contender."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.bench.load.check import Received, broken_log, received, wrong_order
from tests.bench.load.client import Client, get, post, prompt, send, submit

# Of a process, beside what clients need.
SPARE_DESCRIPTORS = 100


@dataclass(frozen=True, slots=True)
class Target:
    """How a contender is spoken to.

    `direct`: a POST to `path` is answered with the stream. Else it is answered with the address of the events. `log`:
    the answer is a Keepstream log, whose ids are checked.
    """

    port: int
    path: str
    direct: bool = False
    log: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Stream:
    tokens: int
    events_path: str = ""
    readers: list[Client] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.events_path.split("/")[-2]


async def open_stream(
    target: Target, tokens: int, readers: int, *, rate: float, first: float, also: str = ""
) -> Stream:
    """Submits a prompt and connects its readers. A direct target has one upstream call for each reader."""
    stream = Stream(tokens)
    body = orjson.dumps({**prompt(tokens, rate=rate, first=first, extra=also), **target.extra})
    if target.direct:
        stream.readers = [await send(target.port, post(target.path, body)) for _ in range(readers)]
    else:
        stream.events_path, _ = await submit(target.port, target.path, body)
        await read_on(target, stream, readers)
    return stream


async def read_on(target: Target, stream: Stream, readers: int) -> list[Client]:
    """More readers of a stream, from its start."""
    clients = [await send(target.port, get(stream.events_path)) for _ in range(readers)]
    stream.readers += clients
    return clients


def check(target: Target, stream: Stream, client: Client, *, whole: bool) -> tuple[Received, str | None]:
    """What a reader received, and what is wrong with it."""
    got = received(client.parts, client.times)
    wrong = wrong_order(got.numbers, stream.tokens if whole else None)
    if wrong is None and client.status != 200 and (whole or client.status):
        wrong = f"status {client.status}: {client.raw[:200]!r}"
    if wrong is None and target.log:
        wrong = broken_log(client.raw, stream.id, whole=whole)
    return got, wrong


async def ended(streams: list[Stream], seconds: float) -> None:
    """Waits until every reader's answer has ended, at most so long; then drops the connections that are left."""
    futures = [client.ended for stream in streams for client in stream.readers]
    if futures:
        await asyncio.wait(futures, timeout=seconds)
    drop(streams)
    await asyncio.sleep(0)


def drop(streams: list[Stream]) -> None:
    for stream in streams:
        for client in stream.readers:
            client.transport.abort()


def allow_descriptors(wanted: int) -> None:
    """Raises the soft limit of open files. Raises `OSError` where the hard limit is too low."""
    wanted += SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise OSError(f"{wanted} open files are needed and {hard} allowed: see ulimit -Hn")
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
