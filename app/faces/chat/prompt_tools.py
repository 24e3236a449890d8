"""Which tools a chat has: those of a page, as assistant-ui sends them, and those that the worker is to run.

Pure. The rule: an empty choice is none, for it is sent along with every message, whether a page has tools or not.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from app.intake.raw_json import InvalidPromptError

# What the settings call the tools that the worker runs, and what else a body may say of them.
RELAY_TOOLS = "relay.tools"
_OF_THEM = ("tools", "max_turns")


def relay_tools(relay: Any, fields: Collection[str]) -> dict[str, Any] | None:
    """What a body's `relay` says of the worker's tools, None where that is nothing. Raises `InvalidPromptError`."""
    chosen = {name: value for name, value in relay.items() if value is not None} if isinstance(relay, dict) else relay
    if not chosen or chosen == {"tools": []}:
        return None
    if RELAY_TOOLS not in fields:
        raise InvalidPromptError(f"{RELAY_TOOLS}: may not be chosen here")
    if not isinstance(chosen, dict) or not chosen.keys() <= set(_OF_THEM):
        raise InvalidPromptError(f"relay: may have {' and '.join(_OF_THEM)} here, and nothing else")
    return chosen


def named_tools(sent: dict[str, Any]) -> list[dict[str, Any]]:
    """Raises `InvalidPromptError`."""
    return [_tool(name, tool) for name, tool in sent.items()]


def _tool(name: str, tool: Any) -> dict[str, Any]:
    if not isinstance(tool, dict) or not isinstance(tool.get("parameters"), dict):
        raise InvalidPromptError(f"tools.{name}: must be an object with parameters, a JSON Schema")
    made = {"name": name, "input_schema": tool["parameters"]}
    if tool.get("description") is not None:
        made["description"] = tool["description"]
    return made
