"""Where a client says that it stands, by header or query: a place that is written just so, or a refusal in words."""

from __future__ import annotations

from app.stream.errors import MalformedIdError
from app.stream.frames import parse_id, position_at_end

DIGITS = "0123456789"


def check(data: bytes) -> None:
    for text in (data.decode("latin-1"), data.decode(errors="replace"), data.decode(errors="surrogateescape")):
        try:
            position = parse_id(text)
        except MalformedIdError:
            assert not is_one(text)
        else:
            assert is_one(text)
            assert position.id == text
            assert position_at_end(position.proof) == position


def is_one(text: str) -> bool:
    return (
        len(text) == 18
        and all(char in DIGITS for char in text[:9])
        and text[9] == "-"
        and all(char in DIGITS + "abcdef" for char in text[10:])
    )
