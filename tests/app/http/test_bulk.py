"""Turns for what is large: in order, bounded, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.http import bulk as module
from app.http.bulk import SMALL_BYTES, Bulk, Taker
from app.stream.errors import BusyError
from tests.patience import PATIENCE

AT_ONCE = 4 * SMALL_BYTES


@given(st.lists(st.integers(1, 2 * AT_ONCE), min_size=1, max_size=12))
def test_never_more_than_may_is_held_and_everybody_has_a_turn(sizes: Sequence[int]) -> None:
    async def all_at_once() -> None:
        bulk, held, done = Bulk(AT_ONCE), 0, 0

        async def one(size: int) -> None:
            nonlocal held, done
            counted = min(size, AT_ONCE) if size > SMALL_BYTES else 0
            async with bulk.turn(size):
                held += counted
                assert held <= AT_ONCE
                await asyncio.sleep(0)
                held -= counted
            done += 1

        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*map(one, sizes))
        assert (held, done) == (0, len(sizes))

    asyncio.run(all_at_once())


async def test_who_waits_too_long_is_told_and_leaves_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)
    bulk = Bulk(AT_ONCE)
    async with bulk.turn(AT_ONCE):
        with pytest.raises(BusyError):
            async with bulk.turn(AT_ONCE):
                pass
        async with bulk.turn(SMALL_BYTES):  # takes no turn
            pass
    async with bulk.turn(AT_ONCE):
        pass


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), min_size=1, max_size=16))
def test_what_many_ask_for_is_held_once_and_goes_with_the_last_of_them(asked: Sequence[tuple[int, int, bool]]) -> None:
    """Each asks for one of four things, stays for some rounds of the loop, and may be cancelled wherever it is then."""

    async def all_at_once() -> None:
        bulk, there, most = Bulk(AT_ONCE), Counter[int](), 0

        async def one(key: int, stay: int) -> None:
            nonlocal most

            async def make() -> object:
                await asyncio.sleep(0)
                return there

            async with bulk.shared(key, AT_ONCE // 2, make) as made:
                assert made is there
                there[key] += 1
                most = max(most, len(+there))
                try:
                    for _ in range(stay):
                        await asyncio.sleep(0)
                finally:
                    there[key] -= 1

        async with asyncio.timeout(PATIENCE):
            tasks = [asyncio.create_task(one(key, stay)) for key, stay, _ in asked]
            for task, (_, stay, is_cancelled) in zip(tasks, asked, strict=True):
                for _ in range(stay):
                    await asyncio.sleep(0)
                if is_cancelled:
                    task.cancel()
            done = await asyncio.gather(*tasks, return_exceptions=True)
            assert most <= 2
            assert all(isinstance(one, asyncio.CancelledError | None) for one in done)
            async with bulk.turn(AT_ONCE):  # nothing is held any more
                pass

    asyncio.run(all_at_once())


async def test_what_is_equal_is_made_once_and_what_fails_is_told_to_all() -> None:
    bulk, made, asked = Bulk(AT_ONCE), 0, asyncio.Event()

    async def make() -> bytes:
        nonlocal made
        made += 1
        await asked.wait()
        if made == 1:
            raise OSError
        return b"x"

    async def one() -> bytes:
        async with bulk.shared("it", AT_ONCE, make) as it:
            return it

    tasks = [asyncio.create_task(one()) for _ in range(3)]
    await asyncio.sleep(0)
    asked.set()
    assert [type(one) for one in await asyncio.gather(*tasks, return_exceptions=True)] == [OSError] * 3
    assert await asyncio.gather(one(), one()) == [b"x", b"x"]
    assert made == 2


async def test_who_is_patient_waits_longer_than_whoever_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)
    bulk = Bulk(AT_ONCE)

    async def make() -> bytes:
        return b"x"

    async def one(*, patient: bool) -> bytes:
        async with bulk.shared("it", AT_ONCE, make, patient=patient) as it:
            return it

    async with bulk.turn(AT_ONCE):
        tasks = [asyncio.create_task(one(patient=patient)) for patient in (False, True)]
        with pytest.raises(BusyError):
            await tasks[0]
        assert not tasks[1].done()
    assert await tasks[1] == b"x"


async def test_a_client_that_takes_nothing_is_cut_off_once_somebody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STILL_SECONDS", 0.02)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    bulk = Bulk(AT_ONCE)
    cut = asyncio.Event()

    async def one_that_stalls() -> None:
        async with bulk.turn(AT_ONCE):
            with bulk.taking(cut.set):
                await cut.wait()

    async def one_that_takes(taker: Taker) -> None:
        while True:
            taker.took(SMALL_BYTES)
            await asyncio.sleep(0.001)

    stalls = asyncio.create_task(one_that_stalls())
    with bulk.taking(lambda: pytest.fail("it takes")) as taker:
        takes = asyncio.create_task(one_that_takes(taker))
        await asyncio.sleep(0.05)
        assert not cut.is_set()  # nobody waits
        async with asyncio.timeout(PATIENCE), bulk.turn(AT_ONCE):
            assert cut.is_set()
        takes.cancel()
    await stalls
