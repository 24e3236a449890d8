"""`make readers`: a thousand join running logs of 0.2 to 16 MB at once, and every byte is compared with the log.

    python -m tests.chaos.readers --share 0.1 --seed 7

Some read as fast as they can, some slowly, some stop for a while, some stand in the middle of one large frame; a real
front process serves them while the log grows. Prints a line a round; exits 1 if one reader saw anything but the log.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import secrets
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import uvloop
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.intake.streams import new_stream_id
from app.stream import frames
from app.stream.endings import Outcome, end_data
from app.stream.log import Claim, Log, Status
from app.stream.redis.connect import connect
from tests.harness.running import keepstream

LIFE_MS = 600_000
ROUND_SECONDS = 240.0
SECONDS_OF_GROWTH = 1.5
TEXT = b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%b"}}'


@dataclass(frozen=True)
class Round:
    """Readers of one log that holds `size` bytes when they come at once, and grows by `rate` events a second."""

    size: int
    readers: int
    rate: int
    largest: int = 200


ROUNDS = (
    Round(200_000, 80, 80),
    Round(300_000, 100, 80),
    Round(300_000, 100, 80),
    Round(450_000, 100, 80),
    Round(450_000, 100, 500),
    Round(600_000, 100, 500),
    Round(1_600_000, 100, 500),
    Round(1_600_000, 80, 80, largest=1_000_000),
    Round(4_000_000, 100, 200),
    Round(9_000_000, 70, 80, largest=8_000_000),
    Round(16_000_000, 70, 200),
)


class Author:
    """The holder of one stream; `written` is what every reader has to see."""

    def __init__(self, log: Log, stream_id: str) -> None:
        self.written = bytearray()
        self._log = log
        self._claim = Claim(stream_id, 1, "author/1")
        self._position = frames.origin(stream_id)

    async def begin(self) -> None:
        await self._log.open(self._claim.stream_id, {"owner": "anonymous", "attempt": "1"})
        await self._log.keep(self._claim.stream_id, LIFE_MS)
        await self._log.begin(self._claim)

    async def grow_to(self, size: int, largest: int) -> None:
        """One frame of the largest size in the middle, others around it."""
        while len(self.written) < size:
            middle = len(self.written) >= (size - largest) // 2 and largest > len(TEXT)
            sizes, largest = ([largest], 0) if middle and largest > 1000 else ([120] * 500, largest)
            await self._append(b"content_block_delta", [TEXT % (b"x" * size) for size in sizes])

    async def say(self, text: bytes) -> None:
        await self._append(b"content_block_delta", [TEXT % text])

    async def end(self) -> None:
        frame, self._position = frames.encode_json("relay.end", end_data(Outcome.COMPLETED, attempts=1), self._position)
        await self._write(frame, {"outcome": "completed"}, LIFE_MS)

    async def _append(self, name: bytes, data: list[bytes]) -> None:
        raw = []
        for one in data:
            frame, *where = frames.encode(name, one, *self._position)
            self._position = frames.Position(*where)
            raw.append(frame)
        await self._write(b"".join(raw))

    async def _write(
        self, raw: bytes, fields: dict[str, str | bytes | int] | None = None, life_ms: int | None = None
    ) -> None:
        at = len(self.written)
        self.written += raw
        appended = await self._log.append(self._claim, at, raw, fields, life_ms)
        assert appended.status is Status.OK


@dataclass
class Eye:
    """One reader: `manner` is how it reads, `wrong` what it saw that was not the log."""

    manner: str
    written: bytearray
    seen: int = 0
    wrong: str = ""
    ended: bool = False
    _left: bytearray = field(default_factory=bytearray)

    def take(self, data: bytes) -> None:
        known = max(0, len(self._left) - 1)  # a frame of megabytes is not searched again with each of its parts
        self._left += data
        whole = self._left.rfind(b"\n\n", known) + 2
        if whole <= 1 or self.wrong:
            return
        fresh = bytes(self._left[:whole])
        del self._left[:whole]
        if fresh == self.written[self.seen : self.seen + whole]:  # most of it is the log and nothing else
            self.seen += whole
            return
        for block in fresh.split(b"\n\n")[:-1]:
            self._take_block(block + b"\n\n")

    def _take_block(self, block: bytes) -> None:
        if b"\nid: " in block:
            if block != self.written[self.seen : self.seen + len(block)] and not self.wrong:
                self.wrong = f"at {self.seen}: {block[-100:]!r}"
            self.seen += len(block)
        elif not block.startswith((b":", b"retry: ")):
            self.wrong = self.wrong or f"beside the log: {block[:100]!r}"

    def end(self) -> None:
        if self._left and not self.wrong:
            self.wrong = f"a part of a frame at the end: {bytes(self._left[:100])!r}"
        if self.seen != len(self.written) and not self.wrong:
            self.wrong = f"{self.seen} bytes of {len(self.written)}"
        self.ended = True


async def read(eye: Eye, port: int, path: str, dice: random.Random, stay: asyncio.Event) -> None:
    """Reads one answer to its end."""
    sock = socket.socket()
    if eye.manner != "quick":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    sock.setblocking(False)  # noqa: FBT003 - the socket module's own
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=64 * 1024)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
    try:
        await reader.readuntil(b"\r\n\r\n")
        if eye.manner == "late":
            await stay.wait()
        while (size := int(await reader.readuntil(b"\r\n"), 16)) > 0:
            eye.take((await reader.readexactly(size + 2))[:-2])
            if eye.manner == "slow":
                await asyncio.sleep(dice.random() * 0.01)
            elif eye.manner == "stops" and dice.random() < 0.02:
                await asyncio.sleep(dice.random() * 0.5)
        eye.end()
    except (asyncio.IncompleteReadError, OSError, ValueError) as error:
        eye.wrong = eye.wrong or f"{type(error).__name__} at {eye.seen}"
    finally:
        writer.transport.abort()


async def one_round(log: Log, port: int, plan: Round, dice: random.Random) -> list[Eye]:
    stream_id = new_stream_id()
    author = Author(log, stream_id)
    await author.begin()
    await author.grow_to(plan.size, plan.largest)
    manners = (
        ("quick", "quick", "quick", "slow", "stops", "late") if plan.size <= 5_000_000 else ("quick", "stops", "late")
    )
    eyes = [Eye(dice.choice(manners), author.written) for _ in range(plan.readers)]
    stay = asyncio.Event()
    async with asyncio.timeout(ROUND_SECONDS), asyncio.TaskGroup() as group:
        for eye in eyes:
            group.create_task(read(eye, port, f"/v1/streams/{stream_id}/events", dice, stay))
        for _ in range(int(plan.rate * SECONDS_OF_GROWTH)):
            await author.say(b"live, " + secrets.token_hex(dice.randrange(1, 60)).encode())
            await asyncio.sleep(1 / plan.rate)
        stay.set()
        for _ in range(20):
            await author.say(b"last, ")
        await author.end()
    await log.drop(stream_id)
    return eyes


async def readers(dice: random.Random, rounds: Iterable[Round]) -> list[Eye]:
    """The rounds, one after the other. Returns all readers."""
    seen: list[Eye] = []
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keepstream-readers-")))
        valkey = stack.enter_context(await asyncio.to_thread(EmbeddedValkey.start, directory))
        front = stack.enter_context(keepstream("front", "--port", "0", warm=True, REDIS_URL=valkey.url))
        port = int((await asyncio.to_thread(front.line, r"front on .*:(\d+)$"))[1])
        redis: Redis = connect(valkey.url, "readers")
        for plan in rounds:
            eyes = await one_round(Log(redis), port, plan, dice)
            await redis.flushall()
            seen += eyes
            wrong = [eye for eye in eyes if eye.wrong]
            kinds = ", ".join(f"{n} {manner}" for manner, n in sorted(Counter(eye.manner for eye in eyes).items()))
            sys.stdout.write(f"{plan.size / 1e6:5.1f} MB, {plan.rate:3} events/s, {kinds}: {len(wrong)} wrong\n")
            for eye in wrong[:3]:
                sys.stdout.write(f"      {eye.manner}: {eye.wrong}\n")
            sys.stdout.flush()
        await redis.aclose()
    return seen


def main() -> int:
    parser = argparse.ArgumentParser(prog="make readers", description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="part of the thousand readers")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options = parser.parse_args()
    sys.stdout.write(f"seed {options.seed}\n")
    rounds = [replace(plan, readers=max(2, round(plan.readers * options.share))) for plan in ROUNDS]
    seen = uvloop.run(readers(random.Random(options.seed), rounds))  # noqa: S311 - to repeat it
    wrong = sum(bool(eye.wrong) for eye in seen)
    sys.stdout.write(f"{wrong} wrong readers of {len(seen)}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
