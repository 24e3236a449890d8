"""Which of a server's tools are offered, under which names. Pure.

The rule: `server__tool`, of the characters that the API takes; a name that is too long keeps its beginning and gets a
digest. A tool whose schema cannot be used, whose name is another's, or that is one too many is left out, and why is
told: it would fail every request that names it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

import mcp_types

from worker.tools.functions.decorator import NAME
from worker.tools.mcp.config import Server
from worker.tools.running.checking import BadSchemaError, InputSchema
from worker.tools.tool import Tool

TOOLS_MAX = 256
NAME_MAX = 128
DESCRIPTION_MAX = 8_192
_ODD = re.compile(r"[^a-zA-Z0-9_-]", re.ASCII)
_DIGEST = 8


@dataclass(frozen=True, slots=True)
class Listed:
    """`theirs` is what the server calls it."""

    tool: Tool
    schema: InputSchema
    theirs: str


def listed(server: Server, found: Iterable[mcp_types.Tool]) -> tuple[dict[str, Listed], dict[str, str]]:
    """The tools by their names here, and why others are left out."""
    tools: dict[str, Listed] = {}
    left_out: dict[str, str] = {}
    for one in found:
        if server.tools is not None and one.name not in server.tools:
            continue
        name = name_of(server.name, one.name)
        if name in tools:
            left_out[name] = "another tool of the server has the same name here"
        elif len(tools) >= TOOLS_MAX:
            left_out[server.name] = f"the server has more than {TOOLS_MAX} tools"
            break
        else:
            try:
                tools[name] = _listed(server, name, one)
            except BadSchemaError:
                left_out[name] = "the schema of its input cannot be used"
    return tools, left_out


def name_of(server: str, tool: str) -> str:
    name = f"{server}__{_ODD.sub('_', tool)}"
    if NAME.fullmatch(name):
        return name
    digest = hashlib.sha256(tool.encode("utf-8", "replace")).hexdigest()[:_DIGEST]
    return f"{name[: NAME_MAX - _DIGEST - 1]}_{digest}"


def _listed(server: Server, name: str, one: mcp_types.Tool) -> Listed:
    schema = InputSchema(one.input_schema)
    description = (one.description or one.title or "").encode("utf-8", "replace").decode()[:DESCRIPTION_MAX]
    options = server.options
    tool = Tool(
        name=name,
        description=description,
        input_schema=schema.json,
        repeatable=one.name in server.repeatable,
        approve=one.name in server.approve,
        seconds=options.seconds,
        bytes=options.bytes,
        owners=options.owners,
    )
    return Listed(tool, schema, one.name)
