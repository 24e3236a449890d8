"""What clients that do not read cost a front, on every face: memory while they are there, and after they left.

    python -m tests.bench.stalled [native messages chat whole page log]

A real front process, one stream at a time: running with 2 MiB, finished with 16 MiB, running with one frame of 8 MiB.
Each client takes the first of it, so that the front has begun with what is large, and then nothing; `whole` asks for
the finished Message, `page` and `log` for the stream as a Durable Stream, at once and as events.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import orjson
import psutil
import uvloop
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.stream import frames
from app.stream.endings import Outcome, end_data
from app.stream.log import Claim, Log
from app.stream.queue import Queue
from app.stream.redis.connect import connect
from tests.harness.running import keepstream

CLIENTS = 200
SETTLE_SECONDS = 3.0
PATIENCE_SECONDS = 120.0
LITTLE_BYTES = 8 * 1024
LIFE_MS = 600_000
MIB = 1024 * 1024
START = {"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "content": []}}
BLOCK = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}


def request(face: str, stream_id: str) -> bytes:
    """What a client sends that comes to a stream which runs, or has ended."""
    match face:
        case "native":
            return f"GET /v1/streams/{stream_id}/events HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()
        case "whole":
            return f"GET /v1/streams/{stream_id}/message HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()
        case "page" | "log":
            live = "&live=sse" if face == "log" else ""
            path = f"/v1/streams/{stream_id}/log?offset={offset_of_what_is_large(stream_id)}{live}"
            return f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()
        case "chat":
            return b"GET /api/chat/stalled/stream HTTP/1.1\r\nhost: localhost\r\n\r\n"
        case _:
            body = b'{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}'
            head = "host: localhost\r\nidempotency-key: stalled\r\n"
            head += f"content-type: application/json\r\ncontent-length: {len(body)}"
            return f"POST /v1/messages HTTP/1.1\r\n{head}\r\n\r\n".encode() + body


def offset_of_what_is_large(stream_id: str) -> str:
    position = frames.origin(stream_id)
    for event in (START, BLOCK):
        _, *after = frames.encode(str(event["type"]).encode(), orjson.dumps(event), *position)
        position = frames.Position(*after)
    return position.id


@contextlib.asynccontextmanager
async def begun(face: str, url: str, redis: Redis) -> AsyncIterator[Claim]:
    async with contextlib.AsyncExitStack() as beginning:
        yield await submit(face, url, redis, beginning)


async def submit(face: str, url: str, redis: Redis, beginning: contextlib.AsyncExitStack) -> Claim:
    """A new stream of that face, claimed."""
    http = await beginning.enter_async_context(httpx.AsyncClient(timeout=60))
    if face in ("native", "whole", "page", "log"):
        await http.post(f"{url}/v1/streams", json={"prompt": "hi"})
    elif face == "chat":
        message = {"id": "1", "role": "user", "parts": [{"type": "text", "text": "hi"}]}
        body = {"id": "stalled", "messages": [message], "trigger": "submit-message"}
        asking = http.stream("POST", f"{url}/api/chat", json=body)
        await beginning.enter_async_context(asking)
    else:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        writer.write(request(face, ""))
        beginning.callback(writer.close)
        beginning.callback(reader.feed_eof)
    while not (claims := await Queue(redis).claim("author", 1, slots=1, lease_ms=LIFE_MS)):
        await asyncio.sleep(0.01)
    return claims[0]


async def write(log: Log, claim: Claim, size: int, largest: int, *, end: bool) -> None:
    """A message of about `size` bytes in deltas of `largest`."""
    begun = await log.begin(claim)
    position = begun.position
    assert position is not None
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x" * largest}}
    batch, at = b"", position.offset
    for event in (START, BLOCK, *[delta] * max(1, size // (largest + 160))):
        frame, *after = frames.encode(str(event["type"]).encode(), orjson.dumps(event), *position)
        batch, position = batch + frame, frames.Position(*after)
        if len(batch) > 256 * 1024:
            await log.append(claim, at, batch, {"content": "1"})
            batch, at = b"", position.offset
    await log.append(claim, at, batch, {"content": "1"})
    if end:
        frame, _ = frames.encode_json("relay.end", end_data(Outcome.COMPLETED, attempts=1), position)
        message = b'{"content":"%b"}' % (b"x" * size)
        await log.append(claim, position.offset, frame, {"outcome": "completed", "message": message}, LIFE_MS)


async def take_a_little(clients: list[socket.socket]) -> None:
    """Until each client has something of what is large."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE_SECONDS):
        for sock in clients:
            taken = 0
            while taken < LITTLE_BYTES:
                taken += len(await loop.sock_recv(sock, 4096))


async def measure(face: str, what: str, size: int, largest: int, *, end: bool) -> None:
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keepstream-stalled-")))
        valkey = stack.enter_context(await asyncio.to_thread(EmbeddedValkey.start, directory))
        front = stack.enter_context(keepstream("front", "--port", "0", REDIS_URL=valkey.url))
        url = (await asyncio.to_thread(front.line, r"front on (\S+)$"))[1]
        redis: Redis = connect(valkey.url, "stalled")
        async with begun(face, url, redis) as claim:
            await write(Log(redis), claim, size, largest, end=end and face in ("native", "whole"))
            await asyncio.sleep(SETTLE_SECONDS / 3)
            rss = psutil.Process(front.pid).memory_info
            before, clients = rss().rss, []
            for _ in range(CLIENTS):
                sock = socket.socket()
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                sock.setblocking(False)  # noqa: FBT003 - the socket module's own
                await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", int(url.rsplit(":", 1)[1])))
                await asyncio.get_running_loop().sock_sendall(sock, request(face, claim.stream_id))
                clients.append(sock)
            await take_a_little(clients)
            await asyncio.sleep(SETTLE_SECONDS)
            there = rss().rss
            for sock in clients:
                sock.close()
            await asyncio.sleep(SETTLE_SECONDS)
            each = (there - before) / CLIENTS / 1024
            sys.stdout.write(
                f"{face:9} {what:24} {before / MIB:4.0f} MB before, {there / MIB:4.0f} with {CLIENTS}, "
                f"{each:6.0f} KiB each, {rss().rss / MIB:4.0f} after\n"
            )
            sys.stdout.flush()
        await redis.aclose()


async def main() -> None:
    for face in sys.argv[1:] or ("native", "messages", "chat", "whole"):
        if face == "whole":
            await measure(face, "finished, 8 MiB", 8 * MIB, 8 * MIB, end=True)
            continue
        await measure(face, "running, 2 MiB", 2 * MIB, 60, end=False)
        await measure(face, "finished, 16 MiB" if face == "native" else "running, 15 MiB", 15 * MIB, 2000, end=True)
        await measure(face, "one frame of 8 MiB", 8 * MIB, 8 * MIB, end=False)


if __name__ == "__main__":
    uvloop.run(main())
