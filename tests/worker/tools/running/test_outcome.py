from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

from worker.tools.running.outcome import Raised, caught, raised_by, settled


def never(_seconds: float) -> None:
    raise AssertionError


def test_what_is_returned_and_what_is_raised() -> None:
    assert caught(lambda: 1) == 1
    assert caught(lambda: 1 / 0) == Raised("ZeroDivisionError: division by zero")  # type: ignore[arg-type]


async def test_what_is_awaited_hears_what_its_future_brings() -> None:
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def waiting() -> int:
        try:
            return await future
        except ValueError:
            await asyncio.sleep(0)
            return -1

    asyncio.get_running_loop().call_soon(future.set_exception, ValueError())
    assert await settled(waiting(), never) == -1
    assert await settled(asyncio.sleep(0, 5), never) == 5


async def test_an_awaitable_may_be_any() -> None:
    class Ready:
        def __await__(self) -> Generator[Any, Any, int]:
            yield from asyncio.sleep(0).__await__()
            return 7

    assert await settled(Ready(), never) == 7


async def test_a_cancellation_reaches_what_is_awaited() -> None:
    heard: list[str] = []

    async def waiting() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            heard.append("cancelled")
            raise

    task = asyncio.create_task(settled(waiting(), never))
    await asyncio.sleep(0)
    task.cancel()
    assert await task == Raised("CancelledError")
    assert heard == ["cancelled"]


class Endless:
    def __await__(self) -> Generator[None, None, None]:
        while True:
            yield


def test_who_drops_it_closes_it() -> None:
    closed: list[bool] = []

    async def waiting() -> None:
        try:
            await Endless()
        finally:
            closed.append(True)

    coroutine = settled(waiting(), never)
    coroutine.send(None)
    coroutine.close()
    assert closed == [True]


class ToolError(Exception):  # the SDK's own name
    def __init__(self, content: object) -> None:
        super().__init__("words")
        self.content = content


def test_a_tool_may_raise_content() -> None:
    assert raised_by(ToolError([{"type": "text", "text": "a"}])).said == [{"type": "text", "text": "a"}]
    assert raised_by(OSError("x")).said is None
