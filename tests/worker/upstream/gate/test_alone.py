"""The gate by itself."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from app.stream.workers import Told, Turns
from worker.upstream.gate import UNASKED, Gate, Later, Turn


class Workers:
    """Gates that give as many turns as were put there."""

    def __init__(self, error: Exception | None = None) -> None:
        self.turns, self.asked, self.error = 0, 0, error
        self.told: list[Told] = []
        self.answers = asyncio.Event()
        self.answers.set()

    async def gate(self, model: str, told: Told, *, waiting: int, **_: object) -> Turns:  # noqa: ARG002
        self.asked += 1
        self.told.append(told)
        await self.answers.wait()
        if self.error is not None:
            raise self.error
        given, self.turns = min(self.turns, waiting), max(0, self.turns - waiting)
        return Turns(given, 0.05, 0, 0.0, 1)

    async def leave_line(self, model: str, stream_id: str) -> bool:  # noqa: ARG002
        return False


@pytest.fixture
async def workers() -> Workers:
    return Workers()


@pytest.fixture
async def gate(workers: Workers) -> AsyncIterator[Gate]:
    made = Gate("w", workers, lambda: 0)  # type: ignore[arg-type]
    yield made
    await made.close()


async def enter(gate: Gate, *, calm: bool = False, patient: bool = False) -> Turn | Later:
    return await gate.enter("m", calm=calm, patient=patient, told=lambda _: None)


async def test_all_who_wait_ask_together(gate: Gate, workers: Workers) -> None:
    entering = [asyncio.create_task(enter(gate)) for _ in range(50)]
    await asyncio.sleep(0)
    workers.turns = 50
    await asyncio.gather(*entering)
    assert workers.asked <= 3


async def test_who_leaves_while_waiting_takes_no_turn(gate: Gate, workers: Workers) -> None:
    first, second = asyncio.create_task(enter(gate)), asyncio.create_task(enter(gate))
    await asyncio.sleep(0.02)
    first.cancel()
    workers.turns = 1
    assert isinstance(await second, Turn)


async def test_what_came_of_a_call_is_told_once(gate: Gate, workers: Workers) -> None:
    workers.turns = 2
    turn = await enter(gate)
    assert isinstance(turn, Turn)
    turn.refused(1.5)
    turn.taken()
    await enter(gate)
    told = [told for told in workers.told if told.refused_ms is not None or told.taken]
    assert [(told.taken, told.refused_ms, told.era) for told in told] == [(0, 1500, 1)]


@pytest.mark.parametrize("error", [RedisConnectionError(), ResponseError("NOPERM"), ValueError()])
async def test_where_redis_does_not_tell_nobody_waits(error: Exception) -> None:
    gate = Gate("w", Workers(error), lambda: 0)  # type: ignore[arg-type]
    async with asyncio.timeout(2):
        assert isinstance(await enter(gate), Turn)
    await gate.close()


@pytest.mark.parametrize("left", [(0,), (1,), (0, 1, 2)])
async def test_who_is_cancelled_as_the_answer_comes_keeps_nobody_waiting(
    gate: Gate, workers: Workers, left: tuple[int, ...]
) -> None:
    workers.answers.clear()
    entering = [asyncio.create_task(enter(gate)) for _ in range(4)]
    while not workers.asked:
        await asyncio.sleep(0)
    workers.turns = 1
    workers.answers.set()  # its waiter goes on in the next round of the loop, as do those who are cancelled now
    for number in left:
        entering[number].cancel()
    async with asyncio.timeout(2):
        while not entering[3].done():
            workers.turns = 1
            await asyncio.sleep(0.01)
    assert [task.cancelled() for task in entering] == [number in left for number in range(4)]


async def test_who_is_cancelled_where_redis_does_not_tell_leaves_the_first_calls_free() -> None:
    workers = Workers(RedisConnectionError())
    gate = Gate("w", workers, lambda: 0)  # type: ignore[arg-type]
    for _ in range(UNASKED):
        entering = asyncio.create_task(gate.enter("m", calm=False, patient=False, told=lambda _: None, otherwise=60.0))
        await asyncio.sleep(0.01)
        entering.cancel()
        await asyncio.wait([entering])
    gate._models["m"]._strict_until = 0.0  # a minute later
    assert gate._models["m"].lets_pass
    await gate.close()


async def test_what_came_of_calls_is_not_gathered_for_ever(
    gate: Gate, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that is called now and then, and whose gate nobody has to ask."""
    clock = itertools.count(step=0.5)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: next(clock), raising=False)
    for _ in range(100):
        turn = await enter(gate, calm=True)
        assert isinstance(turn, Turn)
        turn.taken()
    monkeypatch.undo()
    workers.turns = 1
    await enter(gate)
    assert 0 < workers.told[0].taken < 10
