"""A file of a UI message as a content block of the Messages API.

Pure: no address is fetched here. The rule: what the API can take is handed on (data URLs as bytes, http addresses as
addresses); what it cannot take is refused with what would do instead.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import unquote_to_bytes

from app.intake.prompt import InvalidPromptError

IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
PDF = "application/pdf"
# What is text although its type does not say so.
TEXT_TYPES = ("application/json", "application/xml", "application/yaml", "application/javascript", "application/sql")
# The API's own bounds, in bytes.
IMAGE_BYTES_MAX = 10 * 1024 * 1024
PDF_BYTES_MAX = 32 * 1024 * 1024


class FileTooLargeError(InvalidPromptError):
    """The client's fault: a file above what the API takes."""


def file_block(part: dict[str, Any], where: str) -> dict[str, Any]:
    """The block for a `file` part. Raises `InvalidPromptError`."""
    url, media_type = part.get("url"), part.get("mediaType")
    if not isinstance(media_type, str) or not media_type:
        raise InvalidPromptError(f"{where}.mediaType: must be the file's media type")
    match part.get("providerReference"):
        case {"anthropic": str(file_id)}:
            kind = "image" if media_type.startswith("image") else "document"
            return _named({"type": kind, "source": {"type": "file", "file_id": file_id}}, part)
    if not isinstance(url, str):
        raise InvalidPromptError(f"{where}.url: must be a data: or an http(s) address")
    if url[:5].lower() == "data:":
        return _named(_inline(url, media_type.lower(), where), part)
    if url[:8].lower().startswith(("http://", "https://")):
        return _named(_linked(url, media_type.lower(), where), part)
    raise InvalidPromptError(f"{where}.url: must be a data: or an http(s) address")


def _inline(url: str, media_type: str, where: str) -> dict[str, Any]:
    head, comma, body = url[5:].partition(",")
    own, *parameters = head.split(";")
    if not comma:
        raise InvalidPromptError(f"{where}.url: is not a complete data: address")
    if "/" not in media_type or media_type.endswith("/*"):  # the top level alone: the address knows better
        media_type = own.lower() or media_type
    try:
        data = base64.b64decode(body, validate=True) if "base64" in parameters else unquote_to_bytes(body)
    except (binascii.Error, ValueError):
        raise InvalidPromptError(f"{where}.url: is not valid base64") from None
    if media_type in IMAGE_TYPES:
        _check_size(data, IMAGE_BYTES_MAX, where)
        return {"type": "image", "source": _base64(media_type, data)}
    if media_type == PDF:
        _check_size(data, PDF_BYTES_MAX, where)
        return {"type": "document", "source": _base64(media_type, data)}
    if media_type.startswith("text/") or media_type in TEXT_TYPES or media_type.endswith(("+json", "+xml")):
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise InvalidPromptError(f"{where}.url: a text must be in UTF-8") from None
        return {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": text}}
    raise _unfit(media_type, where)


def _linked(url: str, media_type: str, where: str) -> dict[str, Any]:
    if media_type.partition("/")[0] == "image" and (media_type in IMAGE_TYPES or media_type in ("image", "image/*")):
        return {"type": "image", "source": {"type": "url", "url": url}}
    if media_type == PDF:
        return {"type": "document", "source": {"type": "url", "url": url}}
    if media_type.startswith("text/") or media_type in TEXT_TYPES:
        raise InvalidPromptError(f"{where}.url: a text cannot be sent as an address; send it as a data: address")
    raise _unfit(media_type, where)


def _base64(media_type: str, data: bytes) -> dict[str, str]:
    return {"type": "base64", "media_type": media_type, "data": base64.b64encode(data).decode()}


def _named(block: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    name = part.get("filename")
    return block | {"title": name} if block["type"] == "document" and isinstance(name, str) and name else block


def _check_size(data: bytes, most: int, where: str) -> None:
    if len(data) > most:
        raise FileTooLargeError(f"{where}: the file is larger than {most} bytes")


def _unfit(media_type: str, where: str) -> InvalidPromptError:
    return InvalidPromptError(
        f"{where}.mediaType: {media_type[:100]!r} cannot be sent; images (JPEG, PNG, GIF, WebP), PDF and text can"
    )
