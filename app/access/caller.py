"""Who is calling, as one value: what a request's credential says, for everything that comes after; or why nobody is.

The rule: it is made here, once for each request; who needs to know more about a caller adds a field, and never looks at
the headers again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# As many as a `sub` of OpenID Connect may have.
TENANT_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class Confined:
    """What a caller with a ticket may read, and nothing else: the stream or conversation that has this log."""

    log_id: str


@dataclass(frozen=True, slots=True)
class Caller:
    """`tenant` is whose key it is, `user` for whom it acts, if for anybody.

    `delegate`: it may act for users. `admin`: it sees what belongs to nobody in particular. `claims` is the object `ks`
    of a JWT, as it came. `expires_at` is when the credential ends, in seconds since 1970.
    """

    tenant: str
    user: str | None = None
    delegate: bool = False
    admin: bool = False
    claims: Mapping[str, Any] | None = None
    expires_at: float | None = None
    confined: Confined | None = None

    @property
    def owner(self) -> str:
        """Whose streams these are. No tenant has a slash in its name, so that nobody is called as another's user."""
        return self.tenant if self.user is None else f"{self.tenant}/{self.user}"

    @classmethod
    def of(cls, owner: str) -> Caller:
        """Whoever may do what this owner may, and has no right besides."""
        tenant, _, user = owner.partition("/")
        return cls(tenant, user or None)


class Why(StrEnum):
    """Why somebody is let in no further; the door knows the status."""

    UNKNOWN = "unknown"
    NOT_ALLOWED = "not_allowed"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Refused:
    """`message` says what to do. `reason` is a word for who watches: who called need not know it."""

    why: Why
    message: str
    reason: str


def is_tenant(name: str) -> bool:
    """Whether somebody can be called so: what is in another's namespace, or cannot be seen, is nobody's name."""
    return 0 < len(name) <= TENANT_CHARACTERS and name.isprintable() and "/" not in name
