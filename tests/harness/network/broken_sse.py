"""A server of streams that breaks one promise, to see whether who judges servers notices; and one that breaks none.

It makes a fixed list of events while it runs, one after the other, and speaks the three dialects that a probe knows.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Self

from app.stream import frames

STREAM_ID = "st_" + 32 * "5"
EVENTS = 40
SECONDS = 0.4  # in which they are made
CHAT_SECONDS = 1.5  # likewise: a chat is resumed only while it runs, on a machine that is busy
# A feed has no end, and these come much later than anybody waits.
NEVER = 1000


class Fault(StrEnum):
    NONE = "none"
    # Of what follows an id.
    DROPS = "it begins one event too late"
    DOUBLES = "it begins one event too early"
    SWAPS = "the first two are in the wrong order"
    SPLICES = "it says something else"
    FOREIGN = "it is of another stream"
    IGNORES = "it begins from the start"
    STOPS = "204 while it runs"
    RESETS = "no id is honoured"
    NO_REASON = "every other id is not honoured, and nobody says why"
    JUMPS = "every other id is not honoured, and what follows begins somewhere"
    STRAYS = "first comes an event without an id"
    # Of each answer.
    LOSES = "one event in the middle is not there"
    REFUSES = "502 to who comes back"
    PACKS = "it is packed"
    PACKS_FOR_BROWSERS = "it is packed for who takes it so"
    IS_HTML = "a page comes in place of events"
    BUFFERS = "all is held back to the end"
    ENDS_EARLY = "it ends cleanly in the middle"
    ENDS_AMID = "it ends cleanly in the middle of an event"
    GOES_ON = "something follows the ending"
    STAYS = "the connection stays open behind the ending"
    NEVER_DONE = "200 to who has all of it"
    TAKES_ALL = "each id is taken for one"
    SAME_ID = "all events have one id"
    NO_ID = "no event has an id"
    SOME_IDS = "every other event has an id"
    EMPTY_ID = "a tick in the middle has an empty id"
    LONG_ID = "an id that no header carries"
    ENDLESS = "an event that has no end"
    MUTE = "nothing comes any more in the middle"
    DEAF = "no head ever comes"
    # Which breaks nothing.
    BARE_END = "the ending has no id, and a comment without a blank line follows"


class BrokenServer:
    """`async with` serves at `url`. `feed`: it has no end."""

    def __init__(self, dialect: str, fault: Fault = Fault.NONE, *, feed: bool = False) -> None:
        self.fault = fault
        self.dialect = dialect
        self.asked: list[str] = []  # the head of each request
        self._feed = feed
        self._made = list(_MAKERS[dialect](fault))
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._began: float | None = None
        self._packed = False
        self._seconds = CHAT_SECONDS if dialect == "ai-sdk" else SECONDS
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        base = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self.url = base + (f"/v1/streams/{STREAM_ID}/events" if self.dialect == "keepstream" else "/api/chat")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.asked.append(head)
            self._began = self._began or asyncio.get_running_loop().time()
            if self.fault is Fault.DEAF:
                await asyncio.sleep(NEVER)
            lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            again = self.dialect == "ai-sdk" and head.startswith("GET")
            self._packed = self.fault is Fault.PACKS_FOR_BROWSERS and "gzip" in lines["accept-encoding"]
            await self._answer(writer, lines.get("last-event-id", ""), again=again)
            writer.close()
        except (OSError, asyncio.IncompleteReadError):
            pass  # it had enough
        finally:
            if not writer.is_closing():
                writer.transport.abort()

    async def _answer(self, writer: asyncio.StreamWriter, last_id: str, *, again: bool) -> None:
        came_back = bool(last_id) or again
        status, kind, coding = 200, "text/event-stream", "identity"
        match self.fault:
            case Fault.REFUSES if came_back:
                status = 502
            case Fault.STOPS if came_back:
                status = 204
            case Fault.PACKS:
                coding = "gzip"
            case Fault.PACKS_FOR_BROWSERS if self._packed:
                coding = "gzip"
            case Fault.IS_HTML if came_back:
                kind = "text/html"
            case _:
                pass
        place, reset = self._place(last_id)
        if (
            status == 200
            and self.dialect == "keepstream"
            and last_id == "nonsense"
            and self.fault is not Fault.TAKES_ALL
        ):
            status = 400
        if again and self._now() >= len(self._made):
            status = 204
        if place == len(self._made) and last_id and self.fault is not Fault.NEVER_DONE:
            status = 204
        ends = "content-length: 0\r\n" if status != 200 else "transfer-encoding: chunked\r\n"
        writer.write(
            f"HTTP/1.1 {status} x\r\ncontent-type: {kind}\r\ncontent-encoding: {coding}\r\n{ends}\r\n".encode()
        )
        if status == 200:
            await self._send(writer, place, reset=reset, came_back=came_back)

    def _place(self, last_id: str) -> tuple[int, bool]:
        """Where to begin, and whether a reset comes first."""
        if not last_id or self.fault is Fault.IGNORES:
            return 0, False
        known = {event_id: place for place, (event_id, _) in enumerate(self._made, 1) if event_id}
        if last_id not in known or self.fault is Fault.RESETS:
            return 0, self.fault is not Fault.TAKES_ALL
        place = known[last_id]
        if place % 2 and place < len(self._made) and self.fault in (Fault.NO_REASON, Fault.JUMPS):
            return (0 if self.fault is Fault.NO_REASON else place + 1), True
        if place == len(self._made):
            return place, False
        return max(place + {Fault.DROPS: 1, Fault.DOUBLES: -1}.get(self.fault, 0), 0), False

    def _now(self) -> int:
        """How many events there are by now."""
        assert self._began is not None
        return int((asyncio.get_running_loop().time() - self._began) / self._seconds * EVENTS)

    async def _send(self, writer: asyncio.StreamWriter, place: int, *, reset: bool, came_back: bool) -> None:
        if self.fault is not Fault.BUFFERS:
            _chunk(writer, b"retry: 10\n: hello\n\n")
        if reset and self.dialect == "keepstream":
            why = b"{}" if self.fault is Fault.NO_REASON else b'{"reason":"unknown"}'
            _chunk(writer, b"event: relay.reset\ndata: %b\n\n" % why)
        coming = [raw for _, raw in self._made[place:]]
        if came_back:
            coming = self._altered(coming)
        if self.fault is Fault.BUFFERS:
            await self._until(len(self._made))
        for number, raw in enumerate(coming, place + 1):
            await self._until(number)
            if self.fault is Fault.LOSES and number == 20:
                continue
            if self.fault is Fault.MUTE and number == 20:
                await asyncio.sleep(NEVER)
            if number == len(self._made) // 2 and self.fault in (Fault.ENDS_EARLY, Fault.ENDS_AMID):
                _chunk(writer, raw[: None if self.fault is Fault.ENDS_EARLY else -5])
                break
            _chunk(writer, raw)
            await writer.drain()
        await self._end(writer)

    async def _end(self, writer: asyncio.StreamWriter) -> None:
        if self._feed or self.fault is Fault.STAYS:
            await asyncio.sleep(NEVER)
        while self.fault is Fault.ENDLESS:
            _chunk(writer, 65536 * b"x")
            await writer.drain()
        if self.fault is Fault.BARE_END:
            _chunk(writer, b": bye\n")
        if self.fault is Fault.GOES_ON:
            _chunk(writer, b"id: 7\ndata: {}\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    def _altered(self, coming: list[bytes]) -> list[bytes]:
        match self.fault:
            case Fault.SWAPS:
                return [*reversed(coming[:2]), *coming[2:]]
            case Fault.STRAYS:
                name = b"event: content_block_delta\n" if self.dialect == "keepstream" else b""
                return [name + b"data: stray\n\n", *coming]
            case Fault.SPLICES:
                return [raw.replace(b"word", b"swap") for raw in coming]
            case Fault.FOREIGN:
                return [raw.replace(b"id: ", b"id: 9") for raw in coming]
            case _:
                return coming

    async def _until(self, number: int) -> None:
        while self._now() < number:
            await asyncio.sleep(self._seconds / EVENTS / 2)


@contextmanager
def serving(server: BrokenServer) -> Iterator[BrokenServer]:
    """In a thread of its own: the command has a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    if data:
        writer.write(b"%x\r\n%b\r\n" % (len(data), data))


def _of_keepstream(_fault: Fault) -> list[tuple[str, bytes]]:
    made, place = [], frames.origin(STREAM_ID)
    for number in range(EVENTS):
        name, data = ("content_block_delta", {"text": f"word {number} "})
        if number == EVENTS - 1:
            name, data = "relay.end", {"outcome": "completed"}
        raw, place = frames.encode_json(name, data, place)
        made.append((place.id, raw))
    return made


def _of_event_source(fault: Fault) -> list[tuple[str, bytes]]:
    made = []
    for number in range(EVENTS):
        event_id = {Fault.SAME_ID: "7", Fault.LONG_ID: 5000 * "7", Fault.NO_ID: ""}.get(fault, f"{number}")
        if fault is Fault.SOME_IDS and number % 2:
            event_id = ""
        if fault is Fault.BARE_END and number == EVENTS - 1:
            event_id = ""
        line = f"id: {event_id}\n" if event_id else ""
        if fault is Fault.EMPTY_ID and number == EVENTS // 2:
            event_id, line = "", "event: tick\nid:\n"
        data = "over" if number == EVENTS - 1 else f"word {number}"
        made.append((event_id, f"{line}data: {data}\n\n".encode()))
    return made


def _of_ai_sdk(_fault: Fault) -> list[tuple[str, bytes]]:
    texts: list[dict[str, str]] = [
        {"type": "text-delta", "id": "1", "delta": f"word {number} "} for number in range(EVENTS - 3)
    ]
    chunks = [{"type": "start", "messageId": "m"}, *texts, {"type": "finish"}]
    return [*(("", f"data: {json.dumps(chunk)}\n\n".encode()) for chunk in chunks), ("", b"data: [DONE]\n\n")]


_MAKERS: dict[str, Callable[[Fault], list[tuple[str, bytes]]]] = {
    "keepstream": _of_keepstream,
    "eventsource": _of_event_source,
    "ai-sdk": _of_ai_sdk,
}
