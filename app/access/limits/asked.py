"""What a prompt asks for, as far as limits are about it: read from the body that is about to be stored.

Pure. The rule: the body is read once, by msgspec, and nothing of it is built but what is judged here; what cannot be
read is taken for the most that it could be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

# No model takes more in one call.
INPUT_TOKENS_MAX = 1_000_000
# What tools add to a prompt, beside their own text.
TOOLS_TOKENS = 2_000
# What an image of the largest size costs, however many bytes it has.
IMAGE_TOKENS = 5_000

# Tools that Anthropic describes and the client runs; each other that is not the client's own is run by Anthropic.
_CLIENTS = ("custom", "bash_", "text_editor_", "computer_", "memory_")
# A body with an image has one of these: the word, or letters that are written as numbers.
_IMAGE = (b'"image"', b"\\u00")


@dataclass(frozen=True, slots=True)
class Asked:
    """`server_tools`: Anthropic runs some; `fast`: it may be asked for the fast mode; `body` is all of it."""

    model: str
    max_tokens: int
    betas: tuple[str, ...]
    server_tools: bool
    fast: bool
    body: bytes

    @property
    def input_tokens(self) -> int:
        """The most tokens that the body can be: a token is a byte at least, and an image is a few thousand."""
        size, images = len(self.body), _images(self.body) if any(one in self.body for one in _IMAGE) else []
        tokens = size - sum(images) + IMAGE_TOKENS * len(images) + TOOLS_TOKENS * (b'"tools"' in self.body)
        return min(tokens, INPUT_TOKENS_MAX)


def asked_of(model: str, body: bytes, betas: str) -> Asked:
    """Of a prompt that was taken; `betas` is the header that goes up with it."""
    names = tuple(name for part in betas.split(",") if (name := part.strip()))
    try:
        read = _BODY.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        return Asked(model, _max_tokens(body), names, server_tools=True, fast=True, body=body)
    runs = any(_is_run_there(tool.type) for tool in read.tools or ())
    return Asked(model, read.max_tokens, names, runs or bool(read.mcp_servers), read.speed is not None, body)


class _Tool(msgspec.Struct):
    type: Any = None


class _Body(msgspec.Struct):
    max_tokens: int
    tools: list[_Tool] | None = None
    mcp_servers: list[msgspec.Raw] | None = None
    speed: Any = None


class _Tokens(msgspec.Struct):
    max_tokens: int


class _Source(msgspec.Struct):
    type: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")


class _Block(msgspec.Struct):
    type: str = ""
    source: msgspec.Raw = msgspec.Raw(b"")
    content: msgspec.Raw = msgspec.Raw(b"")


class _Message(msgspec.Struct):
    content: str | list[_Block]


class _Messages(msgspec.Struct):
    messages: list[_Message]


_BODY = msgspec.json.Decoder(_Body)
_TOKENS = msgspec.json.Decoder(_Tokens)
_MESSAGES = msgspec.json.Decoder(_Messages)
_BLOCKS = msgspec.json.Decoder(str | list[_Block])
_SOURCE = msgspec.json.Decoder(_Source)


def _is_run_there(kind: Any) -> bool:
    return kind is not None and not (isinstance(kind, str) and kind.startswith(_CLIENTS))


def _max_tokens(body: bytes) -> int:
    return _TOKENS.decode(body).max_tokens  # it was looked at when the prompt was taken


def _images(body: bytes) -> list[int]:
    """How many bytes of the body each image has: none, where it is elsewhere and only named. No image where that is
    not certain.
    """
    try:
        found: list[int] = []
        for message in _MESSAGES.decode(body).messages:
            found += _in_blocks(message.content)
    except (msgspec.MsgspecError, RecursionError):
        return []
    return found


def _in_blocks(blocks: str | list[_Block]) -> list[int]:
    found: list[int] = []
    for block in () if isinstance(blocks, str) else blocks:
        if block.type == "image":
            source = _SOURCE.decode(block.source)
            found.append(len(memoryview(source.data)) if source.type == "base64" else 0)
        elif block.type == "tool_result" and memoryview(block.content):
            found += _in_blocks(_BLOCKS.decode(block.content))
    return found
