"""One stream's life in this worker, from the claim to its release.

The rule: every path leads to exactly one ending, but where the stream is somebody else's (fenced), gone or ended
already: then nothing more is written. How an ending is reached is `work`'s to do and `attempt`'s to decide.
"""

from __future__ import annotations

import asyncio
import contextlib

from redis.exceptions import RedisError

from app.stream.log import Begun, Claim, Status
from app.stream.observing import tell
from app.stream.redis.connect import AWAY
from app.watch.events import of_processes, of_streams
from app.watch.events.subjects import Subject
from worker.life.decide import End, HandOver, Park
from worker.life.interrupt import Interrupt, Interruption, Why
from worker.life.services import Services
from worker.life.until_answered import until_answered
from worker.life.work import Work

# A stream that waits at the gate is woken when its turn comes; where nobody wakes it, it looks by itself after so long.
PARKED_SECONDS = 15.0
PARKED_SECONDS_MAX = 120.0


class Life:
    """A claimed stream. `live` is its task; everybody else may only interrupt it.

    `abandon_after`: after how many seconds without a reader it is to be cancelled.
    """

    def __init__(self, claim: Claim, services: Services) -> None:
        self.claim = claim
        self.interrupt = Interrupt()
        self.abandon_after: float | None = None
        self._services = services
        self._refusal: Status | None = None
        self._beginning: asyncio.Task[Begun] | None = None
        self._begun = False
        self._work: Work | None = None

    @property
    def memory_bytes(self) -> int:
        """How many bytes of memory the stream takes here, about."""
        return self._work.memory_bytes if self._work is not None else 0

    def prepare(self) -> None:
        """Begins before `live` is called, while other things are on their way to Redis."""
        # Where nobody has to wait, the first call follows at once, and is counted along.
        count = self.claim.calm and not self._begun
        begin = self._services.log.begin(self.claim, self._services.settings.stream_life_ms, count=count)
        self._beginning = asyncio.create_task(begin)
        self._beginning.add_done_callback(_heard)

    @property
    def left(self) -> bool:
        return self.interrupt.why is Why.LEFT

    def leave(self) -> None:
        """The stream is no longer ours: nothing more is written."""
        self.interrupt.stop(Why.LEFT)

    def hand_over(self) -> None:
        """The worker drains: another one goes on with the stream."""
        self.interrupt.stop(Why.DRAINED)

    def cancel(self) -> None:
        self.interrupt.stop(Why.CANCELLED)

    async def live(self, forced: End | None = None) -> None:
        """From the claim to its release; `forced` ends the stream without a call."""
        try:
            begun = await until_answered(self.interrupt, self._begin)
            self._begun = True
            match begun.status:
                case Status.OK:
                    await self._live(begun, forced)
                case Status.ENDED:  # its last holder died between the ending and `done`
                    await self._release()
                case refusal:
                    self._refusal = refusal
                    await self._let_go()
        except Interruption:
            await self._let_go()
        except RedisError as error:  # of its words `until_answered` has told what may be told
            tell(of_processes.Fault.met("stream", error, Subject(self.claim.stream_id)))

    async def _begin(self) -> Begun:
        if self._beginning is None:
            self.prepare()
        beginning, self._beginning = self._beginning, None
        assert beginning is not None  # noqa: S101  # for the type checker
        return await beginning

    async def _live(self, begun: Begun, forced: End | None) -> None:
        work = self._work = Work(self.claim, self._services, self.interrupt, begun)
        self.abandon_after = work.abandon_after
        expiry = asyncio.get_running_loop().call_later(work.seconds_left, self.interrupt.stop, Why.EXPIRED)
        try:
            match await work.finish(forced or work.first_step()):
                case HandOver():
                    await until_answered(self.interrupt, lambda: self._services.queue.give_back([self.claim]))
                    self.leave()
                case Park(wait, model):
                    longest = min(max(2 * wait, PARKED_SECONDS), PARKED_SECONDS_MAX, work.seconds_left)
                    await until_answered(self.interrupt, lambda: self._park(model, longest))
                    self.leave()  # whatever else happens here, its ending is not ours to write
                    self._services.gate.parked(model)
                case End():
                    await self._release()
        finally:
            self._refusal = work.refusal
            work.close()
            expiry.cancel()

    async def _park(self, model: str, longest: float) -> None:
        """Into the line. Whoever cancelled it before it stood there found nothing to end: it is ended now."""
        stream_id = self.claim.stream_id
        await self._services.queue.park(self.claim, model, round(longest * 1000))
        if (await self._services.log.meta(stream_id, "cancel") or {}).get("cancel") == b"1":
            await self._services.queue.hurry(stream_id)

    async def _release(self) -> None:
        """The stream has its ending: into its conversation, out of the queue, onto the outbox."""
        stream_id, log, queue = self.claim.stream_id, self._services.log, self._services.queue
        names = ("owner", "outcome", "attempts", "ended_at", "withdrawn")
        meta = await until_answered(self.interrupt, lambda: log.meta(stream_id, "conversation", *names)) or {}
        if "withdrawn" in meta and "attempts" not in meta:  # nobody was told of it, and nothing was paid
            await until_answered(self.interrupt, lambda: queue.done(self.claim))
            return
        if "conversation" in meta and "withdrawn" not in meta:
            # Before `done`: who dies in between leaves a lease, and the next claim records it.
            conversation = meta["conversation"].decode()
            try:
                await until_answered(
                    self.interrupt, lambda: self._services.conversations.record(stream_id, conversation)
                )
            except (Interruption, RedisError):
                raise
            except Exception as error:  # noqa: BLE001  # its next reader tries again; the stream is not to run again
                tell(of_processes.Fault.met("stream", error, Subject(stream_id)))
        entry = {"id": stream_id} | {name: meta[name] for name in names[:-1] if name in meta}
        await until_answered(self.interrupt, lambda: queue.done(self.claim, entry))

    async def _let_go(self) -> None:
        """No longer ours, or not any more at all: what Redis has lost must not be claimed again and again."""
        tell(of_streams.LeaseLost(Subject(self.claim.stream_id), self._refusal or ""))
        if self._refusal is Status.GONE:
            with contextlib.suppress(RedisError, *AWAY):
                await self._services.queue.done(self.claim)


def _heard(beginning: asyncio.Task[Begun]) -> None:
    """Whoever does not wait for it any more does not want to hear how it failed."""
    if not beginning.cancelled():
        beginning.exception()
