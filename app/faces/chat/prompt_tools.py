"""Tools as assistant-ui sends them, as the Messages API has them: an object of them by their names.

Pure. The rule: an empty one is no choice, for it is sent along with every message, whether a page has tools or not.
"""

from __future__ import annotations

from typing import Any

from app.intake.raw_json import InvalidPromptError


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
