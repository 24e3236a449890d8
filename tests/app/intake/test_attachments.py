"""What can be attached to a message, and what is refused in words that help."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from app.intake.attachments import check
from app.intake.prompt import InvalidPromptError

FILES = {
    "image/png": b"\x89PNG\r\n\x1a\nxx",
    "image/jpeg": b"\xff\xd8\xff\xe0xx",
    "image/gif": b"GIF89axx",
    "image/webp": b"RIFF\x01\x02\x03\x04WEBPxx",
    "application/pdf": b"\n\n%PDF-1.7 xx",
}


def block(media_type: Any, raw: bytes, **source: Any) -> dict[str, Any]:
    kind = "document" if str(media_type).startswith(("application", "text")) else "image"
    data = base64.b64encode(raw).decode()
    return {"type": kind, "source": {"type": "base64", "media_type": media_type, "data": data} | source}


@pytest.mark.parametrize(("media_type", "raw"), FILES.items())
def test_a_file_of_each_kind_is_taken(media_type: str, raw: bytes) -> None:
    check(block(media_type, raw), "content.0")
    lines = base64.encodebytes(raw * 50).decode().replace("\n", "\r\n")
    check(block(media_type, raw, data=lines), "content.0")


@pytest.mark.parametrize(
    "other",
    [
        {"type": "text", "text": "x"},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.tiff"}},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "document", "source": {"type": "content", "content": []}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
        {"type": "hologram", "source": 1},
    ],
)
def test_what_only_the_upstream_can_judge_passes(other: dict[str, Any]) -> None:
    check(other, "content.0")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (block("image/tiff", b"II*\0"), "media_type: must be image/jpeg or image/png or image/gif or image/webp"),
        (block("application/msword", FILES["application/pdf"]), "media_type: must be application/pdf"),
        (block(None, b"x"), "media_type: must be"),
        (block(["image/png"], b"x"), "media_type: must be"),
        (block("image/jpeg", FILES["image/png"]), "the file is no image/jpeg"),
        (block("image/webp", b"RIFF....WAVE"), "the file is no image/webp"),
        (block("application/pdf", b"x" * 2000 + FILES["application/pdf"]), "the file is no application/pdf"),
        (block("image/png", b""), "data: must be the file in base64"),
        (block("image/png", b"", data=1), "data: must be the file in base64"),
        (block("image/png", b"", data="data:image/png;base64,iVBORw0KGgo="), "data: is no base64"),
        (block("image/png", b"", data="żółw"), "data: is no base64"),
        (block("image/png", b"", data="iVBORw0KGgo"), "data: is no base64"),
        (block("text/html", b"", type="text", data="x"), "media_type: must be text/plain"),
        (block("text/plain", b"", type="text", data=" "), "data: must be a text"),
        ({"type": "image"}, "source: must be an object"),
        ({"type": "document", "source": "x"}, "source: must be an object"),
        ({"type": "image", "source": {"media_type": "image/png"}}, "source: must be an object"),
    ],
)
def test_what_nobody_could_look_at_is_refused_by_its_place(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidPromptError, match=r"^content\.1\.source") as refused:
        check(wrong, "content.1")
    assert why in str(refused.value)
