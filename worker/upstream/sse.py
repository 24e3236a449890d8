"""Server-Sent Events as they arrive: bytes in, (event, data) out.

Everything that turns the upstream's bytes into events must live here. The law is the HTML standard's: lines end in CR,
LF or CRLF, one byte order mark is skipped, comments, `id:`, `retry:` and unknown fields are dropped, an event without
data is none. Two things are ours: the end of the body completes an event that lacks its blank line, and bytes stay
bytes (what is in them is judged elsewhere). No I/O, no JSON.
"""

from __future__ import annotations

import re

# An event's name, None where it has none, and its data, lines joined by LF.
Event = tuple[bytes | None, bytes]

# How nearly every event of the API stands on the wire; anything else takes the way line by line.
_USUAL = re.compile(rb"event: ([^\r\n]+)\ndata: (\{[^\r\n]*)\n\n")
_LINE_END = re.compile(rb"[\r\n]")
_BOM = b"\xef\xbb\xbf"
_CR, _LF = 0x0D, 0x0A
# What a line of data takes beside its bytes: an object, and its place among the others.
LINE_BYTES = 50


class Parser:
    """One body's events. `pending` is what waits for the rest of its event, in bytes; never less than it takes."""

    def __init__(self) -> None:
        self.pending = 0
        self._name = b""
        self._data: list[bytes] = []
        self._line: list[bytes] = []  # parts of a line whose end has not come; joined once
        self._after_cr = False  # a LF that comes now belongs to the CR before it
        self._first = True
        self._between = True  # nothing of an event has been seen since the last one

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that these bytes complete."""
        events: list[Event] = []
        at, size = 0, len(chunk)
        while at < size:
            if self._between:
                while found := _USUAL.match(chunk, at):
                    events.append((found[1], found[2]))
                    at = found.end()
                    self._first = False
                if at == size:
                    break
            at = self._take_line(chunk, at, events)
        return events

    def end(self) -> list[Event]:
        """The event that the end of the body completes, if any."""
        events: list[Event] = []
        if self._line:
            self._field(b"".join(self._line), events)
            self._line.clear()
        self._field(b"", events)
        return events

    def _take_line(self, chunk: bytes, at: int, events: list[Event]) -> int:
        """Takes one line, or the part of it that is here; returns where the next begins."""
        if self._after_cr:
            self._after_cr = False
            self._between = not (self._name or self._data)
            if chunk[at] == _LF:
                return at + 1
        found = _LINE_END.search(chunk, at)
        if found is None:
            self._line.append(chunk[at:])
            self.pending += len(chunk) - at
            self._between = False
            return len(chunk)
        end = found.start()
        line = chunk[at:end]
        if self._line:
            self._line.append(line)
            line = b"".join(self._line)
            self._line.clear()
        self._field(line, events)
        self._between = not (self._name or self._data)
        end += 1
        if chunk[end - 1] == _CR:
            if end == len(chunk):
                self._after_cr, self._between = True, False
            elif chunk[end] == _LF:
                end += 1
        return end

    def _field(self, line: bytes, events: list[Event]) -> None:
        if self._first:
            self._first = False
            line = line.removeprefix(_BOM)
        if not line:
            data = b"\n".join(self._data)
            if data:
                events.append((self._name or None, data))
            self._name = b""
            self._data.clear()
            self.pending = 0
            return
        name, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if name == b"data":
            self._data.append(value)
            self.pending += len(value) + LINE_BYTES
        elif name == b"event":
            self._name = value
