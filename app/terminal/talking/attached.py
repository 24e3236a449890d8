"""A file that goes with a message, as a block of the Messages API: a picture, PDF, or whatever is text.

The rule: a file either becomes a block that the Claude API takes, or there is a sentence that names it, says why not
and what one can do, before anything is sent. What a file is, is seen by what is in it, and none is opened that nobody
named.
"""

from __future__ import annotations

import base64
import os
import shlex
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Of a request's body, for what is said beside the files.
SAID_BYTES = 256 * 1024
# The Claude API takes 5 MB of a picture as Base64, which is a third larger.
PICTURE_BYTES = 3_700_000
# Four letters for three bytes.
BASE64 = 4 / 3
TITLE_CHARACTERS = 200
# So much of a file says what it is: a PDF may have something before it.
HEAD_BYTES = 1024
_PICTURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)
_OFFICE = frozenset(
    ["doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "pages", "numbers", "key", "rtf", "epub"]
)
_ARCHIVES = frozenset(["zip", "tar", "gz", "tgz", "bz2", "xz", "7z", "rar"])


class RefusedFileError(Exception):
    """Why a file does not go along, and what one can do."""


@dataclass(frozen=True, slots=True)
class Attached:
    """`cost` is what its `block` takes of a request."""

    name: str
    size: int
    cost: int
    block: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.name} ({megabytes(self.size)})"


def megabytes(size: float) -> str:
    """As people say it, and never less than it is worth saying."""
    return f"{size / 1_000_000:.1f} MB" if size >= 100_000 else f"{max(size / 1000, 0.1):.1f} kB"  # noqa: PLR2004


def path_in(typed: str) -> Path:
    """The path that was typed, or put there by a terminal on which a file was dropped: quoted, or with backslashes."""
    try:
        [whole] = shlex.split(typed)
    except ValueError:  # a blank that nobody quoted, or an apostrophe
        whole = typed
    return Path(whole).expanduser()


def attach(path: Path, room: int) -> Attached:
    """The file as a block that takes at most `room` bytes of a request. Raises `RefusedFileError`."""
    name = path.name or str(path)
    named = f"“{name}”"
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise RefusedFileError(f"{named} is no file to send.")
            head = file.read(HEAD_BYTES)
            kind = _picture_in(head)
            _check(named, about.st_size, room, kind)
            data = head + file.read(about.st_size)
    except IsADirectoryError:
        raise RefusedFileError(f"{named} is a folder: name a file in it.") from None
    except OSError as error:
        raise RefusedFileError(f"{named} cannot be read: {error.strerror}.") from None
    if not data.strip():
        raise RefusedFileError(f"{named} is empty.")
    block = _block(name, data, kind)
    if block is None:
        raise RefusedFileError(f"{named} cannot be sent. {_instead(path)}")
    return Attached(name, len(data), len(str(block["source"]["data"]).encode()), block)


def _without_waiting(path: str, flags: int) -> int:
    """A pipe that nobody writes to is no file, and is not waited for."""
    return os.open(path, flags | os.O_NONBLOCK)


def _check(named: str, size: int, room: int, kind: str | None) -> None:
    if kind is not None and size > PICTURE_BYTES:
        most = megabytes(PICTURE_BYTES)
        raise RefusedFileError(f"{named} is too large: {megabytes(size)}. A picture can have {most}; save it smaller.")
    if size > max(room, 0) / BASE64:
        left = megabytes(max(room, 0) / BASE64)
        raise RefusedFileError(f"{named} is too large: {megabytes(size)}. There is room for {left} in this message.")


def _picture_in(head: bytes) -> str | None:
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for begins, kind in _PICTURES if head.startswith(begins)), None)


def _block(name: str, data: bytes, picture: str | None) -> dict[str, Any] | None:
    if picture is not None:
        return {"type": "image", "source": _base64(picture, data)}
    title = name[:TITLE_CHARACTERS]
    if b"%PDF-" in data[:HEAD_BYTES]:
        return {"type": "document", "title": title, "source": _base64("application/pdf", data)}
    text = _text_in(data)
    if text is None:
        return None
    return {"type": "document", "title": title, "source": {"type": "text", "media_type": "text/plain", "data": text}}


def _base64(kind: str, data: bytes) -> dict[str, str]:
    return {"type": "base64", "media_type": kind, "data": base64.b64encode(data).decode()}


def _text_in(data: bytes) -> str | None:
    """What is not UTF-8 says what it is, or has never been text."""
    coding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(coding)
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text


def _instead(path: Path) -> str:
    ending = path.suffix.lower().removeprefix(".")
    if ending in _OFFICE:
        return "Save it as PDF or as text, and send that."
    if ending in _ARCHIVES:
        return "Unpack it, and send the files in it."
    return "Pictures (PNG, JPEG, GIF, WebP), PDF and text can."
