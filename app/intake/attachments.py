"""Images and documents that somebody says something with.

Pure. The rule: what the Claude API takes of no model is refused before it becomes part of a history, in words that say
what to do; kinds of sources and blocks that are not known here pass, because only the upstream can judge them.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any

from app.intake.prompt import InvalidPromptError

# What a file of each type begins with. A PDF may have something before it.
_IMAGES = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
_PDF, _PDF_MARK, _PDF_HEAD_BYTES = "application/pdf", b"%PDF-", 1024
_TEXT = "text/plain"


def check(block: Mapping[str, Any], at: str) -> None:
    """Raises `InvalidPromptError` for an image or a document that cannot be one; `at` is where the block stands."""
    kind = block["type"]
    if kind not in ("image", "document"):
        return
    source = block.get("source")
    if not isinstance(source, dict) or not isinstance(source.get("type"), str):
        raise InvalidPromptError(f"{at}.source: must be an object with a type, such as base64")
    if source["type"] == "base64":
        _check_base64(source, f"{at}.source", tuple(_IMAGES) if kind == "image" else (_PDF,))
    elif source["type"] == "text" and kind == "document":
        _check_type(source, f"{at}.source", (_TEXT,))
        if not isinstance(source.get("data"), str) or not source["data"].strip():
            raise InvalidPromptError(f"{at}.source.data: must be a text that is not empty")


def _check_base64(source: Mapping[str, Any], at: str, allowed: tuple[str, ...]) -> None:
    media_type = _check_type(source, at, allowed)
    data = source.get("data")
    if not isinstance(data, str) or not data:
        raise InvalidPromptError(f"{at}.data: must be the file in base64, and not be empty")
    try:
        # Broken into lines by many who write it.
        raw = binascii.a2b_base64(data.replace("\r", "").replace("\n", ""), strict_mode=True)
    except ValueError:  # what is no ASCII included
        raise InvalidPromptError(f"{at}.data: is no base64 (it stands there without data:…, before it)") from None
    if not _is(raw, media_type):
        raise InvalidPromptError(f"{at}.data: the file is no {media_type}")


def _check_type(source: Mapping[str, Any], at: str, allowed: tuple[str, ...]) -> str:
    media_type = source.get("media_type")
    if not isinstance(media_type, str) or media_type not in allowed:
        raise InvalidPromptError(f"{at}.media_type: must be {' or '.join(allowed)}")
    return media_type


def _is(raw: bytes, media_type: str) -> bool:
    if media_type == _PDF:
        return _PDF_MARK in raw[:_PDF_HEAD_BYTES]
    return raw.startswith(_IMAGES[media_type]) and (media_type != "image/webp" or raw[8:12] == b"WEBP")
