"""The gate by itself."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from app.stream.workers.gates import Report, Turns
from tests.patience import PATIENCE
from worker.upstream.gate import UNASKED, Gate, Later, Turn


class Given:
    """Gates that give as many turns as were put there."""

    def __init__(self, error: Exception | None = None) -> None:
        self.turns, self.asked, self.error = 0, 0, error
        self.told: list[Report] = []
        self.answers = asyncio.Event()
        self.answers.set()

    async def ask(self, model: str, report: Report, *, waiting: int, **_: object) -> Turns:  # noqa: ARG002
        self.asked += 1
        self.told.append(report)
        await self.answers.wait()
        if self.error is not None:
            raise self.error
        given, self.turns = min(self.turns, waiting), max(0, self.turns - waiting)
        return Turns(given, 0.05, 0, 0.0, 1)

    async def leave_line(self, model: str, stream_id: str) -> bool:  # noqa: ARG002
        return False


@pytest.fixture
async def given() -> Given:
    return Given()


@pytest.fixture
async def gate(given: Given) -> AsyncIterator[Gate]:
    made = Gate("w", given, lambda: 0)  # type: ignore[arg-type]
    yield made
    await made.close()


async def enter(gate: Gate, *, calm: bool = False, patient: bool = False) -> Turn | Later:
    return await gate.enter("m", calm=calm, patient=patient, told=lambda _: None)


async def test_all_who_wait_ask_together(gate: Gate, given: Given) -> None:
    entering = [asyncio.create_task(enter(gate)) for _ in range(50)]
    await asyncio.sleep(0)
    given.turns = 50
    await asyncio.gather(*entering)
    assert given.asked <= 3


async def test_who_leaves_while_waiting_takes_no_turn(gate: Gate, given: Given) -> None:
    first, second = asyncio.create_task(enter(gate)), asyncio.create_task(enter(gate))
    await asyncio.sleep(0.02)
    first.cancel()
    given.turns = 1
    assert isinstance(await second, Turn)


async def test_what_came_of_a_call_is_told_once(gate: Gate, given: Given) -> None:
    given.turns = 2
    turn = await enter(gate)
    assert isinstance(turn, Turn)
    turn.refused(1.5)
    turn.taken()
    await enter(gate)
    told = [told for told in given.told if told.refused_ms is not None or told.taken]
    assert [(told.taken, told.refused_ms, told.era) for told in told] == [(0, 1500, 1)]


@pytest.mark.parametrize("error", [RedisConnectionError(), ResponseError("NOPERM"), ValueError()])
async def test_where_redis_does_not_tell_nobody_waits(error: Exception) -> None:
    gate = Gate("w", Given(error), lambda: 0)  # type: ignore[arg-type]
    async with asyncio.timeout(PATIENCE):
        assert isinstance(await enter(gate), Turn)
    await gate.close()


@pytest.mark.parametrize("left", [(0,), (1,), (0, 1, 2)])
async def test_who_is_cancelled_as_the_answer_comes_keeps_nobody_waiting(
    gate: Gate, given: Given, left: tuple[int, ...]
) -> None:
    given.answers.clear()
    entering = [asyncio.create_task(enter(gate)) for _ in range(4)]
    while not given.asked:
        await asyncio.sleep(0)
    given.turns = 1
    given.answers.set()  # its waiter goes on in the next round of the loop, as do those who are cancelled now
    for number in left:
        entering[number].cancel()
    async with asyncio.timeout(PATIENCE):
        while not entering[3].done():
            given.turns = 1
            await asyncio.sleep(0.01)
    assert [task.cancelled() for task in entering] == [number in left for number in range(4)]


async def test_who_is_cancelled_where_redis_does_not_tell_leaves_the_first_calls_free() -> None:
    given = Given(RedisConnectionError())
    gate = Gate("w", given, lambda: 0)  # type: ignore[arg-type]
    for _ in range(UNASKED):
        entering = asyncio.create_task(gate.enter("m", calm=False, patient=False, told=lambda _: None, otherwise=60.0))
        await asyncio.sleep(0.01)
        entering.cancel()
        await asyncio.wait([entering])
    gate._models["m"]._strict_until = 0.0  # a minute later
    assert gate._models["m"].lets_pass
    await gate.close()


async def test_what_came_of_calls_is_not_gathered_for_ever(
    gate: Gate, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that is called now and then, and whose gate nobody has to ask."""
    clock = itertools.count(step=0.5)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: next(clock), raising=False)
    for _ in range(100):
        turn = await enter(gate, calm=True)
        assert isinstance(turn, Turn)
        turn.taken()
    monkeypatch.undo()
    given.turns = 1
    await enter(gate)
    assert 0 < given.told[0].taken < 10
