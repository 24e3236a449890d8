"""Attempts that meet in one log: whatever is resent, lost, taken over or lost again, the log tells what happened.

Several holders write through the real `Writer` and the real scripts what `work` writes: attempts that begin, go on,
break and begin again. Each of their appends may reach the server, or not; be answered, or not; come again, half done.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import initialize, invariant, run_state_machine_as_test

from app.dev.embedded import EmbeddedValkey
from app.stream.frames import split
from app.stream.log import Appended, Claim, Status
from app.stream.redis.connect import connect
from tests.app.stream.hands import Hands
from tests.app.stream.telling import accept
from tests.long import examples
from worker.log.writer import Append, Writer

STREAM = "st_one"
HOLDERS_MAX = 5
LIFE_MS = 60_000


@dataclass
class Holder:
    """A worker with its claim, its writer, and what it believes of its attempt."""

    claim: Claim
    content: bool
    calls: int
    writer: Writer | None = None
    refusal: Status | None = None
    flying: Append | None = None
    wants: list[Writer] = field(default_factory=list)
    ended: bool = False

    def ready(self, writer: Writer) -> None:
        self.wants.append(writer)

    def refused(self, status: Status, _error: str = "") -> None:
        self.refusal = status

    def cancel_seen(self) -> None:
        """Not what this is about."""

    @property
    def writes(self) -> bool:
        return self.writer is not None and self.refusal is None

    @property
    def owes(self) -> bool:
        return self.writes and (self.flying is not None or bool(self.wants))

    def __repr__(self) -> str:
        return f"{self.claim.holder}: {'content' if self.content else 'nothing'}, owes {self.flying}"


class Meeting(Hands):
    """Holders of one stream, each of whom may think that it is the newest."""

    @initialize(dice=st.randoms(use_true_random=True))
    def begin_anew(self, dice: random.Random) -> None:
        super().begin_anew(dice)
        self.streams = [STREAM]
        self.holders: list[Holder] = []
        self.run(accept(self.log, STREAM))

    def ways(self) -> dict[str, int]:
        living = [holder for holder in self.holders if holder.writes and not holder.ended]
        owing = [holder for holder in self.holders if holder.owes]
        return {
            "take_over": 1 + 2 * (not living) if len(self.holders) < HOLDERS_MAX else 0,
            "tell": 6 * bool(living),
            "break_off": 4 * bool(living),
            "mark": 2 * bool(living),
            "finish": bool(living),
            "carry": 6 * bool(owing),
            "cut": 4 * bool(owing),
            "answer_lost": 3 * bool(owing),
            "begin_again": 4 * any(holder.refusal in (Status.SHORT, Status.CONFLICT) for holder in self.holders),
            "lose": 2 * bool(self.past),
        }

    # --- what a worker does

    def take_over(self) -> None:
        number = len(self.holders) + 1
        self._open(Holder(Claim(STREAM, number, f"worker/{number}"), content=False, calls=0))

    def begin_again(self) -> None:
        """The log has lost more than its holder remembers."""
        holder = self.one_of([one for one in self.holders if one.refusal in (Status.SHORT, Status.CONFLICT)])
        self.holders.remove(holder)
        self._open(Holder(holder.claim, content=False, calls=holder.calls))

    def _open(self, holder: Holder) -> None:
        begun = self.run(self.log.begin(holder.claim))
        self.holders.append(holder)
        holder.refusal = begun.status
        if begun.status is Status.OK:
            assert begun.position is not None
            holder.refusal = None
            holder.content = begun.meta.get("content") == b"1"
            holder.calls = max(holder.calls, int(begun.meta.get("attempt", 0)))
            holder.writer = Writer(holder.claim, begun.position, 10**6, holder, holder)
            if holder.content or holder.calls:
                self._next(holder)

    def tell(self) -> None:
        """An event of the upstream; the first one brings `message_start` along."""
        holder, writer = self._living()
        if not holder.content:
            writer.frame(b"message_start", b"%d" % holder.calls)
            writer.mark({"content": "1"})
            holder.content = True
        for _ in range(self.one_of([1, 1, 2])):
            writer.frame(b"content_block_delta", b"x" * self.one_of([1, 20]))

    def break_off(self) -> None:
        """The upstream breaks, and is called again."""
        self._next(self._living()[0])

    def _next(self, holder: Holder) -> None:
        writer = holder.writer
        assert writer is not None
        holder.calls += 1
        if holder.content:
            writer.new_attempt()
            writer.own("relay.reset", {"attempt": holder.calls})
            writer.mark({"base": writer.offset, "content": "0"})
            holder.content = False
        else:
            writer.own("relay.retry", {"attempt": holder.calls})
        writer.mark({"attempt": holder.calls})

    def mark(self) -> None:
        self._living()[1].mark({"retry_at": self.one_of([1, 2])})

    def finish(self) -> None:
        holder, writer = self._living()
        writer.last("relay.end", b"{}")
        writer.mark({"outcome": "completed"}, LIFE_MS)
        holder.ended = True

    # --- what becomes of an append

    def carry(self) -> None:
        """It is executed, and answered."""
        holder = self._fly()
        if holder.flying is not None and holder.writer is not None:
            append, holder.flying = holder.flying, None
            holder.writer.settle(self._append(holder, append))

    def cut(self) -> None:
        """The connection is gone before the server has it: it will be sent again."""
        self._fly()

    def answer_lost(self) -> None:
        """It is executed, and will be sent again."""
        holder = self._fly()
        if holder.flying is not None:
            self._append(holder, holder.flying)

    def _fly(self) -> Holder:
        holder = self.one_of([holder for holder in self.holders if holder.owes])
        if holder.flying is None:
            holder.flying = holder.wants.pop(0).take()
        return holder

    def _append(self, holder: Holder, append: Append) -> Appended:
        return self.run(self.log.append(holder.claim, append.at, append.data, append.fields, append.life_ms))

    def _living(self) -> tuple[Holder, Writer]:
        holder = self.one_of([holder for holder in self.holders if holder.writes and not holder.ended])
        assert holder.writer is not None
        return holder, holder.writer

    # --- what holds

    @invariant()
    def a_log_only_grows_and_only_by_who_holds_it(self) -> None:
        """Is said of hands, not of holders."""

    @invariant()
    def one_message_begins_between_two_resets(self) -> None:
        begun = False
        for frame in split(self.stands(STREAM).log):
            if frame.name == "relay.reset":
                assert begun, "a reset with nothing to forget"
                begun = False
            elif frame.name == "message_start":
                assert not begun, "two messages glued together"
                begun = True
            elif frame.name == "content_block_delta":
                assert begun

    @invariant()
    def the_meta_says_what_the_frames_say(self) -> None:
        stands = self.stands(STREAM)
        base, content = 0, False
        for frame in split(stands.log):
            if frame.name == "relay.reset":
                base, content = int(frame.id[:9]), False
            elif frame.name == "message_start":
                content = True
        assert int(stands.meta.get(b"base", 0)) == base
        assert (stands.meta.get(b"content") == b"1") == content


@pytest.fixture(autouse=True)
def machine(valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("worker.log.writer.KEPT_BYTES", 400)  # so that some losses reach behind it
    with asyncio.Runner() as runner:
        Meeting.runner = runner
        Meeting.redis = connect(valkey.url, "machine")
        yield
        runner.run(Meeting.redis.aclose())


@pytest.mark.parametrize("many", examples(80))
def test_attempts_that_meet_are_told_apart(many: int) -> None:
    run_state_machine_as_test(Meeting, settings=settings(max_examples=many, stateful_step_count=25))
