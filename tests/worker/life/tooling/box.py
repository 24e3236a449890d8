"""A box of tools in a test's own hands: it says when one of them has its result, and knows what was called."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import orjson
import pytest

from worker.tools import kit
from worker.tools.tool import Call, Result, Tool

SCHEMA = b'{"type":"object"}'


class Box:
    """In place of a worker's toolbox. A call waits where `hold` names its tool, until `let`."""

    def __init__(self, *tools: Tool) -> None:
        self.offered: Mapping[str, Tool] = {tool.name: tool for tool in tools}
        self.called: list[str] = []  # the ids of the calls, each as often as it began
        self.cancelled: list[str] = []
        self.hold: set[str] = set()
        self.content: dict[str, object] = {}
        self._let = asyncio.Event()
        self._changed = asyncio.Event()

    async def run(self, call: Call) -> Result:
        self.called.append(call.tool_use_id)
        self._changed.set()
        try:
            if call.name in self.hold:
                await self._let.wait()
        except asyncio.CancelledError:
            self.cancelled.append(call.tool_use_id)
            raise
        said = self.content.get(call.name, f"{call.name} {orjson.loads(call.input)}")
        return Result(orjson.dumps(said), is_error=False, elapsed_ms=1)

    def demand(self, name: str) -> None:
        """A person is to allow each call of this tool."""
        self.offered = {**self.offered, name: replace(self.offered[name], approve=True)}

    def let(self) -> None:
        self._let.set()

    async def until_called(self, times: int = 1) -> None:
        while len(self.called) < times:
            self._changed.clear()
            await self._changed.wait()


def boxed(monkeypatch: pytest.MonkeyPatch, **tools: bool) -> Box:
    """A box for the workers that are made from now on; of each tool whether it may run twice."""
    box = Box(*(Tool(name, "", SCHEMA, repeatable=repeatable) for name, repeatable in tools.items()))
    monkeypatch.setattr(kit, "Toolbox", lambda *_, **__: box)
    return box


def asking(*names: str, max_turns: int = 10) -> dict[str, bytes]:
    """The fields of a stream that asks for these tools."""
    return {"tools": orjson.dumps(names), "max_turns": str(max_turns).encode()}
