"""The tools of a run: each writes down that it runs before anything else, takes a while, and says which run it was.

The rule: what stands in the file that KEEPSTREAM_CHAOS_RUNS names is all that is known of what ran, whoever was killed
meanwhile; a line is one write, so that lines of several workers never mix.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
import zlib

from worker.tools import ToolContext, keepstream_tool

LONGEST_SECONDS = 1.5
FILE = "KEEPSTREAM_CHAOS_RUNS"


def _began(name: str, context: ToolContext) -> str:
    run = uuid.uuid4().hex  # no two runs say the same
    file = os.open(os.environ[FILE], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, f"{name} {context.stream_id} {context.tool_use_id} {run}\n".encode())
    finally:
        os.close(file)
    return f"{name} {run}"


def _dice(context: ToolContext) -> int:
    return zlib.crc32(f"{context.stream_id}{context.tool_use_id}".encode())


def _seconds(context: ToolContext) -> float:
    return _dice(context) / 2**32 * LONGEST_SECONDS


@keepstream_tool
async def pay(context: ToolContext) -> str:
    """Must not run twice."""
    said = _began("pay", context)
    await asyncio.sleep(_seconds(context))
    return said


@keepstream_tool(repeatable=True)
async def look(context: ToolContext) -> str:
    """May run again."""
    said = _began("look", context)
    await asyncio.sleep(_seconds(context))
    return said


@keepstream_tool
def shaky(context: ToolContext) -> str:
    """Must not run twice, runs in a thread, and raises each third time."""
    said = _began("shaky", context)
    time.sleep(_seconds(context))
    if _dice(context) % 3 == 0:
        raise RuntimeError(said)
    return said


@keepstream_tool(approve=True)
async def sign(context: ToolContext) -> str:
    """A person is asked; must not run twice."""
    said = _began("sign", context)
    await asyncio.sleep(_seconds(context))
    return said
