"""What nobody catches is told as any fault, and never in the exception's own words."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator

import pytest

from app.stream.observing import Event
from app.watch.events.of_processes import Fault
from app.watch.strays import strays_told, tell_of_loop
from tests.harness.heard import heard

SECRET = "a prompt"


@pytest.fixture
def events(capfd: pytest.CaptureFixture[str]) -> Iterator[list[Event]]:
    with heard() as told:
        yield told
    written = capfd.readouterr()
    assert SECRET not in written.out + written.err


def fails() -> None:
    raise KeyError(SECRET)


def faults(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.doing, event.error) for event in events if isinstance(event, Fault)]


async def test_of_a_task_that_nobody_awaits(events: list[Event]) -> None:
    async def work() -> None:
        fails()

    tell_of_loop()
    await asyncio.wait([asyncio.create_task(work())])
    gc.collect()
    assert faults(events) == [("loop", "KeyError")]


async def test_of_a_callback(events: list[Event]) -> None:
    tell_of_loop()
    asyncio.get_running_loop().call_soon(fails)
    await asyncio.sleep(0)
    assert faults(events) == [("loop", "KeyError")]


async def test_of_what_the_loop_says_without_an_exception_only_its_own_words(events: list[Event]) -> None:
    tell_of_loop()
    asyncio.get_running_loop().call_exception_handler({"message": f"Unclosed session <{SECRET}>"})
    assert faults(events) == [("loop", "Unclosed session")]


def test_of_a_thread(events: list[Event]) -> None:
    with strays_told():
        thread = threading.Thread(target=fails)
        thread.start()
        thread.join()
    assert faults(events) == [("thread", "KeyError")]


def test_of_a_finalizer(events: list[Event]) -> None:
    class Late:
        def __del__(self) -> None:
            fails()

    with strays_told():
        Late()
        gc.collect()
    assert faults(events) == [("finalizer", "KeyError")]
