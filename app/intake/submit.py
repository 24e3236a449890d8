"""How a prompt is accepted: one submit, from its first write to its answer.

The rule: a request is answered as accepted only when meta, job and confirmation stand, and whatever was answered with
an error does not run. Meta and job are written in one trip and confirmed in the next, for what the line refuses must
not live on; whoever does not hear a reply asks again for `ASK_SECONDS`: each of the scripts recognises its own
repetition, also after the stream has ended. What is then still unknown is answered as an error, and withdrawn as soon
as Redis is back.

| what happened | the request is told | what stands afterwards |
| --- | --- | --- |
| all of it was written, the reply came, at once or on asking again | accepted | the stream |
| the Idempotency-Key stands for a stream of another request | accepted, repeated | that one |
| … of another body; the line or a limit is full; the caller refuses | that error | nothing: all is undone |
| Redis refuses a part (full, read-only) | Redis' error | nothing: withdrawn as soon as Redis takes it |
| no reply in time; nothing had been written | Redis' error | a mark for a minute: what still arrives is lost |
| no reply in time; it waits | Redis' error | nothing: withdrawn once Redis is back |
| no reply in time; a worker has it by then | Redis' error | it is cancelled once Redis is back, and its key is free |
| no reply in time; it has ended by then | Redis' error | it: it was paid for |
| no reply in time; its key was asked with again | Redis' error; the other: repeated | the stream: the other was told |
| the meta was lost before it was confirmed | an error | nothing |
| the front dies | nothing | the stream, if its job was written; for a minute, if it was not confirmed and waits |

A withdrawal and a confirmation are scripts on the same meta, so one of them comes first. Knows no HTTP.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from redis.exceptions import RedisError

from app.stream.accounts import NO_STANDING, Demand, Over, Share, Standing
from app.stream.endings import Outcome, Withdrawn
from app.stream.errors import IdempotencyConflictError, LimitedError, NotAcceptedError
from app.stream.log import State
from app.stream.queue import Idempotency, Submitted
from app.stream.redis.connect import AWAY, COMMAND_SECONDS
from app.stream.redis.ordered import Prepared
from app.stream.upgrades.language import needed

if TYPE_CHECKING:
    from app.intake.streams import Streams

# How long a submit that was not answered is asked again. A client waits as long; a failover takes about as long.
ASK_SECONDS = 3.0
ASK_PAUSE_SECONDS = 0.05
ASK_PAUSE_SECONDS_MAX = 0.5
# For so long one waits for streams that have ended to be settled, of so many at either end of an account's. Where the
# worker died in between, that is when its lease has ended.
SETTLE_SECONDS = 1.0
SETTLE_PAUSE_SECONDS = 0.02
SETTLING_MAX = 32

T = TypeVar("T")
Step = Callable[[str], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Accepted:
    """`repeated`: the Idempotency-Key stood for this stream already. `replies`: of what was asked along (`then`).

    `standing`: what is left of the owner's rates.
    """

    stream_id: str
    state: State
    repeated: bool = False
    replies: Sequence[Any] = ()
    standing: Standing = NO_STANDING


@dataclass(frozen=True, slots=True)
class Along:
    """What a caller does besides, for the stream of this id.

    `before`: once the limits have room and nothing is written yet; only where there is `opened`. `opened`: while the
    meta stands and no worker can have the stream. What these raise refuses the prompt.
    `then`: in the submit's own trip, right behind it. `undo`: takes back what these did; it may be done twice, and
    where they did not come to anything.
    `undo_bytes`: what `undo` takes in memory while it is owed.
    """

    opened: Step | None = None
    before: Callable[[], Awaitable[object]] | None = None
    then: Callable[[str], Prepared] | None = None
    undo: Step | None = None
    undo_bytes: int = 0


class Submit:
    """One submit of one request. `waits`: its stream may come to wait for a person."""

    def __init__(
        self,
        streams: Streams,
        stream_id: str,
        meta: Mapping[str, str | bytes],
        idempotency: Idempotency | None,
        along: Along,
        *,
        share: Share,
        demand: Demand,
        failure_frees_key: bool = False,
        waits: bool = False,
    ) -> None:
        self._streams = streams
        self._id = stream_id
        self._meta = meta
        self._size = sum(len(value) for value in meta.values())
        self._idempotency = idempotency
        self._along = along
        self._share = share
        self._demand = demand
        self._failure_frees_key = failure_frees_key
        self._word = secrets.token_hex(8)
        self._life_ms = streams.settings.waiting_life_ms if waits else streams.settings.stream_life_ms
        self._began = self._asked_at = asyncio.get_running_loop().time()

    async def run(self) -> Accepted:
        """Raises `QueueFullError`, `LimitedError`, `IdempotencyConflictError`, `NotAcceptedError`, Redis' errors, and
        those of `before` and `opened`.
        """
        if self._along.opened is not None:  # what is refused here has left nothing that is to be taken back
            await self._look_for_room()
            if self._along.before is not None:
                await self._along.before()
        try:
            if self._along.opened is not None:
                await again(lambda: self._streams.log.open(self._id, self._meta))
                await self._along.opened(self._id)
            return await self._submit()
        except (RedisError, *AWAY) as error:
            await self._withdraw(now=not isinstance(error, AWAY))
            raise
        except NotAcceptedError:
            await self._withdraw(now=True)
            raise
        except asyncio.CancelledError:
            self._owe(self._take_back)
            raise
        except Exception:  # the line's refusal, or the caller's
            await self._drop()
            raise

    async def _submit(self) -> Accepted:
        replaces = ""
        while True:
            self._asked_at = asyncio.get_running_loop().time()
            try:
                submitted = await again(lambda: self._ask(replaces))  # noqa: B023  # is awaited right here
            except LimitedError as error:
                if not await self._makes_room(error.over):
                    raise
                continue
            except IdempotencyConflictError as error:
                if not await self._is_free(error.stream_id, if_gone=False):
                    raise
                replaces = error.stream_id
                continue
            if not submitted.repeated:
                if not await self._keep(self._id, submitted.waiting):
                    raise NotAcceptedError("the stream was lost while it was submitted; try again")
                return Accepted(self._id, State.QUEUED, replies=submitted.replies, standing=submitted.standing)
            replaces = submitted.stream_id
            if not await self._is_free(replaces, if_gone=True) and (state := await self._keep(replaces)):
                await self._drop()
                return Accepted(replaces, state, repeated=True, standing=submitted.standing)

    async def _ask(self, replaces: str) -> Submitted:
        """The meta, the job and what goes along, in one trip."""
        log, settings = self._streams.log, self._streams.settings
        return await self._streams.queue.submit(
            self._id,
            limit=settings.queue_limit,
            life_ms=self._life_ms,
            share=self._share,
            size=self._size,
            most_bytes=settings.queue_bytes,
            idempotency=self._idempotency,
            replaces=replaces,
            demand=self._demand,
            version=needed(self._meta),
            # Where the caller has opened it, it must not stand again if it was lost meanwhile.
            after=log.opening(self._id, self._meta) if self._along.opened is None else None,
            then=[self._along.then(self._id)] if self._along.then is not None else [],
        )

    async def _look_for_room(self) -> None:
        """For who writes something before the submit, which others see and which is taken back where it is refused."""
        room = self._streams.queue.room
        while True:
            try:
                return await again(lambda: room.look(self._demand))
            except LimitedError as error:
                if not await self._makes_room(error.over):
                    raise

    async def _makes_room(self, over: Over) -> bool:
        """Whether there may be room by now: who has seen a stream's ending may say the next thing at once, though that
        stream is done a moment later.
        """
        if not over.limit.is_settled or asyncio.get_running_loop().time() > self._began + SETTLE_SECONDS:
            return False
        log, room = self._streams.log, self._streams.queue.room
        promised = await again(lambda: room.promised(over.account, SETTLING_MAX))
        if not promised or not await again(lambda: log.any_ended(promised)):
            return False
        await asyncio.sleep(SETTLE_PAUSE_SECONDS)
        return True

    async def _keep(self, stream_id: str, waiting: int | None = None) -> State:
        return await again(lambda: self._streams.log.keep(stream_id, self._life_ms, self._word, waiting))

    async def _is_free(self, stream_id: str, *, if_gone: bool) -> bool:
        """Whether a key that stands for this stream is as if it had never been used."""
        found = await again(lambda: self._streams.log.meta(stream_id, "outcome", "content", "withdrawn"))
        if found is None:
            return if_gone
        if "withdrawn" in found:
            return True
        failed = found.get("outcome") in (Outcome.FAILED.encode(), Outcome.EXPIRED.encode())
        return self._failure_frees_key and failed and found.get("content") != b"1"

    # --- taking back

    async def _drop(self) -> None:
        """Nothing was put in the line: what was written for it goes."""

        async def drop() -> None:
            await self._undo()
            if asyncio.get_running_loop().time() < late:
                await self._streams.log.drop(self._id)
            else:
                await self._streams.log.withdraw(self._id, self._word)

        # A first try may then still be on its way; what was asked before was answered.
        late = self._asked_at + COMMAND_SECONDS / 2
        await self._now_or_later(drop)

    async def _withdraw(self, *, now: bool) -> None:
        """Nobody knows what was done. `now`: Redis answers."""
        if now:
            await self._now_or_later(self._take_back)
        else:
            self._owe(self._take_back)

    async def _now_or_later(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except (RedisError, *AWAY):
            self._owe(work)

    def _owe(self, work: Callable[[], Awaitable[None]]) -> None:
        kept = self._along.undo_bytes if self._along.undo is not None else 0
        self._streams.owed.add(withdrawal_of(self._id), work, self._life_ms / 1000, kept)

    async def _take_back(self) -> None:
        withdrawn = await self._streams.log.withdraw(self._id, self._word)
        if withdrawn is Withdrawn.KEPT:
            return
        if withdrawn is not Withdrawn.ENDED:
            await self._undo()
        await self._streams.end_waiting(self._id, Outcome.CANCELLED, None)

    async def _undo(self) -> None:
        if self._along.undo is not None:
            await self._along.undo(self._id)


def withdrawal_of(stream_id: str) -> str:
    """As what is owed of a stream that is to be taken back."""
    return f"{stream_id}: withdrawal"


async def again(ask: Callable[[], Awaitable[T]], seconds: float | None = None) -> T:
    """What `ask` answers, asked again for so long (`ASK_SECONDS`) while Redis is away.

    Only for what recognises its own repetition.
    """
    loop = asyncio.get_running_loop()
    until, pause = loop.time() + (ASK_SECONDS if seconds is None else seconds), ASK_PAUSE_SECONDS
    while True:
        try:
            return await ask()
        except AWAY:
            if loop.time() + pause > until:
                raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, ASK_PAUSE_SECONDS_MAX)
