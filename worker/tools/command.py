"""The `keepstream tools` command: what a worker with these settings would offer, or why it would not start.

The rule: it does what a worker does before it starts, and begins no server. Imports nothing heavy before it must.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import orjson

from app.settings import Settings, SettingsError

if TYPE_CHECKING:
    from worker.tools.kit import Kit

DESCRIPTION = """\
Lists the tools that a worker with the settings of this environment would offer, from the directory in which it is run,
and the MCP servers that it would begin. Exit code 2, with what to do, where such a worker would not start.
"""
BAD_SETTINGS = 2


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="keepstream tools", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    try:
        settings = Settings.from_env(os.environ)
        from worker.tools.kit import kit_of  # noqa: PLC0415  # loads the SDK, and the modules that are named

        found = _told(kit_of(settings, os.environ))
    except SettingsError as error:
        sys.stderr.write(f"keepstream tools: {error}\n")
        return BAD_SETTINGS
    sys.stdout.write(orjson.dumps(found).decode() + "\n" if options.json else "".join(_lines(found)))
    return 0


def _told(kit: Kit) -> dict[str, Any]:
    return {
        "tools": [
            {
                "name": one.tool.name,
                "description": one.tool.description.partition("\n")[0],
                "repeatable": one.tool.repeatable,
                "approve": one.tool.approve,
            }
            for one in kit.fixed
        ],
        "servers": [
            {"name": one.name, "found": bool(one.url) or shutil.which(one.command, path=_path(one.env)) is not None}
            for one in kit.servers
        ],
    }


def _path(env: Any) -> str | None:
    """Where a server's program is looked for."""
    found: str | None = env.get("PATH")
    return found


def _lines(found: dict[str, Any]) -> list[str]:
    names = [one["name"] for one in (*found["tools"], *found["servers"])]
    width = max(map(len, names))
    lines = []
    for one in found["tools"]:
        marks = "".join(f", {word}" for word in ("repeatable", "approve") if one[word])
        lines.append(f"{one['name']:<{width}}  {one['description']}{marks and f' ({marks[2:]})'}\n")
    for one in found["servers"]:
        says = "an MCP server, whose tools are known when it is there"
        lines.append(
            f"{one['name']:<{width}}  {says if one['found'] else 'an MCP server whose program is not found'}\n"
        )
    return lines
