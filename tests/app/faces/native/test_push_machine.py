"""Whatever happens to a reader's connection, in whatever order: the log reaches the socket, once, in its order."""

from __future__ import annotations

import asyncio
import itertools
import selectors
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.faces.native import push, view
from app.faces.native.push import LAST_CHUNK, PushReader
from app.fanout import audience, catchup, parts, splice
from app.fanout import tail as tails
from app.fanout.audience import PING
from app.fanout.hub import Hub
from app.fanout.shared_log import SharedLog
from app.fanout.tail import Tail
from app.http.connection import sockets
from app.stream.asides import Queued
from app.stream.endings import Outcome, end_data
from app.stream.frames import PROOF_LENGTH, Position, encode, encode_json, follow, origin, position_at_end, split
from app.stream.log import Log, Read, State

STREAM = "st_machine"
HEAD = b": head\n\n"
PART = 160  # more than an ending takes
WINDOW = 100
STEPS = 40
# Of the texts: most frames are small, some larger than a part.
SIZES = st.integers(0, 20) | st.integers(0, 20) | st.integers(PART, 3 * PART)
PATIENCE_SECONDS = 1.0
A_LONG_WORD = Queued(10**6)
A_LONG_WORD_SAID = b": " + b"p" * PART + b"\n\n"


class Quick(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to what is due next: hours pass at once, and the same each time."""

    def __init__(self) -> None:
        self._now = 0.0
        self._sockets = selectors.DefaultSelector()
        super().__init__(cast("Any", self))

    def time(self) -> float:
        return self._now

    def select(self, timeout: float | None) -> list[Any]:
        self._now += timeout or 0.0
        return self._sockets.select(0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sockets, name)


class MemoryLog:
    """A log as Redis holds it. What it answers was true when it was asked, and may arrive late."""

    def __init__(self) -> None:
        self.data = b""
        self.state = State.RUNNING
        self.base = 0
        self.attempt = 1
        self.quick = asyncio.Event()
        self.quick.set()

    async def read(self, _: str, after: Position | None, limit: int = 2 * PART, skip: int = 0) -> Read:
        answer = self._answer(after, limit, skip)
        await asyncio.sleep(0)
        await self.quick.wait()
        return answer

    def _answer(self, after: Position | None, limit: int, skip: int) -> Read:
        if self.state is State.UNKNOWN:
            return Read(State.UNKNOWN, "", proven=False, start=None, data=b"", length=0, base=0, attempt=0)
        proven = after is not None and (
            after == origin(STREAM) or self.data[max(0, after.offset - PROOF_LENGTH) : after.offset] == after.proof
        )
        start = after if proven else position_at_end(self.data[: self.base]) if self.base else origin(STREAM)
        assert start is not None
        first = start.offset + (skip if proven else 0)
        data = self.data[first : first + limit]
        return Read(self.state, "me", proven, start, data, len(self.data), self.base, self.attempt)


class Wire:
    """A transport as uvloop's: buffers, pauses at once, raises once it is closed. `client` is what its peer has."""

    def __init__(self) -> None:
        self.protocol: Any = None
        self.sent = b""
        self.buffered = self.most = 0
        self.given_back = self.closing = self.cut = self.paused = False

    def write(self, data: bytes) -> None:
        assert not self.given_back, "written to a connection that is another's"
        if self.closing:
            raise RuntimeError("unable to perform operation; the handler is closed")
        self.sent += data
        self.buffered += len(data)
        self.most = max(self.most, self.buffered)
        if self.buffered > PART and not self.paused:
            self.paused = True
            self.protocol.pause_writing()

    def take(self, count: int) -> None:
        """Its peer reads so many bytes."""
        self.buffered = max(0, self.buffered - count)
        if self.paused and self.buffered <= PART // 4:
            self.paused = False
            self.protocol.resume_writing()

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            asyncio.get_event_loop().call_soon(self.protocol.connection_lost, None)

    def abort(self) -> None:
        self.cut = True
        self.close()

    def is_closing(self) -> bool:
        return self.closing

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol
        self.given_back = True

    def get_write_buffer_size(self) -> int:
        return self.buffered


class Next(asyncio.Protocol):
    """What the connection goes on with."""

    paused = False

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False


class OneTail:
    """A hub of one tail, which opens when it is told to."""

    def __init__(self, tail: Tail) -> None:
        self.tail = tail
        self.open = asyncio.Event()

    def join(self, _: str, reader: PushReader) -> Tail:
        self.tail.audience.add(reader)
        return self.tail

    async def opened(self, _: str) -> None:
        await self.open.wait()

    def leave(self, _: str, reader: PushReader) -> None:
        self.tail.audience.remove(reader)


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
            async with asyncio.timeout(PATIENCE_SECONDS):
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


def dechunked(sent: bytes) -> tuple[bytes, bool]:
    """The body so far, and whether it has come to its clean end, after which nothing may follow."""
    body, at = b"", 0
    while at < len(sent):
        size, _, _ = sent[at:].partition(b"\r\n")
        start = at + len(size) + 2
        if size == b"0":
            assert sent[at:] == LAST_CHUNK
            return body, True
        body += sent[start : start + int(size, 16)]
        at = start + int(size, 16) + 2
    return body, False


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame of a few hundred bytes is large, and nobody waits for long."""
    for module, name, value in (
        (parts, "PART_BYTES", PART),
        (audience, "PIECE_BYTES", PART),
        (push, "READ_BYTES", 4 * PART),
        (push, "SLOW_READ_BYTES", PART),
        (push, "PROBE_SECONDS", 0.001),
        (push, "beside", lambda said: A_LONG_WORD_SAID if said == A_LONG_WORD else view.beside(said)),
        (sockets, "TRANSPORT_BYTES", PART),
        (splice, "WINDOW_BYTES", WINDOW),
        (catchup, "RETRY_SECONDS", 0.001),
        (catchup, "AGAIN_SECONDS", 0.001),
        (tails, "REGROW_SECONDS", 0.0),
    ):
        monkeypatch.setattr(module, name, value)


def test_what_reaches_the_socket_is_the_log() -> None:
    run_state_machine_as_test(Connection, settings=settings(max_examples=200, stateful_step_count=STEPS))


@pytest.mark.parametrize("says", ["it_is_pinged", "half-close", "leave"])
@pytest.mark.parametrize("heard", ["live", "read"])
def test_nothing_is_said_behind_the_ending_while_the_log_is_asked_whether_it_is(says: str, heard: str) -> None:
    machine = Connection()
    machine.a_client_comes([3], known=1, open_=True)
    machine._turn(5)
    assert machine.reader.state is push.State.LIVE
    if heard == "read":  # the ending is read by one that was behind, while the tail hears of it
        machine.its_transport_is_full_for_a_moment(waits=0, late=False)
    machine.answers_are_slow()
    machine.it_ends(0)
    machine._turn(5)
    if says == "half-close":
        machine.it_says_something(says)
    elif says == "leave":
        machine.the_front_drains(0)
    else:
        machine.it_is_pinged()
    machine.it_saw_the_log()
    machine.teardown()


def test_who_is_sent_away_inside_the_ending_is_told_nothing_behind_it() -> None:
    """A read for a client that stops may end anywhere, also in the ending."""
    machine = Connection()
    machine.a_client_comes([], known=0, open_=False)
    for _ in range(3):
        machine.a_new_attempt_begins()
    machine.the_tail_opens()
    machine.it_ends(0)
    machine.it_reads(PART)
    machine.answers_come()
    assert machine.reader._place.inside
    machine.the_front_drains(0)
    machine.it_reads(10 * PART)
    machine.it_saw_the_log()
    machine.teardown()
    assert machine.wire.closing
