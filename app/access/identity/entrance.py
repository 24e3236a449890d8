"""The entrance: who is calling, by the key or the token that a request carries, and for which user.

The rule: whoever is not known is nobody, and is told no more of why than whoever has the credential knows already. With
neither keys nor tokens nobody is asked: then everybody is `anonymous`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Protocol

from app.access.caller import Caller, Refused, Why
from app.access.identity.keys_file import NAME, Key, Keys, digest_of, keys_of
from app.access.reloading import Reloaded, Reloading
from app.settings import Settings, SettingsError
from app.stream.accounts import ANONYMOUS
from app.stream.concurrency.tasks import Supervised
from app.stream.observing import tell
from app.watch.events.of_fronts import CallerRefused
from app.watch.events.of_processes import KeysReloaded

USER_HEADER = "x-keepstream-user"
# A token's three parts; no key that we make has a dot.
TOKEN_DOTS = 2
_USER = re.compile(r"[ -.0-~]{1,64}", re.ASCII)

NO_CREDENTIAL = "send a valid key as x-api-key or Authorization: Bearer"
EXPIRED_KEY = "this key has expired; ask for another"


class Tokens(Protocol):
    """Whoever can read tokens (`app.access.identity.tokens`)."""

    async def caller_of(self, token: str) -> Caller | Refused: ...

    async def look(self) -> None:
        """Looks for keys at a start. Raises `SettingsError` where there are none to be had."""

    @property
    def tasks(self) -> Sequence[Supervised]:
        """What is to run as long as the front does."""

    async def aclose(self) -> None: ...


class Entrance:
    """`keys` and `tokens` are the ways in; a way that is None is none."""

    def __init__(
        self,
        keys: Reloading[Keys] | None = None,
        tokens: Tokens | None = None,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._now = now

    @classmethod
    def of(cls, settings: Settings) -> Entrance:
        """As the settings say. Raises `SettingsError`."""
        keys = None if settings.api_keys_file is None else keys_in(settings.api_keys_file)
        if settings.jwt_secret is None and settings.jwt_jwks is None:
            check_unused(settings)
            return cls(keys)
        from app.access.identity.tokens import tokens_of  # noqa: PLC0415  # who reads no token does without cryptography

        return cls(keys, tokens_of(settings))

    @property
    def asks_nobody(self) -> bool:
        return self._keys is None and self._tokens is None

    async def caller_of(self, headers: Mapping[str, str], users: Sequence[str] = ()) -> Caller | Refused:
        """Who sent these headers; `users` are the values of `x-keepstream-user`, one for each time it was sent."""
        found = await self.known(credential_of(headers))
        if isinstance(found, Caller):
            found = acting_for(found, users)
        if isinstance(found, Refused):
            tell(CallerRefused(found.reason))
        return found

    async def known(self, credential: str | None) -> Caller | Refused:
        """Whose key or token this is."""
        if self.asks_nobody:
            return Caller(ANONYMOUS)
        if credential is None:
            return Refused(Why.UNKNOWN, NO_CREDENTIAL, "no_credential")
        if self._tokens is not None and credential.count(".") == TOKEN_DOTS:
            return await self._tokens.caller_of(credential)
        return self.of_key(digest_of(credential))

    def of_key(self, digest: str) -> Caller | Refused:
        """Whose key has this digest now: what was opened with a key asks again, and ends with it."""
        key: Key | None = None if self._keys is None else self._keys.value.get(digest)
        if key is None:
            return Refused(Why.UNKNOWN, NO_CREDENTIAL, "unknown_key")
        if key.is_over(self._now()):
            return Refused(Why.UNKNOWN, EXPIRED_KEY, "expired_key")
        return key.caller

    async def open(self, stack: AsyncExitStack) -> Sequence[Supervised]:
        """From here on, and until `stack` ends, changes are heard of. Returns who listens for them.

        Raises `SettingsError` where no token could be known.
        """
        tasks: list[Supervised] = []
        if self._keys is not None:
            tasks.append(Supervised("keys", self._keys.watch))
        if self._tokens is not None:
            stack.push_async_callback(self._tokens.aclose)
            await self._tokens.look()
            tasks += self._tokens.tasks
        for task in tasks:
            await stack.enter_async_context(task)
        return tasks


def check_unused(settings: Settings) -> None:
    """Raises `SettingsError` where it is said how tokens have to be, and they are not read at all."""
    narrowing = (settings.jwt_issuer, settings.jwt_audience, settings.jwt_algorithms)
    for name, value in zip(("ISSUER", "AUDIENCE", "ALGORITHMS"), narrowing, strict=True):
        if value:
            raise SettingsError(
                f"KEEPSTREAM_JWT_{name} says nothing without KEEPSTREAM_JWT_SECRET or KEEPSTREAM_JWT_JWKS: set one"
            )


def keys_in(path: str) -> Reloading[Keys]:
    """The keys of a file, now and later. Raises `SettingsError`, also where nobody could come in."""
    keys = Reloading(NAME, path, keys_of, _told)
    if not keys.value:  # somebody meant to name some
        raise SettingsError(f"{NAME}: {path} names no key")
    return keys


def _told(came: Reloaded[Keys]) -> KeysReloaded:
    return KeysReloaded(came.outcome, len(came.value), came.why)


def credential_of(headers: Mapping[str, str]) -> str | None:
    """What `x-api-key`, or else `authorization: Bearer`, carries."""
    key = headers.get("x-api-key")
    if key is not None:
        return key
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


def acting_for(caller: Caller, users: Sequence[str]) -> Caller | Refused:
    """The user that is named, as a caller; whoever names none acts for itself. A user has no rights of the key's."""
    if not users:
        return caller
    if not caller.delegate:
        return Refused(Why.NOT_ALLOWED, f"{USER_HEADER}: this key or token may not act for users", "not_delegated")
    if len(users) > 1 or not _USER.fullmatch(users[0]):
        return Refused(
            Why.MALFORMED, f"{USER_HEADER}: must be 1 to 64 printable ASCII characters without a /", "malformed_user"
        )
    return replace(caller, user=users[0], delegate=False, admin=False)
