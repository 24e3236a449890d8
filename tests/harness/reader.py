"""A reader that believes nothing: every byte is checked against the wire's law as it comes, across all reconnects."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import orjson

from app.stream import frames
from tests.patience import PATIENCE


class ViolationError(AssertionError):
    """A promise that was broken, with the stream it was broken on."""


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """A status other than 200 and 204."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class UnavailableError(ConnectionResetError):
    """A status that says that it may pass. An EventSource takes it for the end."""


@dataclass
class Sight:
    """What one reader of one stream has seen since the last reset, and whether it was what it had to be."""

    stream_id: str
    position: frames.Position | None = None
    seen: bytearray = field(default_factory=bytearray)
    frames: int = 0
    resets: int = 0
    fronts_resets: int = 0
    reconnects: int = 0
    end: dict[str, object] | None = None
    lost: bool = False
    retry_seconds: float = 1.0

    @property
    def after(self) -> str:
        return self.position.id if self.position else ""

    def take(self, block: bytes) -> None:
        """One block between blank lines, as it was sent."""
        if self.end is not None or self.lost:
            self._violated("something follows the ending", block)
        if b"\nid: " not in block:
            self._take_unlogged(block)
            return
        raw = block + b"\n\n"
        if self.position is None:
            # What a reader without an id is given first: the newest attempt, wherever that stands. The chain from here
            # on, and the comparison with the whole log at the end, prove it.
            self.position = frames.position_at_end(raw)
            if self.position is None:
                self._violated("a frame whose id is not its last line", block)
        else:
            moved = frames.follow(raw, *self.position)
            if moved is None:
                self._violated(f"a frame that does not follow {self.position.id}", block)
            self.position = frames.Position(*moved)
        self.seen += raw
        self.frames += 1
        [frame] = frames.split(raw)
        if frame.name == "relay.reset":
            self.resets += 1
            self._forget(orjson.loads(frame.data).get("turn", 1))
        elif frame.name == "relay.end":
            self.end = orjson.loads(frame.data)

    def _forget(self, turn: int) -> None:
        """What was seen from this turn on; the turns before stay."""
        kept = 0
        for _ in range(turn) if turn > 1 else ():
            kept = self.seen.index(b"event: message_start\n", kept) + 1
        del self.seen[max(kept - 1, 0) :]

    def _take_unlogged(self, block: bytes) -> None:
        if block.startswith(b"retry: "):
            self.retry_seconds = int(block[7:].partition(b"\n")[0]) / 1000
        elif block.startswith(b"event: relay.reset"):
            data = orjson.loads(block.split(b"data: ", 1)[1])
            if data["reason"] == "lost":
                self.lost = True
            self.position = None
            self.seen.clear()
            self.fronts_resets += 1
        elif block.startswith(b"event: ") and not block.startswith((b"event: relay.status", b"event: relay.approval")):
            self._violated("an event without an id that is none of a front's", block)

    def text(self) -> str:
        """The answer as a client would show it."""
        parts = []
        for frame in frames.split(bytes(self.seen)):
            if frame.name == "content_block_delta":
                # Lone surrogates are valid JSON, which orjson refuses.
                delta = json.loads(frame.data)["delta"]
                if delta["type"] == "text_delta":
                    parts.append(delta["text"])
        return "".join(parts)

    def _violated(self, what: str, block: bytes) -> None:
        raise ViolationError(f"{self.stream_id}: {what}: {block[:200]!r}")


async def at_once() -> None:
    """Reads on as soon as something came."""


@dataclass(frozen=True)
class Manner:
    """How one reads: `pause` is waited for before each part; `narrow` takes little into its own buffers; `half` closes
    its side once it has asked, as a client may that has nothing more to say; `tls`: what it trusts, speaking it.
    """

    pause: Callable[[], Awaitable[None]] = at_once
    narrow: bool = False
    half: bool = False
    tls: ssl.SSLContext | None = None


QUICK = Manner()
WIDE_BYTES = 32 * 1024 * 1024
NARROW_BYTES = 16 * 1024


async def watch(
    sight: Sight,
    port_of: Callable[[], int],
    *,
    leave_after: Callable[[], float] | None = None,
    key: str = "",
    manner: Manner = QUICK,
) -> None:
    """Reads a stream to its ending, over as many connections as it takes; `leave_after` seconds it cuts one itself.

    Where that is too soon for a frame to come, it stays longer the next time: else a slow machine would never get on.
    """
    slower = 1
    while sight.end is None and not sight.lost:
        limit, before = (leave_after() * slower if leave_after else 3600.0), sight.frames
        with contextlib.suppress(OSError, EOFError, asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(limit):
                if await connect_once(sight, port_of(), key=key, manner=manner) == 204:
                    return
        slower = 1 if sight.frames > before else 2 * slower
        sight.reconnects += 1
        await asyncio.sleep(random.uniform(0.01, 0.2))  # noqa: S311 - jitter


async def connect_once(sight: Sight, port: int, *, key: str = "", manner: Manner = QUICK) -> int:
    """One connection, until it ends; returns the status. Raises `Refused` for what is final."""
    reader, writer = await _open(port, manner)
    try:
        last = f"last-event-id: {sight.after}\r\n" if sight.after else ""
        auth = f"x-api-key: {key}\r\n" if key else ""
        writer.write(f"GET /v1/streams/{sight.stream_id}/events HTTP/1.1\r\nhost: [::1]\r\n{auth}{last}\r\n".encode())
        if manner.half:
            writer.write_eof()
        status = 0
        while status < 200:  # before its answer a client that says no more may be told that it is being worked on
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            status = int(head.split(b" ", 2)[1])
        if status == 204:
            return status
        if status >= 500:
            raise UnavailableError(f"status {status}")
        if status != 200:
            raise Refused(status)
        block, looked = bytearray(), 0
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0]) if b"content-length: " in head else None
        while data := await _part(reader, length):
            block += data
            while (end := block.find(b"\n\n", looked)) >= 0:
                one = bytes(block[:end])
                del block[: end + 2]
                looked = 0
                sight.take(one)
            looked = max(len(block) - 1, 0)  # a frame of many MB comes in many parts
            if length is not None:
                break
            await manner.pause()
        # A body that ended cleanly ends at a frame's end; one that was cut may not.
        if block:
            raise ViolationError(f"{sight.stream_id}: a clean end in the middle of a frame: {bytes(block[:100])!r}")
        return status
    finally:
        writer.transport.abort()


async def _open(port: int, manner: Manner) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if not manner.narrow:
        return await asyncio.open_connection("127.0.0.1", port, limit=WIDE_BYTES, ssl=manner.tls)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW_BYTES)
    sock.setblocking(False)  # noqa: FBT003 - the socket module's own
    try:
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    except BaseException:
        sock.close()
        raise
    name = "127.0.0.1" if manner.tls else None
    return await asyncio.open_connection(sock=sock, limit=NARROW_BYTES, ssl=manner.tls, server_hostname=name)


async def _part(reader: asyncio.StreamReader, length: int | None) -> bytes:
    """The next chunk, or the whole body of known length; empty at the body's clean end. Raises `EOFError` at a cut."""
    async with asyncio.timeout(PATIENCE):  # a front pings after 15 s: nothing for longer than this is a hang
        if length is not None:
            return await reader.readexactly(length)
        size = int((await reader.readuntil(b"\r\n")) or b"0", 16)
        data = await reader.readexactly(size + 2)
        return data[:-2]
