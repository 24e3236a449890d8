"""What a request carries of who asks: a key or token, the user it acts for, a ticket. Pure.

The rule: whatever is given as a function is asked before each request, so what runs out is renewed in time; and nothing
here can be printed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import httpx

from .request import sendable

# A value, or what gives one.
Given = str | Callable[[], str | None] | None
AsyncGiven = str | Callable[[], str | Awaitable[str | None] | None] | None


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """What one request carries. Raises `ValueError` for what cannot be sent."""

    key: str | None = None
    ticket: str | None = None
    user: str | None = None

    def headers(self) -> Mapping[str, str]:
        sent = {"x-api-key": self.key, "x-keepstream-user": self.user}
        named = {"x-api-key": "api_key", "x-keepstream-user": "user"}
        # A key that was read from a file ends with the file's line.
        return {name: sendable(named[name], value.strip()) for name, value in sent.items() if value}

    def params(self) -> Mapping[str, str]:
        return {"ticket": self.ticket.strip()} if self.ticket else {}


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """What a client was given, each by value or as a function."""

    key: AsyncGiven = None
    ticket: AsyncGiven = None
    user: str | None = None

    @classmethod
    def checked(cls, key: AsyncGiven, ticket: AsyncGiven, user: str | None) -> Credentials:
        """Raises `ValueError` for a value that cannot be sent: now, and not where it is used."""
        Access(key if isinstance(key, str) else None, None, user).headers()
        return cls(key, ticket, user)

    def acting_for(self, user: str | None) -> Credentials:
        """The same key, for a user of whoever has it."""
        return Credentials.checked(self.key, self.ticket, user)

    @property
    def renewed(self) -> bool:
        """Whether there is anybody who could be asked again."""
        return callable(self.key) or callable(self.ticket)


def worth_another(credentials: Credentials, status: int) -> bool:
    """Whether an answer may be about a token that has just run out: whoever gives them is asked once more.

    The request is made again where what it carries is another one then.
    """
    return status == httpx.codes.UNAUTHORIZED and credentials.renewed
