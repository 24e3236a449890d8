"""One reader's connection, its tail, and everything that may happen to them, in any order."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, cast

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from app.faces.native.push import PushReader
from app.fanout.audience import PING
from app.fanout.hub import Hub
from app.fanout.shared_log import SharedLog
from app.fanout.tail import Tail
from app.stream.endings import Outcome, end_data
from app.stream.frames import Position, encode, encode_json, follow, origin, position_at_end, split
from app.stream.log import Log, State
from tests.app.faces.native.wires import (
    A_LONG_WORD,
    HEAD,
    PART,
    SIZES,
    STREAM,
    MemoryLog,
    Next,
    OneTail,
    Quick,
    Wire,
    dechunked,
)
from tests.patience import PATIENCE


class Connection(RuleBasedStateMachine):
    """One reader's connection, its tail, and everything that may happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = Quick()
        asyncio.set_event_loop(self.loop)
        self.log = MemoryLog()
        self.position = origin(STREAM)
        self.bases = [self.position]
        self.written = 0
        self.ended = self.gone = self.left = self.unheard = False

    # --- the stream's side

    @initialize(sizes=st.lists(SIZES, max_size=8), known=st.integers(0, 8), open_=st.booleans())
    def a_client_comes(self, sizes: list[int], known: int, open_: bool) -> None:  # noqa: FBT001 - drawn
        for size in sizes:
            self._append(self._frame(size))
        first = b"".join(frame.raw for frame in itertools.islice(split(self.log.data), known))
        self.tail = Tail(STREAM, SharedLog(cast("Log", self.log)), position_at_end(first) or origin(STREAM))
        self.tail.seal = None
        self.hub = OneTail(self.tail)
        if open_:
            self.hub.open.set()
        self.wire = Wire()
        self.reader = PushReader(cast("Any", self.wire), cast("Hub", self.hub), STREAM, origin(STREAM), chunked=True)
        self.next = Next()
        self.reader.next_protocol = lambda: self.next
        self.wire.protocol = self.reader
        self.beginning = self.loop.create_task(self.reader.begin(HEAD, first))
        self.loop.call_soon(self.tail.repair)
        self._turn(1)

    def _frame(self, size: int) -> bytes:
        self.written += 1
        raw, *after = encode(b"told", b"%d:" % self.written + b"x" * size, *self.position)
        self.position = Position(*after)
        return raw

    def _append(self, raw: bytes) -> int:
        at = len(self.log.data)
        self.log.data += raw
        return at

    def _running(self) -> bool:
        return not (self.ended or self.gone)

    def _turn(self, times: int) -> None:
        for _ in range(times):
            self.loop.run_until_complete(asyncio.sleep(0))

    @precondition(_running)
    @rule(sizes=st.lists(SIZES, min_size=1, max_size=3), heard=st.integers(0, 4))
    def the_log_grows(self, sizes: list[int], heard: int) -> None:
        raw = b"".join([self._frame(size) for size in sizes])
        at = self._append(raw)
        if heard:
            self.loop.call_soon(self._publish, at, raw)
        self._turn(1)

    def _publish(self, at: int, raw: bytes) -> None:
        self.tail.message(b"%d:" % at + raw)
        self.tail.settle()

    @precondition(_running)
    @rule()
    def a_new_attempt_begins(self) -> None:
        raw, self.position = encode_json("relay.reset", {"attempt": 2, "reason": "worker_lost"}, self.position)
        at = self._append(raw)
        self.log.base, self.log.attempt = len(self.log.data), self.log.attempt + 1
        self.bases.append(self.position)
        self.loop.call_soon(self._publish, at, raw)
        self._turn(1)

    @precondition(_running)
    @rule(kept=st.integers(0, 6))
    def another_history_begins(self, kept: int) -> None:
        """Redis lost all but the first frames, and the worker begins anew, before anybody looked."""
        self.log.data = b"".join(frame.raw for frame in itertools.islice(split(self.log.data), kept))
        self.position = position_at_end(self.log.data) or origin(STREAM)
        raw, self.position = encode_json("relay.reset", {"attempt": 9, "reason": "anew"}, self.position)
        self._append(raw)
        self.log.base, self.log.attempt = len(self.log.data), self.log.attempt + 1
        self.bases.append(self.position)
        self._append(self._frame(len(self.log.data) % 50))
        self.loop.call_soon(self.tail.repair)
        self._turn(1)

    @precondition(_running)
    @rule(certainly=st.integers(0, 5))
    def it_ends(self, certainly: int) -> None:
        if certainly:
            return
        raw, self.position = encode_json("relay.end", end_data(Outcome.COMPLETED, attempts=1), self.position)
        at = self._append(raw)
        self.ended, self.log.state = True, State.ENDED
        self.loop.call_soon(self._publish, at, raw)
        self._turn(1)

    @precondition(_running)
    @rule(certainly=st.integers(0, 5))
    def redis_forgets_it(self, certainly: int) -> None:
        if certainly == 0:
            self.gone, self.log.state = True, State.UNKNOWN
            self.loop.call_soon(self.tail.repair)
            self._turn(1)

    # --- the front's side

    @rule()
    def the_beat_looks(self) -> None:
        self.loop.call_soon(self.tail.repair)
        self._turn(1)

    @rule()
    def the_tail_opens(self) -> None:
        self.hub.open.set()
        self._turn(1)

    @rule()
    def answers_are_slow(self) -> None:
        self.log.quick.clear()

    @rule()
    def answers_come(self) -> None:
        self.log.quick.set()
        self._turn(2)

    @rule()
    def it_is_pinged(self) -> None:
        self.loop.call_soon(self.tail.audience.aside, PING)
        self._turn(1)

    @rule(waits=st.integers(0, 2), late=st.booleans())
    def its_transport_is_full_for_a_moment(self, waits: int, late: bool) -> None:  # noqa: FBT001 - drawn
        """A word beside is enough for that, at any time; also while an answer is on its way."""
        if late:
            self.log.quick.clear()
            self.loop.call_soon(self.wire.take, 4 * PART)
            self._turn(4)
        self.loop.call_soon(self.tail.audience.aside, A_LONG_WORD)
        self._turn(1 + waits)
        self.loop.call_soon(self.wire.take, 4 * PART)
        self._turn(1)

    @rule(times=st.integers(1, 4))
    def time_passes(self, times: int) -> None:
        self._turn(times)

    @rule(certainly=st.integers(0, 7))
    def the_front_drains(self, certainly: int) -> None:
        if certainly == 0:
            self.left = True
            self.loop.call_soon(self.reader.leave, 300)
            self._turn(1)

    # --- the client's side

    @rule(count=st.integers(1, 4 * PART))
    def it_reads(self, count: int) -> None:
        self.loop.call_soon(self.wire.take, count)
        self._turn(1)

    @rule(what=st.sampled_from(["send", "half-close", "", ""]))
    def it_says_something(self, what: str) -> None:
        if what == "send" and not self.wire.closing:
            self.loop.call_soon(self.wire.protocol.data_received, b"GET / HTTP/1.1\r\n\r\n")
        elif what == "half-close" and not self.wire.closing and not self.wire.given_back:
            self.loop.call_soon(self.wire.protocol.eof_received)
        self._turn(1)

    @rule(certainly=st.integers(0, 7))
    def its_connection_breaks(self, certainly: int) -> None:
        if certainly == 0:
            self.wire.abort()
            self._turn(1)

    # --- what must hold

    @invariant()
    def it_saw_the_log(self) -> None:
        if not hasattr(self, "wire") or not self.wire.sent:
            return
        body, ended = dechunked(self.wire.sent)
        blocks = body.split(b"\n\n")
        at: Position | None = origin(STREAM)
        over = False
        assert not (ended and blocks[-1]), "a clean end inside a frame"
        for block in blocks[:-1]:
            raw = block + b"\n\n"
            if b"\nid: " in raw:
                froms = self.bases if at is None else [at]
                follows = [moved for base in froms if (moved := follow(raw, *base)) is not None]
                assert follows, f"{raw!r} does not follow {at}"
                at = Position(*follows[0])
                over = raw.startswith(b"event: relay.end")
            elif raw.startswith(b"event: relay.reset"):
                at, over = None, False
            else:
                assert raw.startswith((b":", b"retry: ")), f"something else: {raw!r}"
                assert not over, f"something follows the ending: {raw!r}"
        assert self.wire.most <= 2 * PART + 2 * PART + 300, "more than two parts, a word beside and the last words"

    def teardown(self) -> None:
        if hasattr(self, "wire"):
            self.loop.run_until_complete(self._everything_comes_to_its_end())
            self.tail.close()
        pending = asyncio.all_tasks(self.loop)
        for task in pending:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        self.loop.close()
        asyncio.set_event_loop(None)

    async def _everything_comes_to_its_end(self) -> None:
        """Who reads on gets everything there is, and is let go."""
        self.hub.open.set()
        self.log.quick.set()
        if self._running():
            self.it_ends_now()
        try:
            async with asyncio.timeout(PATIENCE):
                while not (self.wire.given_back or self.wire.closing):
                    self.wire.take(10**9)
                    self.tail.repair()
                    await asyncio.sleep(0.001)
        except TimeoutError:
            raise AssertionError(f"it hangs, {self.reader.state}, {self.wire.sent[-200:]!r}") from None
        await self.beginning
        self.it_saw_the_log()
        if not (self.wire.cut or self.gone or self.left):
            body, ended = dechunked(self.wire.sent)
            last = [block for block in body.split(b"\n\n") if b"\nid: " in block][-1]
            assert ended
            assert last.endswith(self.position.id.encode())

    def it_ends_now(self) -> None:
        raw, self.position = encode_json("relay.end", end_data(Outcome.COMPLETED, attempts=1), self.position)
        at = self._append(raw)
        self.ended, self.log.state = True, State.ENDED
        self._publish(at, raw)
