"""The tools of a worker, looked at in a process of its own. One for all that is well: each takes a second."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from app.doctor.checks import tools
from app.doctor.finding import Level
from tests.app.doctor.checks.patients import found, patient, troubles

GOOD = '{"tools":[{},{}],"servers":[{"name":"a","found":true},{"name":"b","found":%s}]}'


async def test_without_any_there_is_nothing_to_load() -> None:
    assert [one.level for one in await found(tools.tools)] == [Level.OK]


async def test_what_a_worker_would_say_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "SECONDS", 60.0)
    environ = {**os.environ, "KEEPSTREAM_TOOLS": "ks_nowhere"}
    async with patient(environ, tools=("ks_nowhere",)) as one:
        [(level, says)] = troubles(await tools.tools(one))
    assert level is Level.MUST
    assert says.startswith("KEEPSTREAM_TOOLS: the module 'ks_nowhere' cannot be imported")


@pytest.mark.parametrize(
    ("code", "level", "says"),
    [
        (f"print('a word of a module')\nprint('{GOOD % 'true'}')", Level.OK, "2, and those of 2 MCP servers"),
        (f"print('{GOOD % 'false'}')", Level.WARNING, "the program of the MCP server b is not found"),
        ("import sys; sys.exit(3)", Level.MUST, "they cannot be loaded"),
        ("import time; time.sleep(60)", Level.WARNING, "they were not loaded within 1 s"),
    ],
    ids=["well", "lost", "fallen", "hanging"],
)
async def test_what_comes_of_it_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, level: Level, says: str
) -> None:
    monkeypatch.setattr(tools, "SECONDS", 1.0 if "sleep" in code else 60.0)
    (tmp_path / "told.py").write_text(code)
    monkeypatch.setattr(tools, "COMMAND", (sys.executable, "-S", str(tmp_path / "told.py")))
    begin, begun = asyncio.create_subprocess_exec, []

    async def heard(*command: Any, **options: Any) -> asyncio.subprocess.Process:
        begun.append(await begin(*command, **options))
        return begun[0]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", heard)
    [one] = await found(tools.tools, tools=("any",))
    assert (one.level, one.says) == (level, says)
    assert begun[0].returncode is not None  # it is waited for, however it ends
