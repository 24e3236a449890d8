"""What an MCP server's result is to a model. Pure.

The rule: texts and images of kinds that the API takes go as they are; what a model cannot be shown is told by what it
is, so that it can say so.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import mcp_types
import orjson

from worker.tools.running.answer import Blocks

IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
PDF = "application/pdf"


def blocks_of(result: mcp_types.CallToolResult) -> Blocks:
    failed = bool(result.is_error)
    blocks = [block for content in result.content for block in _blocks(content)]
    if not blocks and result.structured_content is not None:
        blocks = [_text(orjson.dumps(result.structured_content).decode())]
    if failed and not any(str(block.get("text", "x")).strip() for block in blocks):
        blocks = [_text("The tool failed, and said nothing.")]
    return Blocks(blocks, failed)


def _blocks(content: Any) -> list[dict[str, Any]]:
    match content:
        case mcp_types.TextContent(text=text):
            return [_text(text)]
        case mcp_types.ImageContent(data=data, mime_type=kind):
            return [_image(data, kind)]
        case mcp_types.AudioContent(mime_type=kind):
            return [_not_shown(kind)]
        case mcp_types.ResourceLink(uri=uri, name=name):
            return [_text(f"{name}: {uri}")]
        case mcp_types.EmbeddedResource(resource=mcp_types.TextResourceContents(uri=uri, text=text)):
            return [_text(f"{uri}\n{text}")]
        case mcp_types.EmbeddedResource(resource=mcp_types.BlobResourceContents(blob=data, mime_type=kind)):
            return [_image(data, kind or "")]
    return [_not_shown(str(getattr(content, "type", "")))]


def _image(data: str, kind: str) -> dict[str, Any]:
    if kind not in IMAGES and kind != PDF:
        return _not_shown(kind)
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return _not_shown(kind)
    return {
        "type": "document" if kind == PDF else "image",
        "source": {"type": "base64", "media_type": kind, "data": data},
    }


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _not_shown(kind: str) -> dict[str, Any]:
    return _text(f"[{kind[:64] or 'something'} that cannot be shown here]")
