"""How many appends one server takes: driven in batches, as a worker does, by more than it can take.

Each append is the script that a worker sends, published to one who listens to all streams. The server has a processor
of its own where the machine has two, so that it is what is full. One of three nodes is driven by the streams that are
its own; the others have nothing to do but to be there.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hiredis
from redis.crc import key_slot

from app.dev.embedded import Config, EmbeddedValkey
from app.dev.ports import LOOPBACK
from app.stream import keys
from app.stream.log import APPEND, Claim
from app.stream.scripts import sharded as of_shards
from app.stream.scripts import source
from app.stream.scripts.appending import append_arguments
from tests.bench.gauges import cpu_seconds
from tests.bench.sharded.stack import as_deployed
from tests.harness.sharded.nodes import Nodes

STREAMS = 200
BATCH = 100
WARM_SECONDS, SECONDS = 0.5, 2.0
LIFE_MS = 600_000
# So many batches are sent before the first of them is answered.
AHEAD = 4
READ_BYTES = 1024 * 1024
_FRAME = b"event: content_block_delta\ndata: " + b"x" * 90 + b"\nid: 000000000-00000000\n\n"


@dataclass(frozen=True)
class Driven:
    """`share` of a core that the server took."""

    per_second: float
    share: float

    @property
    def per_cpu(self) -> float:
        return self.per_second / self.share


@contextmanager
def one_redis() -> Iterator[Callable[[], Driven]]:
    """Drives it, as often as it is asked to."""
    with (
        tempfile.TemporaryDirectory() as directory,
        EmbeddedValkey.start(Path(directory), extra_config=_config(Path(directory))) as valkey,
    ):
        names = [f"st_{n}" for n in range(STREAMS)]
        yield lambda: _drive(valkey, names, sharded=False)


@contextmanager
def one_of_nodes(number: int) -> Iterator[Callable[[], Driven]]:
    """Likewise one of so many."""
    with (
        tempfile.TemporaryDirectory() as directory,
        Nodes.start(Path(directory), primaries=number, replicas=0, config=_config) as nodes,
    ):
        mine = nodes.nodes[0]
        seen = next(one for one in nodes.seen() if one.id == mine.id)
        names = (f"st_{n}" for n in itertools.count())
        own = (name for name in names if seen.has(key_slot(keys.log(name).encode())))
        first = list(itertools.islice(own, STREAMS))
        yield lambda: _drive(mine.valkey, first, sharded=True)


def _config(directory: Path) -> Config:
    """Nothing is written anew in the middle of a measurement."""
    return (*as_deployed(directory), ("auto-aof-rewrite-percentage", "0"))


def _drive(valkey: EmbeddedValkey, names: Sequence[str], *, sharded: bool) -> Driven:
    with _processors(valkey.pid), _connected(valkey.port) as out, _connected(valkey.port) as ear:
        parser = hiredis.Reader()
        _asked(out, parser, [("FLUSHALL",)])
        text = of_shards(source(*APPEND)) if sharded else source(*APPEND)
        sha = _asked(out, parser, [(b"SCRIPT", b"LOAD", text)])[0]
        claims = [Claim(name, 1, "bench") for name in names]
        facts = ("owner", "anonymous", "state", "running", "fence", "1", "holder", "bench")
        _asked(out, parser, [("HSET", keys.meta(name), *facts) for name in names])
        _asked(out, parser, [("PEXPIRE", keys.meta(name), str(LIFE_MS)) for name in names])
        ear.sendall(hiredis.pack_command(("SSUBSCRIBE" if sharded else "SUBSCRIBE", *map(keys.channel, names))))
        ear.setblocking(False)  # noqa: FBT003  # the socket module's own
        batches = _batches(sha, claims)
        taken, under_way = 0, 0
        began, before, counted = time.perf_counter(), 0.0, 0
        while (now := time.perf_counter()) - began < WARM_SECONDS + SECONDS:
            if not before and now - began >= WARM_SECONDS:
                before, counted, measured = cpu_seconds(valkey.pid), taken, now
            while under_way < AHEAD * BATCH:
                out.sendall(next(batches))
                under_way += BATCH
            parser.feed(out.recv(READ_BYTES))
            while (reply := parser.gets()) is not False:
                if not isinstance(reply, list) or reply[0] != b"ok":
                    raise RuntimeError(f"an append was answered with {reply!r}")
                taken, under_way = taken + 1, under_way - 1
            _drain(ear)
        seconds = time.perf_counter() - measured
        return Driven((taken - counted) / seconds, (cpu_seconds(valkey.pid) - before) / seconds)


def _batches(sha: bytes, claims: Sequence[Claim]) -> Iterator[bytes]:
    """One append of one stream after the other, for ever."""
    at = 0
    while True:
        for start in range(0, len(claims), BATCH):
            parts = []
            for claim in claims[start : start + BATCH]:
                its_keys, args = append_arguments(claim, at, _FRAME)
                parts.append(hiredis.pack_command((b"EVALSHA", sha, len(its_keys), *its_keys, *args)))
            yield b"".join(parts)
        at += len(_FRAME)


def _asked(out: socket.socket, parser: hiredis.Reader, commands: Sequence[tuple[str | bytes, ...]]) -> list[Any]:
    out.sendall(b"".join(hiredis.pack_command(command) for command in commands))
    replies: list[Any] = []
    while len(replies) < len(commands):
        parser.feed(out.recv(READ_BYTES))
        while (reply := parser.gets()) is not False:
            if isinstance(reply, hiredis.ReplyError):
                raise reply
            replies.append(reply)
    return replies


def _drain(ear: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        while ear.recv(READ_BYTES):
            pass


@contextmanager
def _connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection((LOOPBACK, port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection


@contextmanager
def _processors(pid: int) -> Iterator[None]:
    """One for the server and another for us, where the system can say so and there are two."""
    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2:  # as the text says
        yield
        return
    before = os.sched_getaffinity(0)
    first, second, *_ = sorted(before)
    os.sched_setaffinity(pid, {first})
    os.sched_setaffinity(0, {second})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
