"""MCP servers as processes: what they offer is called, and what they break stays theirs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.stream.observing import Event
from app.watch.events.of_processes import McpServerGone, McpServerThere, ToolLeftOut
from tests.harness.heard import heard
from tests.patience import PATIENCE
from tests.worker.tools.mcp.living import lives
from worker.tools.functions.decorator import Options
from worker.tools.mcp import connection as connection_module
from worker.tools.mcp.config import Server
from worker.tools.mcp.servers import Servers
from worker.tools.running.redacted import Redactor
from worker.tools.tool import Call, Result
from worker.tools.toolbox import Toolbox

HERE = Path(__file__).parent
SECRET = "sk-of-the-shop"


def honest(**more: Any) -> Server:
    return Server("honest", sys.executable, (str(HERE / "honest.py"),), env={"SHOP_TOKEN": SECRET}, **more)


def hostile(mode: str, **more: Any) -> Server:
    return Server(mode, sys.executable, ("-S", str(HERE / "hostile.py"), mode), **more)


class There:
    """The servers, and a box with what they offer."""

    def __init__(self, servers: Servers, told: list[Event]) -> None:
        self.box = Toolbox(redact=Redactor([SECRET]), others=servers.tools)
        self.told = told
        self.connections = servers._connections

    async def run(self, name: str, **given: Any) -> Result:
        return await self.box.run(Call("st_1", "ann", "toolu_1", name, orjson.dumps(given)))

    async def until(self, so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not so():
                await asyncio.sleep(0.01)

    def heard(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]


@asynccontextmanager
async def there(*servers: Server) -> AsyncIterator[There]:
    with heard() as told:
        async with Servers(servers, lambda: None) as made:
            yield There(made, told)


def text(result: Result) -> str:
    blocks = orjson.loads(result.content)
    return blocks if isinstance(blocks, str) else "\n".join(block.get("text", block["type"]) for block in blocks)


async def test_what_a_server_offers_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """One process for all of it: it takes a second to begin."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ours")
    monkeypatch.setattr(connection_module, "LIST_SECONDS", 0.0)
    async with there(honest(options=Options(seconds=5))) as they:
        await they.until(lambda: "honest__add" in they.box.offered)
        assert they.box.offered["honest__add"].description == "Adds two numbers."
        assert text(await they.run("honest__add", a=2, b=3)) == "5"

        assert "a: " in text(await they.run("honest__add", a="x", b=3))  # never sent

        picture = orjson.loads((await they.run("honest__picture")).content)
        assert [block["type"] for block in picture] == ["text", "image"]

        failed = await they.run("honest__failing")
        assert failed.is_error
        assert "no such row [redacted]" in text(failed)

        names = text(await they.run("honest__environment"))
        assert "SHOP_TOKEN" in names
        assert "ANTHROPIC_API_KEY" not in names

        waiting = asyncio.create_task(they.run("honest__slow"))
        assert text(await they.run("honest__add", a=1, b=1)) == "2"
        waiting.cancel()
        assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], asyncio.CancelledError)

        assert text(await they.run("honest__grow")) == "done"
        await they.until(lambda: "honest__grown" in they.box.offered)
        assert text(await they.run("honest__grown")) == "grown"
        assert len(they.heard(McpServerThere)) == 1
    assert they.heard(McpServerGone) == []


async def test_a_server_that_dies_in_a_call_is_begun_again() -> None:
    async with there(hostile("dying")) as they:
        died = await they.run("dying__call")
        assert died.is_error
        assert SECRET not in text(died)
        await they.until(lambda: not they.box.offered)
        assert "There is no tool" in text(await they.run("dying__call"))
        assert len(they.heard(McpServerGone)) == 1
        await they.until(lambda: "dying__call" in they.box.offered)


async def test_a_line_without_end_ends_the_server() -> None:
    async with there(hostile("long", options=Options(seconds=10))) as they:
        ended = await they.run("long__call")
        assert ended.is_error
        assert "no result within" not in text(ended)  # it is not waited for
        await they.until(lambda: bool(they.heard(McpServerGone)))


async def test_noise_is_passed_over() -> None:
    async with there(hostile("noise", options=Options(seconds=60))) as they:
        assert text(await they.run("noise__call")) == "after the noise"


async def test_a_result_that_is_none_and_one_that_is_large_are_told() -> None:
    async with there(hostile("lying"), hostile("large"), hostile("empty")) as they:
        lied = await they.run("lying__call")
        assert lied.is_error
        large = await they.run("large__call")
        assert large.is_error
        assert len(large.content) <= 262_144
        assert "clipped" in text(large)
        assert orjson.loads((await they.run("empty__call")).content) == []


async def test_of_wrong_and_of_thousands_of_tools_those_that_can_be_are_offered() -> None:
    async with there(hostile("schemas"), hostile("thousands")) as they:
        names = [name for name in they.box.offered if name.startswith("schemas")]
        assert len(names) == 2
        assert names[0] == "schemas__fine"
        assert len(they.box.offered) == 2 + 256
        left_out = {event.tool for event in they.heard(ToolLeftOut)}
        assert left_out >= {"schemas__fine", "schemas__no_object", "schemas__elsewhere", "schemas__bomb", "thousands"}


async def test_a_server_that_never_answers_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "START_SECONDS", 0.2)
    async with there(hostile("silent"), Server("missing", "/no/such/program")) as they:
        await they.until(lambda: len(they.heard(McpServerGone)) == 2)
        assert they.box.offered == {}


@pytest.mark.parametrize("mode", ["stubborn", "careless"])
async def test_a_process_ends_with_its_worker_and_so_do_its_children(mode: str) -> None:
    async with there(hostile(mode)) as they:
        (name,) = they.box.offered
        child = int(name.removeprefix(f"{mode}__child"))
        process = they.connections[0].process
        assert process is not None
        pid = process._process.pid
    for one in (pid, child):
        await they.until(lambda one=one: not lives(one))  # type: ignore[misc]


async def test_what_a_server_says_beside_goes_where_its_entry_says(tmp_path: Path) -> None:
    path = tmp_path / "errors"
    async with there(hostile("empty", stderr=str(path))):
        pass
    assert path.read_text().count("\n") == 3
