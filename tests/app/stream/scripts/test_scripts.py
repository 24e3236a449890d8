"""The scripts together, in any order: streams are submitted, claimed, written, cancelled, ended and handed on by some
workers, who hear some replies and not others, outlive their leases, and go on after a failover that they do not notice.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import initialize, invariant, run_state_machine_as_test

from app.stream import keys, scripts
from app.stream.accounts import NO_DEMAND, NOBODYS, share_of
from app.stream.log import Claim
from app.stream.queue import Queue
from app.stream.scripts import source
from tests.app.stream.hands import MOMENTS, Dumps, Hand, Hands, values
from tests.app.stream.telling import LIFE_MS, OWNER, accept
from tests.harness.servers import Server
from tests.long import examples

LEASE_MS = 60_000
STREAMS_MAX = 2
HOLDERS_MAX = 4
WORKERS = ("one", "two")


@pytest.fixture(autouse=True)
def machine(server: Server) -> Iterator[None]:
    with asyncio.Runner() as runner:
        Hands.runner = runner
        Hands.redis = server.connect("machine")
        yield
        runner.run(Hands.redis.aclose())


def test_a_script_is_sent_without_what_is_for_readers_and_its_lines_keep_their_numbers() -> None:
    sent, file = source("log/append").splitlines(), (Path(scripts.__file__).parent / "log/append.lua").read_text()
    told = [line.strip() for line in file.splitlines()]
    assert sent == ["" if line.startswith("--") else line for line in told]


class OneLog(Hands):
    """Several holders of one stream, each of whom may think that it is the newest."""

    @initialize(dice=st.randoms(use_true_random=True))
    def begin_anew(self, dice: random.Random) -> None:
        super().begin_anew(dice)
        self.streams = ["st_one"]
        self.run(accept(self.log, "st_one"))

    def ways(self) -> dict[str, int]:
        return super().ways() | {"take": 3 * (len(self.hands) < HOLDERS_MAX)}

    def take(self) -> None:
        number = len(self.hands) + 1
        self.hands.append(Hand(Claim("st_one", number, f"worker/{number}")))
        self.begin(self.hands[-1])


@pytest.mark.parametrize("many", examples(50))
def test_a_log_is_one_history_whoever_writes_and_whatever_is_lost(server: Server, many: int) -> None:
    run_state_machine_as_test(OneLog, settings=settings(max_examples=server.examples(many), stateful_step_count=15))


@dataclass(frozen=True)
class Line:
    """What the queue knew at a moment that may be fallen back to."""

    dumps: Dumps
    scores: dict[str, float]
    top: int


class Scripts(Hands):
    """Streams from their submit to their `done`."""

    @initialize(dice=st.randoms(use_true_random=True))
    def begin_anew(self, dice: random.Random) -> None:
        super().begin_anew(dice)
        self.queue = Queue(self.redis)
        self.numbers = dict.fromkeys(WORKERS, 0)
        self.given: dict[str, list[Claim]] = {}
        self.pairs: set[tuple[str, int, str]] = set()
        self.scores: dict[str, float] = {}
        self.top = 0
        self.lines: list[Line] = []

    def ways(self) -> dict[str, int]:
        jobs, hands = bool(self.scores), bool(self.hands)
        return super().ways() | {
            "submit": 2 * (len(self.scores) < STREAMS_MAX),
            "submit_again": jobs,
            "claim": 2 + jobs,
            "claim_again": bool(self.given),
            "begin_one": 6 * any(hand.start is None for hand in self.hands),
            "renew": hands,
            "expire": 2 * jobs,
            "look_who_waits": 1,
            "done": hands,
            "give_back": hands,
            "lose_everything": bool(self.lines),
        }

    # --- what happens

    def submit(self) -> None:
        stream_id = f"st_{len(self.streams) + 1}"
        share = self.one_of([NOBODYS, share_of("a", NO_DEMAND), share_of("b", NO_DEMAND)])

        async def act() -> float | None:
            await self.log.open(stream_id, {"owner": OWNER, "request": "{}"})
            await self.queue.submit(stream_id, limit=2 * STREAMS_MAX, life_ms=LIFE_MS, share=share)
            await self.log.keep(stream_id, LIFE_MS)
            return await self.redis.zscore(keys.JOBS, stream_id)

        score = self.run(act())
        assert score is not None
        self.streams.append(stream_id)
        self.scores[stream_id] = score

    def submit_again(self) -> None:
        before = self.run(self.everything())
        self.run(self.queue.submit(self.one_of(list(self.scores)), limit=2 * STREAMS_MAX, life_ms=LIFE_MS))
        assert values(self.run(self.everything())) == values(before)

    def claim(self) -> None:
        worker, free = self.one_of(WORKERS), self.one_of([1, 1, 2, 0])
        line = self.run(self.line())
        self.numbers[worker] += 1
        claims = self.run(self.queue.claim(worker, self.numbers[worker], slots=free, lease_ms=LEASE_MS))
        assert [claim.stream_id for claim in claims] == line[:free]
        for claim in claims:
            assert claim.fence > self.top
            self.top = claim.fence
            pair = (claim.stream_id, claim.fence, claim.holder)
            assert pair not in self.pairs
            self.pairs.add(pair)
        if claims:
            self.given[worker] = claims
        self.hands += [Hand(claim) for claim in claims]

    def claim_again(self) -> None:
        worker, claims = self.one_of(list(self.given.items()))
        before = self.run(self.everything())
        number = int(claims[0].holder.rpartition("/")[2])
        assert self.run(self.queue.claim(worker, number, slots=2, lease_ms=LEASE_MS)) == claims
        assert self.run(self.everything()) == before

    def begin_one(self) -> None:
        self.begin(self.one_of([hand for hand in self.hands if hand.start is None]))

    def renew(self) -> None:
        claims = [self.one_of(self.hands).claim for _ in range(2)]
        newest = self.run(self.newest())
        refused = self.run(self.queue.renew("one", claims, LEASE_MS))
        assert refused == {claim.stream_id for claim in claims if not is_newest(claim, newest)}
        leased = set(self.run(self.redis.zrange(keys.LEASES, 0, -1)))
        assert leased >= {claim.stream_id.encode() for claim in claims if is_newest(claim, newest)}

    def expire(self) -> None:
        self.run(self.redis.zadd(keys.LEASES, {self.one_of(list(self.scores)): 1}, xx=True))

    def look_who_waits(self) -> None:
        line = self.run(self.line())
        self.run(self.queue.overdue(LIFE_MS, 100))
        assert [member.decode() for member in self.run(self.redis.zrange(keys.JOBS, 0, -1))] == line

    def done(self) -> None:
        claim = self.one_of(self.hands).claim
        newest, before = self.run(self.newest()), self.run(self.everything())
        assert self.run(self.queue.done(claim, {"id": claim.stream_id})) == is_newest(claim, newest)
        if is_newest(claim, newest):
            del self.scores[claim.stream_id]
        else:
            assert self.run(self.everything()) == before

    def give_back(self) -> None:
        claim = self.one_of(self.hands).claim
        newest, before = self.run(self.newest()), self.run(self.everything())
        assert self.run(self.queue.give_back([claim])) == is_newest(claim, newest)
        if not is_newest(claim, newest):
            assert self.run(self.everything()) == before

    def lose_everything(self) -> None:
        """The one server of all fails over to one that stands at an earlier moment."""
        line = self.lines[self.one_of(range(len(self.lines)))]
        self.run(self.restore(line.dumps, b""))
        self.scores, self.top = dict(line.scores), line.top
        self.given.clear()
        self.lost = True

    # --- what holds

    @invariant()
    def a_job_waits_or_is_leased_until_it_is_done(self) -> None:
        waiting = dict(self.run(self.redis.zrange(keys.JOBS, 0, -1, withscores=True)))
        leased = set(self.run(self.redis.zrange(keys.LEASES, 0, -1)))
        assert set(self.run(self.redis.zrange(keys.SINCE, 0, -1))) == waiting.keys()
        claims = set(self.run(self.redis.hkeys(keys.CLAIMS)))
        jobs = self.run(self.jobs())
        ours = {stream_id.encode(): score for stream_id, score in self.scores.items()}
        assert waiting.keys() | leased == ours.keys() == jobs
        assert not waiting.keys() & leased
        assert waiting.items() <= ours.items()
        assert leased <= claims <= ours.keys()

    @invariant()
    def remember(self) -> None:
        line = Line(self.run(self.everything()), dict(self.scores), self.top)
        self.lines = [*self.lines[1 - MOMENTS :], line]

    # --- looking

    async def line(self) -> list[str]:
        """Who waits, and who will as soon as anybody looks, in their order."""
        waiting = await self.redis.zrange(keys.JOBS, 0, -1)
        expired = await self.redis.zrangebyscore(keys.LEASES, 0, 1)
        return sorted((member.decode() for member in waiting + expired), key=lambda one: self.scores[one])

    async def jobs(self) -> set[bytes]:
        """Those that are not done; of one that is, an asked again submit still finds the job for a while."""
        found = [(key, await self.redis.ttl(key)) for key in await self.redis.keys("arq:*")]
        return {key.removeprefix(keys.arq_job("").encode()) for key, left in found if left > keys.SUBMIT_SECONDS}

    async def newest(self) -> dict[str, str]:
        """Fence and holder of each stream's newest claim, as the queue knows them."""
        claims = await self.redis.hgetall(keys.CLAIMS)
        return {key.decode(): value.decode().split("|", 2)[2] for key, value in claims.items()}


def is_newest(claim: Claim, newest: dict[str, str]) -> bool:
    return newest.get(claim.stream_id) == f"{claim.fence}|{claim.holder}"


@pytest.mark.parametrize("many", examples(25))
def test_the_scripts_keep_their_promises_in_any_order(server: Server, many: int) -> None:
    run_state_machine_as_test(Scripts, settings=settings(max_examples=server.examples(many), stateful_step_count=40))
