"""What has happened to a stream under our claim: its stage, what it has cost, and what its newest call has brought.

The rule: the stage moves here and nowhere else, by a way of the table or not at all; and what another holder must know
is on its way to the meta before it counts: a call before it is made, a wait before it is waited.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Protocol

from app.stream import frames
from app.stream.accounts import Bill
from app.stream.ledger.lines import calls_of
from app.stream.ledger.usage import Brought
from app.stream.log import Begun, Claim, Status
from app.stream.saved.saved_calls import CACHED_FROM, SHARED_WITH, Kept, Running
from app.stream.stages import Cause, NoWayError, Stage, Way, way
from worker.life import decide
from worker.life.calling.ledger import Ledger
from worker.life.checkpoint import checkpoint_of
from worker.life.chronicle import Chronicle
from worker.life.decide import Allowance, Decision, Reason
from worker.life.interrupt import Interrupt, Why
from worker.life.services import Services
from worker.life.tooling.loop import Loop
from worker.log.writer import Field, Writer
from worker.upstream.reading import Reading

# What the writer tells of a log that is still ours.
LOST = (Status.SHORT, Status.CONFLICT, Status.REFUSED)
# So many attempts that were borrowed and broke off do not count.
BORROWED_MAX = 10


class Cancellable(Protocol):
    """What the stream is doing, that knows itself what a cancel means to it."""

    def cancel(self) -> None: ...


class Record:
    """A stream as `begun` found it. Is told what the log's replies say (`log.writer.Watcher`)."""

    def __init__(self, claim: Claim, services: Services, interrupt: Interrupt, begun: Begun) -> None:
        settings = services.settings
        self.claim = claim
        self.allowed = Allowance(settings.max_attempts, settings.retry_wait_max, settings.stream_seconds_max)
        self.clock = asyncio.get_running_loop().time
        self.checkpoint = found = checkpoint_of(begun)
        self.stage = found.stage
        self.progress = found.progress
        self.loop = Loop(found.asked, found.turns, found.request.body if found.request is not None else b"")
        self.chronicle = Chronicle(claim, found, self.clock)
        calls = calls_of(begun.meta.get("calls"), found.progress.attempts - found.borrowed, found.model)
        self.ledger = Ledger(calls, services.prices.cost, interrupt, self.chronicle.call_paid)
        self.repair = found.repair
        self.claims = found.claims  # those that count no more
        self.refusal: Status | None = None
        self._services = services
        self._interrupt = interrupt
        self._counted = begun.counted  # the next call, and not made yet, nor about to be
        self._counting = False  # a call is counted and about to be made
        self._borrowed = found.borrowed
        self._lent = False  # the newest attempt is no call
        self._cached_from = found.cached_from
        self.share: Cancellable | None = None  # the call under way, where others may read it along
        self._born = self.clock() - found.elapsed
        self._redis_clock = begun.now - self.clock() * 1000  # what to add to ours, in ms
        self._open(begun)
        if claim.stalled and self.stage is Stage.LOST:
            self._spare()

    # --- where it is

    def go(self, chosen: Way) -> None:
        """Moves the stage. Raises `NoWayError`."""
        if self.stage not in chosen.at:
            raise NoWayError(f"{self.stage}: {chosen.cause}")
        self.stage = chosen.to

    def happens(self, cause: Cause) -> None:
        """Something of which only one thing can follow."""
        self.go(way(self.stage, cause))

    def see_content(self) -> None:
        """What a call has brought is looked at when it matters, not as it comes."""
        if self.stage is Stage.CALLING and self.reading is not None and self.reading.content:
            self.happens(Cause.CONTENT)
            self.progress = replace(self.progress, content=True)

    def first(self, reason: Reason) -> Decision:
        """What is to be done with the stream as it was found."""
        if not self.readable:
            return decide.on_fault(self.stage, "its log cannot be read")
        if self.checkpoint.request is None:
            return decide.on_fault(self.stage, "its request cannot be read")
        if not self.loop.readable:
            return decide.on_fault(self.stage, "its turns cannot be read")
        return decide.on_begin(
            self.stage,
            self.progress,
            self.allowed,
            times=self.claim.times - self.claims,
            elapsed=self.clock() - self._born,
            cancelled=self.checkpoint.cancelled,
            wait=self.checkpoint.wait,
            reason=reason,
            tools=self.loop.conditions(self._services.toolbox.offered),
        )

    def resume(self, begun: Begun) -> None:
        """Goes on where a log ends that has lost something. Our counts stand: the calls were made all the same."""
        found = checkpoint_of(begun)
        self.checkpoint = replace(self.checkpoint, cancelled=found.cancelled, wait=found.wait, answered=found.answered)
        self.progress = replace(self.progress, content=found.progress.content, before=found.progress.before)
        turns = self.loop.resume(found.turns)
        self._counted = found.progress.attempts > self.progress.attempts  # else the log has not taken that, or lost it
        self._open(begun)
        if turns:
            self.writer.mark(turns)
        if self.ledger.calls.made:
            self.writer.mark(self.ledger.field)
        if self.repair.made:
            self.writer.mark(self.repair.fields)

    def _open(self, begun: Begun) -> None:
        self.readable = begun.position is not None
        position = begun.position or frames.Position(begun.length, 0)
        limit = self._services.settings.max_log_bytes
        self.writer = Writer(self.claim, position, limit, self._services.committer, watcher=self)
        if self.checkpoint.waiting:  # no longer
            self.writer.mark({"waited_ms": round(self.checkpoint.waited_seconds * 1000), "waiting_since": 0})
        # Of the newest call:
        self.reading: Reading | None = None
        self.complete = False

    @property
    def seconds_left(self) -> float:
        """Until the stream expires."""
        return max(self._born + self.allowed.seconds_max - self.clock(), 0.0)

    @property
    def memory_bytes(self) -> int:
        """How much memory the stream takes here, about: its prompt, its frames, its Messages and results."""
        prompt = self.checkpoint.request.body if self.checkpoint.request is not None else b""
        message = self.reading.message.memory_bytes if self.reading is not None else 0
        return len(prompt) + self.writer.kept_bytes + message + self.loop.turns.memory_bytes + len(self.repair.message)

    @property
    def said(self) -> int:
        """How many bytes of text, thinking and tool input its newest call has brought by now."""
        return 0 if self.reading is None or self._lent else self.reading.message.said

    # --- what it costs

    async def count(self) -> None:
        """Counts the call before it is made: a worker that dies in it has made it."""
        self.progress = replace(self.progress, attempts=self.progress.attempts + way(self.stage, Cause.TURN).charge)
        self._counting = True
        self.ledger.announce(self.checkpoint.model)
        self._lent = False
        if self._borrowed:  # and now it asks for itself
            self._cached_from = ""
            self.writer.mark({CACHED_FROM: "", SHARED_WITH: ""})
        if self._counted:
            self._counted = False
            if self.checkpoint.held:  # which `begin` does not take back
                self.writer.mark({"held": "0"})
            return
        self.writer.mark({"attempt": self.progress.attempts, "handed_over": "0", "held": "0", **self.ledger.field})
        await self.writer.flush()
        self._interrupt.check()

    async def count_borrowed(self, lender: Kept | Running) -> None:
        """Counts an attempt whose answer another stream was given: no call is made."""
        self.progress = replace(self.progress, attempts=self.progress.attempts + way(self.stage, Cause.TURN).charge)
        self._borrowed += 1
        self._counting, self._counted, self._lent = True, False, True
        self._cached_from = lender.stream_id if isinstance(lender, Kept) else ""
        shared_with = lender.stream_id if isinstance(lender, Running) else ""
        whose: dict[str, Field] = {"borrowed": self._borrowed, CACHED_FROM: self._cached_from, SHARED_WITH: shared_with}
        self.writer.mark({"attempt": self.progress.attempts, "handed_over": "0", "held": "0", **whose})
        await self.writer.flush()
        self._interrupt.check()

    def forgive(self) -> None:
        """What was borrowed and did not come to its end was no call of ours, up to a bound."""
        if self._lent and self._borrowed <= BORROWED_MAX:
            self._lent = False
            self.progress = replace(self.progress, free=self.progress.free + 1)
            self.writer.mark({"free": self.progress.free})

    def save(self) -> None:
        """The answer that was borrowed is whole."""
        assert self.reading is not None  # noqa: S101  # for the type checker
        self.ledger.save(self.checkpoint.model, self.reading)
        self.writer.mark(self.ledger.field)

    def make_call(self) -> None:
        self._counting = False
        self.happens(Cause.TURN)

    def uncount(self) -> None:
        """Of an attempt that is over: a call that was counted and not made is none. Written with what comes next."""
        if self._counting:
            self.progress = replace(self.progress, attempts=self.progress.attempts - 1)
            self.ledger.withdraw()
            self._borrowed -= self._lent
            self._counting, self._counted = False, True

    @property
    def uncounted(self) -> dict[str, Field]:
        """The fields that take back what was counted and not made."""
        if not self._counted:
            return {}
        borrowed: dict[str, Field] = {"borrowed": self._borrowed} if self._lent else {}
        return {"attempt": self.progress.attempts, **borrowed, **self.ledger.field}

    def settle(self, brought: Brought) -> None:
        """The call that the last holder left open had brought this."""
        self.ledger.settle(brought)
        self.writer.mark(self.ledger.field)

    def refuse(self, chosen: Way) -> None:
        """The upstream did not take the call."""
        self.progress = replace(self.progress, attempts=self.progress.attempts + chosen.charge)
        self.writer.mark({"attempt": self.progress.attempts})

    def count_silence(self) -> None:
        self.progress = replace(self.progress, silences=self.progress.silences + 1)
        self.writer.mark({"silences": self.progress.silences})

    def _spare(self) -> None:
        before, self.progress = self.progress, decide.spared(self.progress, self.allowed)
        if self.progress != before:
            self.writer.mark({"free": self.progress.free, "stalls": self.progress.stalls})

    # --- what there is to say of it

    @property
    def account_attempts(self) -> int:
        """How many calls it has made."""
        return self.progress.attempts - self._borrowed

    @property
    def cached_from(self) -> str:
        return self._cached_from

    def redis_ms(self, moment: float) -> int:
        """A moment of our clock as Redis would have it."""
        return round(self._redis_clock + moment * 1000)

    @property
    def bill(self) -> Bill:
        """What it did cost, should nothing be left in Redis to tell."""
        return self.ledger.final.bill(self.checkpoint.owner, self.checkpoint.model)

    def close(self) -> None:
        """Nothing more is written."""
        self.writer.close(Status.FENCED)

    # --- what the log's replies say

    def refused(self, status: Status, error: str = "") -> None:
        self.refusal = status
        self.chronicle.append_refused(status, error)
        self._interrupt.stop(Why.LOST if status in LOST else Why.LEFT)

    def cancel_seen(self) -> None:
        if self.share is not None:
            self.share.cancel()
        else:
            self._interrupt.stop(Why.CANCELLED)
