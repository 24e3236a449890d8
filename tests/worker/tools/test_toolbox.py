"""One call of a tool, as the loop asks for it."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from worker.tools.builtin.listed import built_in
from worker.tools.functions import runnable_of
from worker.tools.tool import Call, Result
from worker.tools.toolbox import Toolbox


def call(name: str, text: bytes = b"{}", owner: str = "anonymous") -> Call:
    return Call("st_1", owner, "toolu_1", name, text)


def told(result: Result) -> Any:
    return orjson.loads(result.content)


async def test_what_a_tool_gives_is_told() -> None:
    result = await Toolbox(built_in()).run(call("calculator", b'{"expression": "6*7"}'))
    assert (told(result), result.is_error) == ("42", False)


async def test_a_name_that_nobody_has_is_told_to_the_model() -> None:
    result = await Toolbox(built_in()).run(call("teleport"))
    assert result.is_error
    assert "teleport" in told(result)


async def test_what_is_no_object_is_told_to_the_model() -> None:
    for text in (b"[1]", b'{"a":', b"", b"null", b"\xff"):
        result = await Toolbox(built_in()).run(call("clock", text))
        assert result.is_error
        assert "JSON" in told(result)


async def test_whoever_waits_for_a_call_may_leave() -> None:
    began, left = asyncio.Event(), asyncio.Event()

    async def sleeper() -> str:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()
        return ""

    running = asyncio.create_task(Toolbox([runnable_of(sleeper)]).run(call("sleeper")))
    await began.wait()
    running.cancel()
    await left.wait()
    assert (await asyncio.gather(running, return_exceptions=True))[0].__class__ is asyncio.CancelledError
