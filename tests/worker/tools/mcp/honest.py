"""An MCP server as people write them, with the official library: `python honest.py`."""

from __future__ import annotations

import asyncio
import os

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.utilities.types import Image

server = MCPServer("honest")


@server.tool()
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool(structured_output=False)
def picture() -> list[str | Image]:
    """A picture, and a word on it."""
    return ["look", Image(data=b"\x89PNG", format="png")]


@server.tool()
def failing(secret: str = "") -> str:
    """Fails, and says why."""
    raise ToolError(f"no such row {secret or os.environ.get('SHOP_TOKEN', '')}")


@server.tool()
def environment() -> list[str]:
    """The names of what it was given."""
    return sorted(os.environ)


@server.tool()
async def slow() -> str:
    """Takes for ever."""
    await asyncio.Event().wait()
    return ""


@server.tool()
async def grow(ctx: Context) -> str:
    """Has one tool more from now on."""

    def grown() -> str:
        return "grown"

    server.add_tool(grown)
    await ctx.session.send_tool_list_changed()
    return "done"


if __name__ == "__main__":
    server.run()
