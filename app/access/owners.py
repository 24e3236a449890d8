"""Who is calling: the key of a request to the owner of its streams.

Pure but for reading the file once. Keys are kept as SHA-256 digests; a key is never stored, logged or sent upstream.
Without a file every key, or none, is the owner `anonymous`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from app.settings import SettingsError

ANONYMOUS = "anonymous"
_LINE = re.compile(r"(\S+)\s+([0-9a-fA-F]{64})")


class Owners:
    """The owners that the keys' file names; `None` for a file that was never set."""

    def __init__(self, by_digest: Mapping[str, str] | None = None) -> None:
        self._by_digest = by_digest

    @property
    def ask_nobody(self) -> bool:
        """Whether whoever comes is let in."""
        return self._by_digest is None

    @classmethod
    def from_file(cls, path: str | None) -> Owners:
        """A line per key: owner, white space, SHA-256 of the key in hex; `#` comments. Raises `SettingsError`."""
        if path is None:
            return cls()
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise SettingsError(f"KEEPSTREAM_API_KEYS_FILE: cannot read {path}: {reason}") from error
        by_digest: dict[str, str] = {}
        for number, line in enumerate(text.splitlines(), 1):
            entry = line.partition("#")[0].strip()
            if not entry:
                continue
            match = _LINE.fullmatch(entry)
            if match is None:
                raise SettingsError(
                    f"KEEPSTREAM_API_KEYS_FILE: line {number} must be an owner, a space and the SHA-256 of a key in hex"
                )
            by_digest[match[2].lower()] = match[1]
        if not by_digest:  # nobody could come in: somebody meant to name keys
            raise SettingsError(f"KEEPSTREAM_API_KEYS_FILE: {path} names no key")
        return cls(by_digest)

    def owner_of(self, headers: Mapping[str, str]) -> str | None:
        """The owner whose key the headers carry (`x-api-key`, or `authorization: Bearer`); None for nobody's."""
        if self._by_digest is None:
            return ANONYMOUS
        key = headers.get("x-api-key")
        if key is None:
            scheme, _, credentials = headers.get("authorization", "").partition(" ")
            key = credentials.strip() if scheme.lower() == "bearer" else ""
        # The digest is what is looked up, so the time this takes says nothing about any key.
        return self._by_digest.get(hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest())
