"""What a front owes is done as soon as it can be, and nothing that cannot be done stands in its way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from app.intake import owed
from app.intake.owed import Owed
from tests.patience import PATIENCE


def failing(times: int, done: list[str], name: str = "done") -> Callable[[], Awaitable[None]]:
    left = [times]

    async def work() -> None:
        if left[0]:
            left[0] -= 1
            raise ConnectionError
        done.append(name)

    return work


async def test_what_is_owed_is_tried_until_it_is_done() -> None:
    debts, done = Owed(), list[str]()
    debts.add("one", failing(2, done), 10)
    assert (len(debts), debts.owes("one"), debts.owes("another")) == (1, True, False)
    async with asyncio.timeout(PATIENCE):
        await debts.paid()
    assert (len(debts), debts.owes("one"), done) == (0, False, ["done"])


async def test_what_can_never_be_done_keeps_no_other_waiting() -> None:
    debts, done = Owed(), list[str]()
    for _ in range(2 * owed.AT_ONCE):
        debts.add("never", failing(1000, done), 3)
    debts.add("at once", failing(0, done), 3)
    async with asyncio.timeout(PATIENCE):
        while not done:
            await asyncio.sleep(0.01)


async def test_what_is_of_no_use_any_more_is_given_up_and_told(caplog: pytest.LogCaptureFixture) -> None:
    debts, done = Owed(), list[str]()
    debts.add("late", failing(1000, done), 0.1)
    async with asyncio.timeout(PATIENCE):
        await debts.paid()
    assert (done, caplog.messages) == ([], ["work.undone task=late error=ConnectionError"])


async def test_no_more_is_owed_than_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    debts, done = Owed(), list[str]()
    with caplog.at_level(logging.ERROR):
        debts.add("large", failing(0, done), 10, owed.BYTES_MAX)
        debts.add("too much", failing(0, done, "too much"), 10, 1)
    await debts.paid()
    assert (done, len(caplog.records)) == (["done"], 1)
    debts.add("later", failing(0, done, "later"), 10, owed.BYTES_MAX)  # there is room again
    await debts.paid()
    assert done == ["done", "later"]
