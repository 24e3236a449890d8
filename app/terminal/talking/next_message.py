"""How the next message is asked: by which model, under which system prompt, with which tools and files; and what it all
did cost.

The rule: what was set stays set until it is set again, and files go along once, when the message that they stand beside
was taken. Knows no terminal and no network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.terminal.talking.attached import SAID_BYTES, Attached, attach, path_in

# What a front takes where it has not said.
REQUEST_BYTES = 32 * 1024 * 1024
_TOKENS_IN = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


@dataclass(slots=True)
class Asking:
    """`told`: the conversation knows model and system prompt already, because it was made with them."""

    model: str | None = None
    system: str | None = None
    told: bool = True
    most: int = REQUEST_BYTES
    files: list[Attached] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)

    def set(self, *, made: bool, model: str | None = None, system: str | None = None) -> None:
        """`made`: there is a conversation already, which is told with each message from now on."""
        self.model, self.system = model or self.model, system or self.system
        self.told = self.told and not made

    def attach(self, typed: str) -> Attached:
        """Raises `RefusedFileError`."""
        room = self.most - SAID_BYTES - sum(file.cost for file in self.files)
        found = attach(path_in(typed), room)
        self.files.append(found)
        return found

    def content(self, text: str) -> str | list[dict[str, Any]]:
        """A message with its files before it."""
        return [*(file.block for file in self.files), {"type": "text", "text": text}] if self.files else text

    def relay(self) -> dict[str, Any]:
        """What the relay is asked for with each message."""
        return {"relay": {"tools": self.tools}} if self.tools else {}

    def settings(self) -> dict[str, str]:
        """What is said with a message."""
        both = ("model", self.model), ("system", self.system)
        return {} if self.told else {name: value for name, value in both if value is not None}


def first_line(model: str | None, url: str) -> str:
    """What one talks to, and where to look."""
    return " · ".join(filter(None, (model, url, "/help")))


def models_among(listed: Mapping[str, Any]) -> list[str]:
    """The names in a list of models."""
    found = listed.get("data")
    names = [one.get("id") for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [name for name in names if isinstance(name, str)]


def tools_among(listed: Any) -> dict[str, str]:
    """The tools that there are, with the first line of what each says of itself."""
    found = listed.get("tools") if isinstance(listed, dict) else None
    tools = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return {str(one.get("name")): str(one.get("description") or "").strip().partition("\n")[0] for one in tools}


def cost_of(messages: Iterable[Mapping[str, Any]]) -> str:
    """What the answers of a conversation did cost, as far as that is known."""
    answers = [message for message in messages if message.get("role") == "assistant"]
    if not answers:
        return "nothing was answered yet"
    known = [cost for answer in answers if isinstance(cost := answer.get("cost_usd"), int | float)]
    usages = [usage for answer in answers if isinstance(usage := answer.get("usage"), dict)]
    read, written = _sum(usages, _TOKENS_IN), _sum(usages, ("output_tokens",))
    price = f"${sum(known):.4f}" if known else "an unknown price"
    beside = "" if len(known) in (0, len(answers)) else f" and what {len(answers) - len(known)} of them did cost"
    number = f"{len(answers)} answer{'s' if len(answers) > 1 else ''}"
    return f"{price}{beside} for {number}: {read:,} tokens read, {written:,} written"


def _sum(usages: Sequence[Mapping[str, Any]], names: Iterable[str]) -> int:
    return sum(number for usage in usages for name in names if isinstance(number := usage.get(name), int))
