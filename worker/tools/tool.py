"""What a tool is, a call of one, and what came of it.

The rule: these are the values that the room and its neighbours speak in; how a tool is run stands elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

SECONDS = 30.0
BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Tool:
    """`input_schema` is JSON, of an object. `repeatable`: a call may run twice where its worker died. `approve`: a
    person is asked before each call. `seconds`, `bytes`: what one call may take, and its result. `owners`: who may use
    it, None for everybody.
    """

    name: str
    description: str
    input_schema: bytes
    repeatable: bool = False
    approve: bool = False
    seconds: float = SECONDS
    bytes: int = BYTES
    owners: tuple[str, ...] | None = None

    def may(self, owner: str) -> bool:
        """Whether this owner may use it."""
        return self.owners is None or owner in self.owners


@dataclass(frozen=True, slots=True)
class Call:
    """What a model asked for: `input` is the JSON that it wrote."""

    stream_id: str
    owner: str
    tool_use_id: str
    name: str
    input: bytes


@dataclass(frozen=True, slots=True)
class Result:
    """`content` is JSON, as the API takes a result's: a text or a list of content blocks."""

    content: bytes
    is_error: bool
    elapsed_ms: int


@dataclass(frozen=True, slots=True)
class ToolContext:
    """For whom a tool runs. A parameter of this type is given it, and the model is not told of that parameter."""

    owner: str
    stream_id: str
    tool_use_id: str
