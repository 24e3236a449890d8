"""The patterns of a file, looked for in a prompt's texts, in a time that is linear in their length.

The rule: no pattern and no prompt can make it take longer (RE2, which has no look-around and no back-references for
that reason). A line that is no pattern ends the start and is named by its number. A text is looked at by itself: what
is spread over two of them, or written in another way, is not found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Self

from app.settings import Settings, SettingsError

# What the engine may hold of its automaton; beyond, it is slower and finds the same.
MEMORY_BYTES = 64 * 1024 * 1024
_NAME = "KEEPSTREAM_SCREEN_PATTERNS"


@dataclass(frozen=True, slots=True)
class Patterns:
    """`each` with the number of its line, and `any_` of them at once."""

    each: tuple[tuple[int, Any], ...]
    any_: Any

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those of the file that is set. Raises `SettingsError`."""
        path = settings.screen_patterns
        if path is None:
            raise SettingsError(f"app.access.screens:patterns looks for what {_NAME} names: set it to a file")
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise SettingsError(f"{_NAME}: cannot read {path}: {reason}") from error
        return cls.read(text)

    @classmethod
    def read(cls, text: str) -> Self:
        """A pattern on each line; empty ones and those that begin with `#` are none. Raises `SettingsError`."""
        try:
            import re2  # noqa: PLC0415  # a library of its own, for who uses it
        except ImportError as error:
            raise SettingsError(f"{_NAME} needs google-re2, which is not installed here") from error
        options = re2.Options()
        options.max_mem = MEMORY_BYTES
        options.log_errors = False
        each = []
        for number, line in enumerate(StringIO(text, newline=None), 1):
            pattern = line.strip()
            if not pattern or pattern.startswith("#"):
                continue
            try:
                each.append((number, re2.compile(pattern.encode(), options)))
            except re2.error as error:
                raise SettingsError(f"{_NAME}: line {number} is no pattern: {_words(error)}") from error
        if not each:
            raise SettingsError(f"{_NAME}: the file has no pattern")
        try:
            any_ = re2.compile(b"|".join(b"(?:%b)" % found.pattern for _, found in each), options)
        except re2.error:  # too large together
            any_ = None
        return cls(tuple(each), any_)

    def first_in(self, texts: Iterable[str]) -> int | None:
        """The line of the first pattern that is found in one of the texts; None where none is."""
        for text in texts:
            data = text.encode("utf-8", "replace")
            if self.any_ is not None and self.any_.search(data) is None:
                continue
            for number, pattern in self.each:
                if pattern.search(data) is not None:
                    return number
        return None


def _words(error: Exception) -> str:
    said = error.args[0] if error.args else "it cannot be read"
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
