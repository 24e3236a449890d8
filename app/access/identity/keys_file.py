"""The keys' file: what its lines say, and whose a key is.

Pure. A line for each key: owner, white space, the SHA-256 of the key in hex, and then any of the words `delegate` (may
act for users), `admin` (sees what belongs to nobody in particular), `expires=2027-01-31` (its last day, UTC) and
`label=ci`; `#` begins a comment. A key itself is nowhere: neither here, nor in a log, nor upstream.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from app.access.caller import Caller, is_tenant
from app.settings import SettingsError

NAME = "KEEPSTREAM_API_KEYS_FILE"
LABEL_CHARACTERS = 64
# How much of a digest names a key to people.
SHOWN_DIGITS = 8

_DIGEST = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_SHAPE = "an owner, a space and the SHA-256 of a key in hex"
_WORDS = "delegate, admin, expires=YYYY-MM-DD and label=NAME"


@dataclass(frozen=True, slots=True)
class Key:
    """`expires` is the last day on which it opens."""

    owner: str
    digest: str
    delegate: bool = False
    admin: bool = False
    expires: date | None = None
    label: str = ""

    @property
    def ends_at(self) -> float | None:
        """The first moment at which it opens nothing any more, in seconds since 1970."""
        if self.expires is None:
            return None
        return datetime(self.expires.year, self.expires.month, self.expires.day, tzinfo=UTC).timestamp() + _DAY_SECONDS

    def is_over(self, now: float) -> bool:
        return self.ends_at is not None and now >= self.ends_at

    @property
    def caller(self) -> Caller:
        return Caller(self.owner, delegate=self.delegate, admin=self.admin, expires_at=self.ends_at)

    @property
    def line(self) -> str:
        """As it stands in the file."""
        words = [self.owner, self.digest]
        words += [name for name, has in (("delegate", self.delegate), ("admin", self.admin)) if has]
        words += [f"expires={self.expires}"] if self.expires else []
        words += [f"label={self.label}"] if self.label else []
        return " ".join(words)


_DAY_SECONDS = timedelta(days=1).total_seconds()

# By digest: what is looked up is never a key, so the time it takes says nothing about any.
Keys = Mapping[str, Key]


def digest_of(credential: str) -> str:
    return hashlib.sha256(credential.encode("utf-8", "surrogateescape")).hexdigest()


def keys_of(text: str) -> Keys:
    """The keys of a file; none is possible, and lets nobody in. Raises `SettingsError`, which names the line."""
    found: dict[str, Key] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(lines_of(text), 1):
        try:
            key = key_of(line)
        except SettingsError as error:
            raise SettingsError(f"{NAME}: line {number} {error}") from None
        if key is None:
            continue
        if key.digest in found:
            raise SettingsError(f"{NAME}: line {number} has the key of line {lines[key.digest]} once more")
        found[key.digest], lines[key.digest] = key, number
    return found


def lines_of(text: str) -> list[str]:
    """With their ends. What editors show as one line is one: no key stands in what looks like the end of a comment."""
    return _LINE.findall(text)


def key_of(line: str) -> Key | None:
    """The key of one line, None where there is only a comment. Raises `SettingsError`, that ends a sentence."""
    owner, *rest = line.partition("#")[0].split() or [""]
    if not owner:
        return None
    if not rest or not _DIGEST.fullmatch(rest[0]):
        raise SettingsError(f"must be {_SHAPE}")
    if not is_tenant(owner):
        raise SettingsError("names an owner that cannot be one: no / and nothing invisible, 255 characters at the most")
    said: dict[str, str] = {}
    for word in rest[1:]:
        name, has_value, value = word.partition("=")
        if name in said or name not in _FIELDS or bool(has_value) != _FIELDS[name]:
            raise SettingsError(f"must be {_SHAPE}, and then may have {_WORDS}, each once")
        said[name] = value
    return Key(
        owner=owner,
        digest=rest[0].lower(),
        delegate="delegate" in said,
        admin="admin" in said,
        expires=day_of(said["expires"]) if "expires" in said else None,
        label=label_of(said["label"]) if "label" in said else "",
    )


# The words that a line may have, and whether they have a value.
_FIELDS = {"delegate": False, "admin": False, "expires": True, "label": True}


def day_of(text: str) -> date:
    """Raises `SettingsError`, that ends a sentence."""
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise SettingsError("must say expires= with a day such as 2027-01-31")


def label_of(text: str) -> str:
    """Raises `SettingsError`, that ends a sentence."""
    if text and len(text) <= LABEL_CHARACTERS and text.isprintable() and not re.search(r"[\s#]", text):
        return text
    raise SettingsError(f"must say label= with one word of {LABEL_CHARACTERS} characters at the most")
