"""What no model is told: the secrets that this process was given.

Pure. The rule: what an exception says may quote an address with its password, or a header with its key; every value of
the environment whose name or place says that it is secret is replaced, in all the spellings that it travels in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

from app import surrogates

SHOWN_INSTEAD = "[redacted]"
# Shorter ones are words that stand everywhere.
SECRET_MIN = 6
_NAMED_SECRET = re.compile(
    r"(^|_)(api_?key|key|token|secret|password|passwd|passphrase|pwd|pat|auth|authorization|credentials?|cookie|dsn)s?"
    r"(_|$)",
    re.IGNORECASE,
)
# Names that end so hold a path, or a word of a few.
_NO_SECRET = re.compile(r"_(file|path|dir|id|url|uri|name|claim|issuer|audience|seconds)$", re.IGNORECASE)
# From what cannot begin anywhere, and bounded: each place of a text is looked at once.
_IN_ADDRESS = re.compile(r"://([^\s/?#@]{1,1024})@")
# What the API knows a block by is no words of anybody's.
_KINDS = frozenset({"type", "media_type"})
_SCHEME = re.compile(r"^(bearer|basic|token)\s+", re.IGNORECASE)


class Redactor:
    """Takes secrets out of texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        spellings = {spelling for secret in secrets if len(secret) >= SECRET_MIN for spelling in _spellings(secret)}
        # The longest first: one may be a part of another.
        known = sorted(spellings, key=lambda spelling: (-len(spelling), spelling))
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        text = _IN_ADDRESS.sub(f"://{SHOWN_INSTEAD}@", text)
        return text if self._known is None else self._known.sub(SHOWN_INSTEAD, text)

    def content(self, json: bytes) -> bytes:
        """Takes them out of a result's content, text by text: what holds it together stays, whatever a secret is."""
        return surrogates.dumps(self._within(surrogates.loads(json)))

    def _within(self, value: Any) -> Any:
        match value:
            case str():
                return self(value)
            case list():
                return [self._within(one) for one in value]
            case dict():
                return {key: one if key in _KINDS else self._within(one) for key, one in value.items()}
        return value


def secrets_in(environ: Mapping[str, str]) -> Iterator[str]:
    """What is secret of an environment, or of headers."""
    for name, value in environ.items():
        spelt = name.replace("-", "_")
        if _NAMED_SECRET.search(spelt) and not _NO_SECRET.search(spelt):
            yield value.strip()
            yield _SCHEME.sub("", value.strip())
        for found in _IN_ADDRESS.finditer(value):
            user, _, password = found[1].partition(":")
            yield password or user


def _spellings(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield unquote(secret)
    yield repr(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
