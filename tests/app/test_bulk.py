"""Turns for what is large: in order, bounded, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import bulk as module
from app.bulk import SMALL_BYTES, Bulk
from app.stream.errors import BusyError

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

        async with asyncio.timeout(10):
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
