"""One call of a tool, as the loop asks for it: whatever the tool does, the model has a result."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import orjson
import pytest
from anthropic.lib.tools import ToolError

from app.watch.events import of_processes
from tests.harness.heard import heard
from worker.rawjson.unreadable import wrapped
from worker.tools.builtin.listed import built_in
from worker.tools.functions.decorator import Options
from worker.tools.functions.runnable import runnable_of
from worker.tools.running.redacted import Redactor
from worker.tools.tool import Call, Result, ToolContext
from worker.tools.toolbox import Toolbox

KEY = "sk-not-for-models"
BRIEF = Options(seconds=0.05)


def call(name: str, text: bytes = b"{}", owner: str = "anonymous") -> Call:
    return Call("st_1", owner, "toolu_1", name, text)


def told(result: Result) -> Any:
    return orjson.loads(result.content)


def box(function: Callable[..., Any], options: Options | None = None) -> Toolbox:
    return Toolbox([runnable_of(function, options)], Redactor([KEY]))


async def fault(toolbox: Toolbox, name: str, text: bytes = b"{}", owner: str = "anonymous") -> str:
    result = await toolbox.run(call(name, text, owner))
    assert result.is_error
    words = told(result)
    assert isinstance(words, str)
    assert "Traceback" not in words
    assert KEY not in words
    return words


async def test_what_a_tool_gives_is_told() -> None:
    result = await Toolbox(built_in()).run(call("calculator", b'{"expression": "6*7"}'))
    assert (told(result), result.is_error) == ("42", False)


async def test_a_name_that_nobody_has_and_one_that_is_anothers_are_the_same() -> None:
    async def ours() -> str:
        return "ours"

    toolbox = box(ours, Options(owners=("ann",)))
    assert "teleport" in await fault(toolbox, "teleport")
    assert (await fault(toolbox, "ours", owner="bob")).replace("ours", "teleport") == await fault(toolbox, "teleport")
    assert told(await toolbox.run(call("ours", owner="ann"))) == "ours"


@pytest.mark.parametrize("text", [b"[1]", b'{"a":', b"", b"null", b"\xff", wrapped("{"), b'{"a":' * 100_000])
async def test_what_is_no_object_is_told(text: bytes) -> None:
    assert (await fault(Toolbox(built_in()), "clock", text)).startswith(("The input is no JSON", "The input must be"))


async def test_an_input_that_does_not_fit_is_told_with_its_place_and_nothing_runs() -> None:
    ran: list[object] = []

    def order(items: list[Item]) -> None:
        ran.append(items)

    words = await fault(box(order), "order", b'{"items": [{"amount": 1}, {"amount": "many"}]}')
    assert "items[1].amount" in words
    assert "integer" in words
    assert '"items" is a required property' in await fault(box(order), "order")
    assert "extra" in await fault(box(order), "order", b'{"items": [], "extra": 1}')
    assert not ran
    assert not (await box(order).run(call("order", b'{"items": [{"amount": 2}]}'))).is_error
    assert ran == [[Item(2)]]


@dataclass
class Item:
    amount: int


class Spoken:
    """What a tool may raise."""

    @staticmethod
    def secret() -> NoReturn:
        raise ValueError(f"GET https://me:{KEY}@example.com: 401 for {KEY}")

    @staticmethod
    def exiting() -> NoReturn:
        sys.exit("enough")

    @staticmethod
    def interrupting() -> NoReturn:
        raise KeyboardInterrupt

    @staticmethod
    def cancelling() -> NoReturn:
        raise asyncio.CancelledError("by itself")

    @staticmethod
    def stopping() -> NoReturn:
        raise StopIteration(1)

    @staticmethod
    def wordless() -> NoReturn:
        class MuteError(Exception):
            def __str__(self) -> str:
                raise RuntimeError(KEY)

        raise MuteError

    @staticmethod
    def endless() -> NoReturn:
        raise ValueError("x" * 10_000_000 + KEY)

    @staticmethod
    def halved() -> NoReturn:
        raise ValueError("half \ud83d")


RAISED = {
    "secret": "ValueError: GET https://[redacted]@example.com: 401 for [redacted]",
    "exiting": "SystemExit: enough",
    "interrupting": "KeyboardInterrupt",
    "stopping": "StopIteration: 1",
    "wordless": "MuteError",
    "halved": "ValueError: half \ufffd",
}


@pytest.mark.parametrize("name", [*RAISED, "cancelling", "endless"])
@pytest.mark.parametrize("plain", [True, False], ids=["plain", "async"])
async def test_whatever_a_tool_raises_is_told_in_words(name: str, plain: bool) -> None:  # noqa: FBT001
    work = getattr(Spoken, name)

    def plainly() -> None:
        work()

    async def asyncly() -> None:
        work()

    toolbox = box(plainly if plain else asyncly, Options(name=name))
    words = await fault(toolbox, name)
    if name != "stopping" or plain:  # Python itself makes something else of it
        assert words == RAISED.get(name, words)
    assert len(words) < 3_000


async def test_a_tool_may_raise_what_it_has_to_say() -> None:
    def picky(how: int) -> str:
        said = [[{"type": "text", "text": f"not with {KEY}"}], b"", "x" * 10_000_000]
        raise ToolError(said[how])  # type: ignore[arg-type]

    told_by = [await box(picky).run(call("picky", b'{"how": %d}' % how)) for how in range(3)]
    assert all(result.is_error and KEY.encode() not in result.content for result in told_by)
    assert told(told_by[0]) == [{"type": "text", "text": "not with [redacted]"}]
    assert "cannot be told" in told(told_by[1])
    assert len(told_by[2].content) < 300_000


async def test_what_is_told_is_json_whatever_is_taken_out_of_it() -> None:
    def shown() -> str:
        image = {"type": "image", "source": {"type": "url", "url": "http://host"}}
        raise ToolError([image, {"type": "text", "text": "ann@example.com"}])  # type: ignore[list-item]

    found = told(await box(shown).run(call("shown")))
    assert [block["type"] for block in found] == ["image", "text"]
    assert found[1]["text"] == "ann@example.com"


class Slow:
    """A schema that looks at an input until somebody says something to it."""

    def __init__(self) -> None:
        self.heard = threading.Event()

    def fault_of(self, _arguments: Mapping[str, Any]) -> str:
        return "" if self.heard.wait(10) else "nobody could say anything meanwhile"


async def test_a_schema_that_takes_long_holds_nobody_else_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def tool() -> str:
        return "ran"

    runnable, slow = runnable_of(tool), Slow()
    toolbox = Toolbox([replace(runnable, schema=slow)])  # type: ignore[arg-type]
    asyncio.get_running_loop().call_later(0.05, slow.heard.set)
    assert told(await toolbox.run(call("tool"))) == "ran"
    monkeypatch.setattr("worker.tools.toolbox.LOOK_SECONDS", 0.05)
    slow.heard.clear()
    assert "too long" in await fault(toolbox, "tool")
    slow.heard.set()


async def test_a_fault_of_ours_is_told_and_is_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    toolbox = Toolbox(built_in())
    monkeypatch.setattr(toolbox, "_outcome", lambda *_: 1 / 0)
    with heard() as events:
        assert await fault(toolbox, "clock") == "The tool could not be run."
    assert [event.error for event in events if isinstance(event, of_processes.Fault)] == ["ZeroDivisionError"]


@pytest.mark.parametrize("value", [b"bytes", float("nan"), {"a": [float("inf")]}, "half \ud83d", object(), {(1,): 1}])
async def test_what_no_model_can_be_told_is_told_as_that(value: object) -> None:
    async def odd() -> object:
        return value

    def oddly() -> object:
        return value

    for function in (odd, oddly):
        assert "cannot be told" in await fault(box(function), function.__name__)


async def test_a_result_of_ten_megabytes_is_clipped_and_says_so() -> None:
    def large() -> str:
        return "ä\n" * 5_000_000

    result = await box(large).run(call("large"))
    assert result.is_error
    assert len(result.content) <= 262_144
    assert told(result).endswith("are shown]")


async def test_content_blocks_go_as_they_are() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}

    def picture() -> list[Any]:
        return [{"type": "text", "text": "look"}, image]

    assert told(await box(picture).run(call("picture"))) == [{"type": "text", "text": "look"}, image]


async def test_who_calls_is_told_to_who_wants_to_know() -> None:
    def whose(context: ToolContext, greeting: str = "hello") -> str:
        return f"{greeting} {context.owner} {context.stream_id} {context.tool_use_id}"

    toolbox = box(whose)
    assert b"context" not in toolbox.offered["whose"].input_schema
    assert told(await toolbox.run(call("whose", owner="ann"))) == "hello ann st_1 toolu_1"
    assert "context" in await fault(toolbox, "whose", b'{"context": {"owner": "bob"}}')


async def test_those_that_come_and_go_are_offered_while_they_are_there() -> None:
    def visitor() -> str:
        return "here"

    there = {"visitor": runnable_of(visitor)}
    toolbox = Toolbox(built_in(), others=lambda: there)
    assert set(toolbox.offered) == {"clock", "calculator", "visitor"}
    assert told(await toolbox.run(call("visitor"))) == "here"
    there.clear()
    assert "visitor" not in toolbox.offered
    assert "There is no tool" in await fault(toolbox, "visitor")
