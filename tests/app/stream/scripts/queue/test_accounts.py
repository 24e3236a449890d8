"""Money through the queue's scripts, in any order: what is promised and what is spent never pass a budget, and whatever
happens to a stream it is settled once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import initialize, invariant, run_state_machine_as_test

from app.stream import keys
from app.stream.accounts import Account, Bill, Demand
from app.stream.errors import LimitedError
from app.stream.workers.reserves import Fenced, Promised, Reserves, Unpaid
from tests.app.stream.hands import MOMENTS, Hands, values
from tests.app.stream.scripts.test_scripts import Scripts, is_newest
from tests.app.stream.telling import LIFE_MS, OWNER
from tests.harness.servers import Server
from tests.long import examples

STREAMS_MAX = 2
BUDGET = 100
# The tenant's, and one of its users', who may less.
ACCOUNTS = {"acme": BUDGET, "acme/bob": 70}


@pytest.fixture(autouse=True)
def machine(server: Server) -> Iterator[None]:
    with asyncio.Runner() as runner:
        Hands.runner = runner
        Hands.redis = server.connect("machine")
        yield
        runner.run(Hands.redis.aclose())


class Money(Scripts):
    """Streams of two owners who pay from one budget. `promised` is, by stream, who pays, for a call and in all."""

    @initialize(dice=st.randoms(use_true_random=True))
    def begin_anew(self, dice: random.Random) -> None:
        super().begin_anew(dice)
        self.reserves = Reserves(self.redis)
        self.promised: dict[str, tuple[tuple[str, ...], int, int]] = {}
        self.spent = dict.fromkeys(ACCOUNTS, 0)
        self.moments: list[tuple[dict[str, tuple[tuple[str, ...], int, int]], dict[str, int]]] = []

    def ways(self) -> dict[str, int]:
        return super().ways() | {"reserve": 3 * bool(self.hands)}

    # --- what happens

    def submit(self) -> None:
        stream_id, nano = f"st_{len(self.streams) + 1}", self.one_of([0, 20, 50, 60])
        names = self.one_of([("acme",), ("acme", "acme/bob")])
        has_room = all(self.used(name) + nano <= ACCOUNTS[name] for name in names)
        before = self.run(self.everything())

        async def act() -> float | None:
            await self.queue.submit(stream_id, limit=STREAMS_MAX, life_ms=LIFE_MS, demand=demand(names, nano))
            await self.log.open(stream_id, {"owner": OWNER, "request": "{}"})
            await self.log.keep(stream_id, LIFE_MS)
            return await self.redis.zscore(keys.JOBS, stream_id)

        if not has_room:
            with pytest.raises(LimitedError) as refused:
                self.run(act())
            assert refused.value.over.limit.is_budget
            assert values(self.run(self.everything())) == values(before)
            return
        score = self.run(act())
        assert score is not None
        self.streams.append(stream_id)
        self.scores[stream_id] = score
        self.promised[stream_id] = (names, nano, nano)

    def submit_again(self) -> None:
        """Nobody heard the reply: it takes nothing more."""
        stream_id = self.one_of(list(self.scores))
        names, call, _ = self.promised[stream_id]
        before = self.run(self.everything())
        self.run(self.queue.submit(stream_id, limit=STREAMS_MAX, life_ms=LIFE_MS, demand=demand(names, call)))
        assert values(self.run(self.everything())) == values(before)

    def reserve(self) -> None:
        """A further call, perhaps asked for again: the first try may have been answered to nobody."""
        claim, spent = self.one_of(self.hands).claim, self.one_of([0, 10, 30])
        newest, before = self.run(self.newest()), self.run(self.everything())
        reply = self.run(self.reserves.reserve(claim, spent))
        if not is_newest(claim, newest):
            assert isinstance(reply, Fenced)
            assert self.run(self.everything()) == before
            return
        names, call, nano = self.promised[claim.stream_id]
        more = max(0, spent + call - nano)
        if all(self.used(name) + more <= ACCOUNTS[name] for name in names):
            assert isinstance(reply, Promised)
            self.promised[claim.stream_id] = (names, call, nano + more)
        else:
            assert isinstance(reply, Unpaid)
            assert values(self.run(self.everything())) == values(before)

    def done(self) -> None:
        claim, cost = self.one_of(self.hands).claim, self.one_of([0, 1, 20])
        newest, before = self.run(self.newest()), self.run(self.everything())
        bill = Bill(nano=min(cost, self.promised.get(claim.stream_id, ((), 0, 0))[2]))
        assert self.run(self.queue.done(claim, {"id": claim.stream_id}, bill)) == is_newest(claim, newest)
        if not is_newest(claim, newest):
            assert self.run(self.everything()) == before
            return
        del self.scores[claim.stream_id]
        for name in self.promised.pop(claim.stream_id)[0]:
            self.spent[name] += bill.nano or 0

    def lose_everything(self) -> None:
        at = self.dice.randrange(len(self.lines))
        line, (promised, spent) = self.lines[at], self.moments[at]
        self.run(self.restore(line.dumps, b""))
        self.scores, self.top = dict(line.scores), line.top
        self.promised, self.spent = dict(promised), dict(spent)
        self.given.clear()
        self.lost = True

    # --- what holds

    @invariant()
    def what_is_promised_and_spent_is_known_and_within_the_budget(self) -> None:
        for name, budget in ACCOUNTS.items():
            account = self.run(self.redis.hgetall(keys.account(name)))
            promised = {one: nano for one, (names, _, nano) in self.promised.items() if name in names}
            assert int(account.get(b"reserved", 0)) == sum(promised.values())
            assert int(account.get(b"spent_day", 0)) == int(account.get(b"spent_month", 0)) == self.spent[name]
            assert self.used(name) <= budget
            opened = self.run(self.redis.zrange(keys.account(name) + ":open", 0, -1))
            assert {member.decode() for member in opened} == {f"{one}|{nano}" for one, nano in promised.items()}
        records = self.run(self.redis.keys(keys.reserved("*")))
        assert {record.decode() for record in records} == {keys.reserved(one) for one in self.promised}

    @invariant()
    def remember_the_money(self) -> None:
        self.moments = [*self.moments[1 - MOMENTS :], (dict(self.promised), dict(self.spent))]

    def used(self, name: str) -> int:
        return self.spent[name] + sum(nano for names, _, nano in self.promised.values() if name in names)


def demand(names: tuple[str, ...], nano: int) -> Demand:
    accounts = tuple(Account(name, nano_per_day=ACCOUNTS[name], nano_per_month=ACCOUNTS[name]) for name in names)
    return Demand(accounts, nano)


@pytest.mark.parametrize("many", examples(12))
def test_no_budget_is_passed_and_each_stream_is_settled_once(server: Server, many: int) -> None:
    run_state_machine_as_test(Money, settings=settings(max_examples=server.examples(many), stateful_step_count=40))
