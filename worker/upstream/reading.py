"""One answer: the upstream's bytes read into frames.

Everything that decides which events become frames must live here: all up to and including `message_stop`, known or not,
verbatim; no pings, no comments, no `error`. `message_start` is held back until the next frame, so that an attempt which
breaks before content has logged nothing. Data that is no JSON in UTF-8 breaks the attempt, and so does an event that is
named as ours are: nobody could tell it from one. No I/O: bytes in, frames out; where they go is not its to know.
"""

from __future__ import annotations

from collections.abc import Callable

from worker.rawjson.codec import NotJSONError, loads
from worker.upstream import failure
from worker.upstream.failure import UpstreamError
from worker.upstream.message import GatheredMessage
from worker.upstream.sse import Parser

# How the names begin of what only a relay writes into a log. Also with white space before it, which some readers drop.
OURS = "relay."
# The API has a dozen; an upstream that makes up names must not fill our memory with them.
NAMES_MAX = 100


class Reading:
    """One call's answer. Each frame, its name and its data, is given to `put`; `begins` is told of the first,
    `speaks` of the first content.

    `content`: a frame of it was put; `first`: when its first content came; `heard`: when the last event but pings;
    `stirred`: when anything at all; `begun`: the message has.
    """

    def __init__(
        self,
        put: Callable[[bytes | None, bytes], None],
        begins: Callable[[], None],
        clock: Callable[[], float],
        speaks: Callable[[], None],
    ) -> None:
        self.message = GatheredMessage()
        self.content = False
        self.first: float | None = None
        self.heard = self.stirred = clock()
        self._clock = clock
        self._put = put
        self._begins = begins
        self._speaks = speaks
        self._parser = Parser()
        self._start: tuple[bytes | None, bytes] | None = None
        self.begun = False
        self._names = {b"content_block_delta"}  # those that are known to be good

    def stir(self) -> None:
        """The upstream gave a sign of life."""
        self.stirred = self._clock()

    def pardon(self, seconds: float) -> None:
        """Nobody listened for so long: that was no silence."""
        self.heard += seconds
        self.stirred += seconds

    def feed(self, chunk: bytes) -> bool:
        """Takes bytes; True when the message is complete. Raises `UpstreamError`, and what `put` raises."""
        self.stirred = self._clock()
        return self._take(self._parser.feed(chunk))

    def end(self) -> None:
        """The body has ended. Raises `UpstreamError` if the message is not complete, and what `put` raises."""
        if not self._take(self._parser.end()):
            raise UpstreamError(failure.INCOMPLETE)

    @property
    def pending(self) -> int:
        """How many bytes wait for the rest of their event."""
        return self._parser.pending

    def _take(self, events: list[tuple[bytes | None, bytes]]) -> bool:
        heard = False
        for name, data in events:
            if name == b"ping":
                continue
            heard = True
            if self._event(name, data):
                return True
        if heard:
            self.heard = self.stirred
        return False

    def _event(self, name: bytes | None, data: bytes) -> bool:
        try:
            value = loads(data)
            if name is not None and name not in self._names:
                self._know(name)
        except (NotJSONError, UnicodeDecodeError):
            raise UpstreamError(failure.GARBLED) from None
        if name == b"error":
            raise UpstreamError(failure.of_event(value))
        if name == b"message_start":
            if self.begun:  # two messages would be glued into one
                raise UpstreamError(failure.GARBLED)
            self.begun = True
            self.message.add(value, data)
            self._start = (name, data)
            return False
        if self._start is not None or not self.content:
            self._first()
        if self.first is None and name == b"content_block_delta":
            self.first = self._clock()
            self._speaks()
        self._put(name, data)
        if name is not None:  # the SDK does not see events without a name
            self.message.add(value, data)
        return name == b"message_stop"

    def _know(self, name: bytes) -> None:
        """Takes a name that is seen for the first time. Raises `UnicodeDecodeError`, `UpstreamError`."""
        if name.decode().strip().startswith(OURS):
            raise UpstreamError(failure.GARBLED)
        if len(self._names) < NAMES_MAX:
            self._names.add(name)

    def _first(self) -> None:
        if self._start is not None:  # also where an event of a kind nobody knows yet stands before it
            self._put(*self._start)
            self._start = None
        self._begins()
        self.content = True
