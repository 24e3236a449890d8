"""What the front does with streams: submit, find, cancel. The one way every route runs a prompt.

The rule: nothing is promised before both the meta and the job stand, and what was refused leaves nothing behind.
Knows no HTTP.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import time
from collections.abc import Mapping
from functools import partial

from redis.exceptions import RedisError

from app.intake.ending import Ending, ending_of
from app.intake.owed import Owed
from app.intake.prompt import Prompt
from app.intake.submit import Accepted, Along, Submit, again
from app.settings import Settings
from app.stream import frames
from app.stream.accounts import NO_DEMAND, Demand, lost_bill, share_of
from app.stream.approvals.approvals import has_news
from app.stream.conversations.store import Conversations
from app.stream.endings import Outcome
from app.stream.ledger.lines import Pricing, bill_of
from app.stream.log import Begun, Claim, Log, State, Status
from app.stream.observing import tell
from app.stream.queue import Idempotency, Queue
from app.stream.redis.connect import AWAY
from app.stream.redis.refusals import NO_ANSWER, refusal_of
from app.stream.timeline.entries import told
from app.stream.timeline.noting import note
from app.stream.upgrades import language
from app.watch.events import of_streams
from app.watch.events.subjects import subject, word
from app.watch.traces import carried

# In the second half of the time so many looks must all find nobody: a front whose channel has just been replaced is
# not counted for a moment, and its readers must not lose an answer to that.
LOOKS = 3

# Why one expired that no worker here could have.
TOO_NEW = {"type": "timeout_error", "message": "no worker of a version that knows what the stream asks for was there"}
NOTHING = Along()
_STREAM_ID = re.compile(r"st_[0-9a-f]{32}")


def new_stream_id() -> str:
    return "st_" + secrets.token_hex(16)


def is_stream_id(text: str) -> bool:
    return _STREAM_ID.fullmatch(text) is not None


class Streams:
    """The streams of one Redis, as a front sees them."""

    def __init__(
        self,
        log: Log,
        queue: Queue,
        conversations: Conversations,
        settings: Settings,
        front: str,
        *,
        pricing: Pricing,
    ) -> None:
        self.log = log
        self.queue = queue
        self.conversations = conversations
        self.settings = settings
        self.owed = Owed()
        self._front = front
        self._pricing = pricing
        self._claims = itertools.count(1)
        self._looking: set[asyncio.Task[None]] = set()

    async def submit(
        self,
        prompt: Prompt,
        owner: str,
        headers: Mapping[str, str],
        *,
        demand: Demand = NO_DEMAND,
        query: str = "",
        idempotency_key: str | None = None,
        failure_frees_key: bool = False,
        fields: Mapping[str, str | bytes] | None = None,
        along: Along = NOTHING,
    ) -> Accepted:
        """Accepts a prompt; the same owner, key and body give the same stream. `demand` is what it asks of the limits.

        With `failure_frees_key` a key whose stream failed before any content is as if it had never been used. `fields`
        are more of the stream's meta. Raises `QueueFullError`, `LimitedError`, `IdempotencyConflictError`,
        `NotAcceptedError`, or Redis' errors; then nothing was accepted (see `submit`).
        """
        stream_id = new_stream_id()
        trace = carried.begun(stream_id)
        meta = language.said(prompt.fields(owner, headers, query) | dict(fields or {}) | carried.fields_of(trace))
        idempotency = Idempotency(owner, idempotency_key, prompt.digest) if idempotency_key else None
        submit = Submit(
            self,
            stream_id,
            meta,
            idempotency,
            along,
            share=share_of(owner, demand),
            demand=demand,
            failure_frees_key=failure_frees_key,
            waits=bool(prompt.relay.tools),
        )
        clock = time.perf_counter  # the loop's counts whole milliseconds
        model, began = word(prompt.model), clock()
        try:
            accepted = await submit.run()
        except Exception as error:
            of = subject(owner=owner, trace=trace)
            tell(of_streams.Refused(of, model, clock() - began, type(error).__name__))
            raise
        of = subject(accepted.stream_id, owner, trace)
        tell(of_streams.Submitted(of, model, clock() - began, accepted.repeated))
        return accepted

    async def resubmit(
        self, stream_id: str, owner: str, idempotency_key: str, digest: str, demand: Demand = NO_DEMAND
    ) -> bool:
        """Does the rest of a submit whose front may have died in the middle of it; safe where it did not.

        False where the stream is gone by now, or was withdrawn. Raises as `submit` does.
        """
        size = await again(lambda: self.log.field_bytes(stream_id, "request"))
        waits = await again(lambda: self.log.field_bytes(stream_id, "tools"))
        life_ms = self.settings.waiting_life_ms if waits else self.settings.stream_life_ms
        meta = await again(lambda: self.log.meta(stream_id, language.FIELD)) or {}
        submitted = await again(
            lambda: self.queue.submit(
                stream_id,
                limit=self.settings.queue_limit,
                life_ms=life_ms,
                share=share_of(owner, demand),
                size=size,
                most_bytes=self.settings.queue_bytes,
                idempotency=Idempotency(owner, idempotency_key, digest),
                demand=demand,
                version=language.version_of(meta),
            )
        )
        return not submitted.repeated and await self.keep(stream_id, life_ms)

    async def keep(self, stream_id: str, life_ms: int | None = None) -> bool:
        """Keeps a stream of which another request is about to be told; False where it is gone or was withdrawn."""
        word, life = secrets.token_hex(8), life_ms or self.settings.stream_life_ms
        return bool(await again(lambda: self.log.keep(stream_id, life, word)))

    async def cancel(self, stream_id: str, by: str = of_streams.CLIENT) -> State:
        """Cancels a stream; one that waits, also for a person, is claimed and ended here, one that runs is told to its
        worker.

        Returns the state that it is in now, as far as that is known. Where it raises nothing may have happened.
        """
        asked = note("stream.cancel_asked", by=by)
        state = await again(lambda: self.log.cancel(stream_id, told(asked, time.monotonic())))
        if state in (State.ENDED, State.UNKNOWN):
            return state
        tell(of_streams.CancelAsked(subject(stream_id), by))
        # From here on it is cancelled, whatever becomes of us: by whoever has it or takes it.
        try:
            await self.end_waiting(stream_id, Outcome.CANCELLED, None)
            meta = await self.log.meta(stream_id)
        except (RedisError, *AWAY):
            end = partial(self.end_waiting, stream_id, Outcome.CANCELLED, None)
            self.owed.add(f"{stream_id}: cancellation", end, self.settings.stream_life_ms / 1000)
            return state
        return State(meta["state"].decode()) if meta is not None else State.ENDED

    def abandon(self, stream_id: str, seconds: float) -> None:
        """A client has left for good: cancels the stream if nobody reads it in so many seconds.

        Its worker does the same where it has one, also if this front dies; a stream that waits has only us.
        """
        self._look_in(seconds / 2, stream_id, seconds, LOOKS)

    def _look_in(self, pause: float, stream_id: str, seconds: float, looks: int) -> None:
        asyncio.get_running_loop().call_later(pause, self._look, stream_id, seconds, looks)

    def _look(self, stream_id: str, seconds: float, looks: int) -> None:
        task = asyncio.create_task(self._cancel_unread(stream_id, seconds, looks), name="abandon")
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _cancel_unread(self, stream_id: str, seconds: float, looks: int) -> None:
        try:
            meta = await self.log.meta(stream_id)
            if meta is None or meta["state"] == State.ENDED.encode():
                return
            if await self.log.is_read(stream_id):
                self.abandon(stream_id, seconds)
            elif looks > 1:
                self._look_in(seconds / 2 / (LOOKS - 1), stream_id, seconds, looks - 1)
            else:
                await self.cancel(stream_id, of_streams.UNREAD)
        except (RedisError, *AWAY) as error:
            tell(of_streams.LeftToWorker(subject(stream_id), "an abandoned stream", type(error).__name__))

    async def end_waiting(
        self, stream_id: str, outcome: Outcome, error: dict[str, str] | None, *, unanswered: bool = False
    ) -> None:
        """Ends a stream that waits in the line, or for a person; does nothing to one that does not. `unanswered`: nor
        to one that a person has answered by then, which goes on.
        """
        lease_ms = int(self.settings.lease_seconds * 1000)
        # Each for itself: of two of one holder, the one that is overtaken on its way gets nothing.
        holder = f"{self._front}.{next(self._claims)}"
        claims = await self.queue.claim(holder, 1, slots=1, lease_ms=lease_ms, stream_id=stream_id)
        for claim in claims:
            await self._end(claim, outcome, error, unanswered=unanswered)

    async def _end(
        self, claim: Claim, outcome: Outcome, error: dict[str, str] | None, *, unanswered: bool = False
    ) -> None:
        begun = await self.log.begin(claim)
        facts: dict[str, str | bytes | int] = {**begun.meta}
        match begun.status:
            case Status.GONE:
                await self.queue.done(claim, bill=lost_bill(claim.times))
                return
            case Status.OK if unanswered and has_news(begun.meta):
                await self.queue.approvals.wait(claim, 0, self.settings.stream_life_ms)
                await self.queue.approvals.wake(claim.stream_id)  # whoever dies in between leaves that to a sweep
                return
            case Status.OK:
                if outcome is Outcome.EXPIRED and language.is_newer(begun.meta):
                    error = TOO_NEW
                ending = await ending_of(self.log, claim.stream_id, begun, outcome, error, pricing=self._pricing)
                written = await self._write_ending(claim, begun, ending)
                if written is None:
                    return  # not for us to end: the lease runs out, and a worker sees to it
                tell(ending.told)
                facts |= written
            case Status.ENDED if "withdrawn" in begun.meta:  # nobody was told of it, but it may have been paid
                await self.queue.done(claim, bill=bill_of(facts) if "attempts" in facts else None)
                return
            case Status.ENDED:  # its last holder died between the ending and `done`
                pass
            case _:
                return
        names = ("owner", "outcome", "attempts", "ended_at")
        try:
            if "conversation" in begun.meta:
                await self.conversations.add_answer(claim.stream_id, begun.meta["conversation"].decode())
            entry = {"id": claim.stream_id} | {name: facts[name] for name in names if name in facts}
            await self.queue.done(claim, entry, bill_of(facts))
        except NO_ANSWER as refused:  # it has its ending; the lease runs out, and a worker sees to the rest
            tell(of_streams.LeftToWorker(subject(claim.stream_id), "an ended stream", refusal_of(refused).code))

    async def _write_ending(self, claim: Claim, begun: Begun, ending: Ending) -> dict[str, str | bytes | int] | None:
        """What the meta says of the ending; None where it does not stand."""
        if begun.position is None:
            return None
        frame, _ = frames.encode_json("relay.end", ending.data, begun.position)
        life_ms = int(self.settings.stream_ttl * 1000)
        appended = await self.log.append(claim, begun.position.offset, frame, ending.fields, ending_life_ms=life_ms)
        return ending.fields | {"ended_at": begun.now} if appended.status is Status.OK else None
