"""How a claimed stream leaves this worker: ended, handed over, into the gate's line, or to where a person has the word.

The rule: where it goes stands in Redis before anything is forgotten here, and whoever dies in between leaves a lease,
whose next holder finds what was done. Every function raises `Interruption` when the stream is no longer ours.
"""

from __future__ import annotations

import contextlib

from redis.exceptions import RedisError

from app.stream.accounts import Bill, lost_bill
from app.stream.asides import Awaiting
from app.stream.ledger.lines import bill_of
from app.stream.log import Claim, Status
from app.stream.observing import tell
from app.stream.redis.connect import AWAY
from app.watch.events import of_processes, of_streams
from app.watch.events.subjects import Subject
from worker.life.interrupt import Interrupt, Interruption
from worker.life.saving import keeping
from worker.life.services import Services
from worker.life.until_answered import until_answered

# A stream that waits at the gate is woken when its turn comes; where nobody wakes it, it looks by itself after so long.
PARKED_SECONDS = 15.0
PARKED_SECONDS_MAX = 120.0

_ENTRY = ("owner", "outcome", "attempts", "ended_at")
# What its calls did cost, beside its owner.
_BILL = ("calls", "model")


class Release:
    """The ways out of one claim."""

    def __init__(self, claim: Claim, services: Services, interrupt: Interrupt) -> None:
        self._claim = claim
        self._services = services
        self._interrupt = interrupt

    async def ended(self, known: Bill | None) -> None:
        """The stream has its ending: into its conversation, out of the queue, onto the outbox.

        `known` is what it did cost, should its meta's life be over before this is done.
        """
        stream_id, log, queue = self._claim.stream_id, self._services.log, self._services.queue
        names = ("conversation", "withdrawn", *_ENTRY, *_BILL, *keeping.FIELDS)
        meta = await until_answered(self._interrupt, lambda: log.meta(stream_id, *names))
        if meta is None:
            await until_answered(self._interrupt, lambda: queue.done(self._claim, {"id": stream_id}, self._left(known)))
            return
        if "withdrawn" in meta and "attempts" not in meta:  # nobody was told of it, and nothing was paid
            await until_answered(self._interrupt, lambda: queue.done(self._claim))
            return
        if "conversation" in meta and "withdrawn" not in meta:
            # Before `done`: who dies in between leaves a lease, and the next claim adds it.
            await self._into_conversation(meta["conversation"].decode())
        # Before `done`, too: until then others find this stream, from then on its answer.
        await keeping.keep(log, self._services.saved, stream_id, meta)
        entry = {"id": stream_id} | {name: meta[name] for name in _ENTRY if name in meta}
        await until_answered(self._interrupt, lambda: queue.done(self._claim, entry, bill_of(meta)))

    async def handed_over(self) -> None:
        """Another worker goes on with it, at once."""
        await until_answered(self._interrupt, lambda: self._services.queue.give_back([self._claim]))

    async def newer(self, version: int) -> None:
        """A worker that knows `version` goes on with it."""
        life_ms, put_by = self._services.settings.stream_life_ms, self._services.queue.put_by
        await until_answered(self._interrupt, lambda: put_by.leave(self._claim, version, life_ms))
        tell(of_streams.PutBy(Subject(self._claim.stream_id), version))

    async def awaiting(self, waited: float) -> None:
        """A person has the next word; for people it has `waited` so many seconds by now."""
        longest = max(self._services.settings.approval_seconds - waited, 0.0)
        await until_answered(self._interrupt, lambda: self._await_person(round(longest * 1000)))
        self._services.announcer.announce(self._claim.stream_id, Awaiting())

    async def held(self, wait: float, model: str, seconds_left: float) -> None:
        """The gate wakes it, after about `wait` seconds; nobody lets it wait for longer than it has left."""
        longest = min(max(2 * wait, PARKED_SECONDS), PARKED_SECONDS_MAX, seconds_left)
        await until_answered(self._interrupt, lambda: self._park(model, longest))

    async def no_longer_ours(self, refusal: Status | None, known: Bill | None) -> None:
        """Nothing is left to do; but what Redis has lost must not be claimed again, and did cost what is `known`."""
        tell(of_streams.LeaseLost(Subject(self._claim.stream_id), refusal or ""))
        if refusal is Status.GONE:
            with contextlib.suppress(RedisError, *AWAY):
                await self._services.queue.done(self._claim, bill=self._left(known))

    def _left(self, known: Bill | None) -> Bill | None:
        if known is None:
            return lost_bill(self._claim.times)
        return known if known.calls else None

    async def _into_conversation(self, conversation: str) -> None:
        stream_id, conversations = self._claim.stream_id, self._services.conversations
        try:
            await until_answered(self._interrupt, lambda: conversations.add_answer(stream_id, conversation))
        except (Interruption, RedisError):
            raise
        except Exception as error:  # noqa: BLE001  # its next reader tries again; the stream is not to run again
            tell(of_processes.Fault.met("stream", error, Subject(stream_id)))

    async def _await_person(self, longest_ms: int) -> None:
        """Whoever said something before it stood there found nobody to wake: it goes on now."""
        approvals = self._services.queue.approvals
        await approvals.wait(self._claim, longest_ms, self._services.settings.stream_life_ms)
        if await approvals.is_answered(self._claim.stream_id):
            await approvals.wake(self._claim.stream_id)

    async def _park(self, model: str, longest: float) -> None:
        """Into the line. Whoever cancelled it before it stood there found nothing to end: it is ended now."""
        stream_id = self._claim.stream_id
        await self._services.queue.park(self._claim, model, round(longest * 1000))
        if (await self._services.log.meta(stream_id, "cancel") or {}).get("cancel") == b"1":
            await self._services.queue.hurry(stream_id)
