"""Tools for stories about real workers: each writes down that it began and that it ended, and waits while it is held.

Where they write and what holds them are files in the folder that KEEPSTREAM_STORY names, so a test says from outside
when a tool ends, and knows what ran and how often whoever was killed meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from pathlib import Path

from worker.tools import ToolContext, keepstream_tool

BEAT = 0.01


def _folder() -> Path:
    return Path(os.environ["KEEPSTREAM_STORY"])


async def _run(name: str, context: ToolContext) -> str:
    hold, call = _began(name, context)
    while hold.exists():
        await asyncio.sleep(BEAT)
    return _ended(name, call)


def _began(name: str, context: ToolContext) -> tuple[Path, str]:
    call = f"{context.stream_id} {context.tool_use_id}"
    _write(_folder() / "ran", f"began {name} {call}")
    return _folder() / f"hold-{name}", call


def _ended(name: str, call: str) -> str:
    _write(_folder() / "ran", f"ended {name} {call}")
    return f"{name} {call} {uuid.uuid4().hex}"  # no two runs say the same


def _write(ledger: Path, line: str) -> None:
    with ledger.open("a") as file:  # in one write, which is whole whoever writes beside it
        file.write(f"{line}\n")


@keepstream_tool
async def pay(context: ToolContext) -> str:
    """Must not run twice."""
    return await _run("pay", context)


@keepstream_tool(repeatable=True)
async def look(context: ToolContext) -> str:
    """May run again."""
    return await _run("look", context)


@keepstream_tool(repeatable=True)
def wade(context: ToolContext) -> str:
    """A plain function, in a thread that nobody can end."""
    hold, call = _began("wade", context)
    while hold.exists():
        time.sleep(BEAT)
    return _ended("wade", call)
