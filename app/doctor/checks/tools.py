"""The tools that a worker with these settings would offer, as `keepstream tools` finds them in a process of its own:
modules of tools are anybody's code, and a front has none of it.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE

import orjson

from app.doctor.finding import Finding, must, ok, warning
from app.doctor.patient import Patient

COMMAND = (sys.executable, "-P", "-m", "app.cli", "tools", "--json")
# Less than a check has: what hangs there is told as what it is.
SECONDS = 4.0


async def tools(patient: Patient) -> list[Finding]:
    settings = patient.settings
    if not settings.tools and settings.mcp is None:
        return [ok("none but those that are built in")]
    process = await asyncio.create_subprocess_exec(
        *COMMAND, env=dict(patient.environ), stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(SECONDS):
            out, errors = await process.communicate()
    except TimeoutError:
        return [warning(f"they were not loaded within {SECONDS:g} s", "try `keepstream tools`")]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        says = errors.decode(errors="replace").strip().rpartition("\n")[2].removeprefix("keepstream tools: ")
        return [must(says or "they cannot be loaded", "no worker starts until then")]
    found = orjson.loads(out.splitlines()[-1])  # before it stands what the modules print
    lost = [one["name"] for one in found["servers"] if not one["found"]]
    if lost:
        return [warning(f"the program of the MCP server {lost[0]} is not found", "look at command in KEEPSTREAM_MCP")]
    return [ok(f"{len(found['tools'])}, and those of {len(found['servers'])} MCP servers")]
