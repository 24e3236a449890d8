"""A large answer goes out in parts, whole, and is held once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.fanout.parts import PART_BYTES
from app.http.whole import in_parts
from app.stream.log import Log
from app.stream.redis.connect import connect
from tests.bench.stalled import MIB, begun, request, take_a_little, write
from tests.harness.running import keepstream

CLIENTS = 30
EACH_BYTES = 128 * 1024
FRAME_BYTES = 8 * MIB


@given(st.lists(st.one_of(st.integers(0, 100), st.integers(PART_BYTES - 2, 3 * PART_BYTES + 2)), max_size=20))
def test_parts_are_the_same_bytes_and_none_is_large(sizes: Sequence[int]) -> None:
    pieces = [bytes([65 + n % 26]) * size for n, size in enumerate(sizes)]
    parts = list(in_parts(pieces))
    assert b"".join(parts) == b"".join(pieces)
    assert all(0 < len(part) <= PART_BYTES for part in parts)


async def test_who_does_not_read_holds_little_of_what_is_large_on_any_face() -> None:
    """A message of 8 MiB, and a frame as large: what all the clients hold is one of it, and parts."""
    with TemporaryDirectory(prefix="keepstream-large-") as directory:
        valkey = await asyncio.to_thread(EmbeddedValkey.start, Path(directory))
        with valkey, keepstream("front", "--port", "0", warm=True, REDIS_URL=valkey.url) as front:
            url = (await asyncio.to_thread(front.line, r"front on (\S+)$"))[1]
            redis = connect(valkey.url, "large")
            for face in ("whole", "chat", "page", "log"):
                held = await _held(face, url, redis, front.pid)
                assert held < CLIENTS * EACH_BYTES + 3 * FRAME_BYTES, face
                await redis.flushall()
            await redis.aclose()


async def _held(face: str, url: str, redis: Redis, pid: int) -> int:
    """What a front's memory grows by while clients take the first of it and then nothing."""
    loop = asyncio.get_running_loop()
    port = int(url.rsplit(":", 1)[1])
    async with begun(face, url, redis) as claim:
        await write(Log(redis), claim, FRAME_BYTES, FRAME_BYTES, end=face == "whole")
        before = psutil.Process(pid).memory_info().rss
        clients = []
        for _ in range(CLIENTS):
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.setblocking(False)  # noqa: FBT003 - the socket module's own
            await loop.sock_connect(sock, ("127.0.0.1", port))
            await loop.sock_sendall(sock, request(face, claim.stream_id))
            clients.append(sock)
        await take_a_little(clients)
        held = psutil.Process(pid).memory_info().rss - before
        for sock in clients:
            sock.close()
    return held
