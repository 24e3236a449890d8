"""What several workers do to some logs, as steps of a state machine, and what holds of a log after each of them.

Nothing here says what a script has to answer. What holds is said of what stands in Redis. A step is one
rule that throws dice: left to choose by itself, Hypothesis leaves most of them out most of the time and hardly ever
comes to two holders who both write.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import hypothesis.strategies as st
from hypothesis import note
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from redis.asyncio import Redis

from app.stream import keys
from app.stream.frames import Position, encode, follow, origin, split
from app.stream.log import Appended, Claim, Log, State, Status
from tests.app.stream.telling import tell

ENDING_MS = 60_000
# Few enough for each to be fallen back to, far enough back for something to have happened since.
MOMENTS = 10

T = TypeVar("T")
Dumps = dict[bytes, tuple[bytes, int]]


@dataclass
class Hand:
    """A claim in the hand of a worker, with what it remembers of its attempt: a writer, in short."""

    claim: Claim
    start: Position | None = None
    at: Position = field(default_factory=lambda: Position(0, 0))
    kept: bytes = b""
    unheard: bytes = b""
    life_ms: int | None = None
    over: bool = False

    @property
    def writes(self) -> bool:
        return self.start is not None and not self.over

    @property
    def name(self) -> tuple[int, bytes]:
        return self.claim.fence, self.claim.holder.encode()


@dataclass
class Seen:
    """A stream's side of the server as it stood."""

    log: bytes = b""
    meta: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        return self.meta.get(b"state") == b"ended"

    @property
    def holder(self) -> tuple[int, bytes]:
        return int(self.meta.get(b"fence", 0)), self.meta.get(b"holder", b"")


def values(dumps: Dumps) -> dict[bytes, bytes]:
    return {name: dump for name, (dump, _) in dumps.items()}


class Hands(RuleBasedStateMachine):
    """Workers that write. Where their claims come from, and `redis` and `runner`, is for others to say."""

    redis: Redis
    runner: asyncio.Runner

    @initialize(dice=st.randoms(use_true_random=True))
    def begin_anew(self, dice: random.Random) -> None:
        self.dice = dice
        self.run(self.redis.flushall())
        self.log = Log(self.redis)
        self.hands: list[Hand] = []
        self.streams: list[str] = []
        self.seen: dict[str, Seen] = {}
        self.writer: Hand | None = None
        self.lost = False
        self.past: list[Dumps] = []

    def ways(self) -> dict[str, int]:
        """What can be done now, and how likely each is to be done."""
        writing = any(hand.writes for hand in self.hands)
        return {
            "write": 8 * writing,
            "end": writing,
            "lose": 2 * (bool(self.past) and bool(self.streams)),
            "cancel": bool(self.streams),
        }

    @rule()
    def step(self) -> None:
        ways = self.ways()
        [name] = self.dice.choices(list(ways), list(ways.values()))
        note(f"{name}:")
        getattr(self, name)()

    def one_of(self, some: Sequence[T]) -> T:
        chosen = self.dice.choice(some)
        note(f"    {chosen}")
        return chosen

    # --- what workers do

    def write(self) -> None:
        """Appends events, and what has no answer yet."""
        hand = self.one_of([hand for hand in self.hands if hand.writes])
        texts = [] if hand.life_ms else self.one_of(["a", "b", "ab", ""])
        self._send(hand, *tell(hand.at, *texts))

    def end(self) -> None:
        hand = self.one_of([hand for hand in self.hands if hand.writes])
        told, at = b"", hand.at
        if hand.life_ms is None:
            told, *after = encode(b"relay.end", b"{}", *hand.at)
            hand.life_ms, at = ENDING_MS, Position(*after)
        self._send(hand, told, at)

    def cancel(self) -> None:
        stream_id = self.one_of(self.streams)
        before = self.stands(stream_id)
        state = self.run(self.log.cancel(stream_id))
        assert state == State(before.meta.get(b"state", b"").decode())
        flag = self.stands(stream_id).meta.get(b"cancel", b"")
        assert flag == (b"1" if before.meta and not before.ended else before.meta.get(b"cancel", b""))

    def begin(self, hand: Hand) -> None:
        """A holder's first word."""
        begun = self.run(self.log.begin(hand.claim))
        hand.over = begun.status is not Status.OK
        if begun.status is Status.OK:
            assert begun.position is not None
            hand.start = hand.at = begun.position

    def _send(self, hand: Hand, told: bytes, at: Position) -> None:
        hand.kept, hand.unheard, hand.at = hand.kept + told, hand.unheard + told, at
        reply = self._append(hand, hand.unheard)
        if self.one_of(["heard", "heard", "heard", "not heard"]) == "not heard":
            return
        assert hand.start is not None
        if reply.status is Status.SHORT and reply.length >= hand.start.offset:
            held = self.stands(hand.claim.stream_id).holder == hand.name
            reply = self._append(hand, hand.kept)
            assert reply.status is Status.OK or not held, "what a holder lost can always be healed"
        hand.unheard = b""
        hand.over = reply.status is not Status.OK or hand.life_ms is not None

    def _append(self, hand: Hand, data: bytes) -> Appended:
        stream_id = hand.claim.stream_id
        before, all_before = self.stands(stream_id), self.run(self.everything())
        at = hand.at.offset - len(data)
        fields = {"outcome": "completed"} if hand.life_ms is not None else None
        reply = self.run(self.log.append(hand.claim, at, data, fields, hand.life_ms))
        after = self.stands(stream_id)
        if reply.status is Status.OK:
            assert (after.log[at:], len(after.log)) == (data, reply.length)
            if after.log != before.log:
                self.writer = hand
                assert after.holder == hand.name
        else:
            assert values(self.run(self.everything())) == values(all_before)
            in_the_way = before.ended or before.holder != hand.name or at != len(before.log)
            assert in_the_way, "nothing stood in the way of its holder"
        return reply

    # --- what Redis loses

    def lose(self) -> None:
        """The server of a log fails over to one that stands at an earlier moment, and no worker knows of it."""
        prefix = keys.log(self.one_of(self.streams)).removesuffix("log").encode()
        self.run(self.restore(self.past[self.one_of(range(len(self.past)))], prefix))
        self.lost = True

    # --- what holds

    @invariant()
    def each_log_is_one_history(self) -> None:
        for stream_id in self.streams:
            assert follow(self.stands(stream_id).log, *origin(stream_id)) is not None

    @invariant()
    def there_is_one_ending_and_nothing_follows_it(self) -> None:
        for stream_id in self.streams:
            stands = self.stands(stream_id)
            names = [frame.name for frame in split(stands.log)]
            assert names.count("relay.end") == stands.ended
            assert "relay.end" not in names[:-1]

    @invariant()
    def a_log_only_grows_and_only_by_who_holds_it(self) -> None:
        for stream_id in self.streams:
            before, after = self.seen.get(stream_id, Seen()), self.stands(stream_id)
            self.seen[stream_id] = after
            if self.lost:
                continue
            assert after.log.startswith(before.log)
            assert after.holder[0] >= before.holder[0]
            assert after.log == before.log or (self.writer and self.writer.claim.stream_id == stream_id)
            assert after == before or not before.ended
        self.lost, self.writer = False, None

    @invariant()
    def every_key_goes_by_itself(self) -> None:
        everything = self.run(self.everything())
        assert [key for key, (_, life) in everything.items() if life <= 0] == []
        self.past = [*self.past[1 - MOMENTS :], everything]

    # --- looking

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def stands(self, stream_id: str) -> Seen:
        async def look() -> Seen:
            log = await self.redis.get(keys.log(stream_id)) or b""
            return Seen(log, await self.redis.hgetall(keys.meta(stream_id)))

        return self.run(look())

    async def everything(self) -> Dumps:
        """All keys: what they hold, and for how many tens of seconds yet."""
        names = sorted(await self.redis.keys("*"))
        pipe = self.redis.pipeline()
        for name in names:
            pipe.dump(name)
            pipe.pttl(name)
        replies = await pipe.execute()
        return {name: (replies[2 * n], -(-replies[2 * n + 1] // 10_000)) for n, name in enumerate(names)}

    async def restore(self, dumps: Dumps, prefix: bytes) -> None:
        pipe = self.redis.pipeline()
        for name in await self.redis.keys("*"):
            if name.startswith(prefix):
                pipe.delete(name)
        for name, (dump, life) in dumps.items():
            if name.startswith(prefix):
                pipe.restore(name, life * 10_000, dump)
        await pipe.execute()
