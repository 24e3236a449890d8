"""Where the keys of tokens come from: a secret that both sides have, a file, or an address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

import jwt
from jwt.algorithms import HMACAlgorithm

from app.access.identity.jwk_set import NAME, JwkSet, jwks_of
from app.access.identity.jwks_remote import RemoteKeys
from app.access.reloading import Reloaded, Reloading
from app.environment import is_loopback
from app.settings import SettingsError
from app.stream.concurrency.tasks import Supervised
from app.watch.events.of_processes import TokenKeysReloaded

SECRET_NAME = "KEEPSTREAM_JWT_SECRET"  # noqa: S105  # a variable's name
SECRET_ALGORITHMS = ("HS256", "HS384", "HS512")
SECRET_BYTES_MIN = 32


class KeySource(Protocol):
    """Where keys come from: a secret, a file, an address."""

    async def fitting(self, kid: str | None, algorithm: str) -> Sequence[Any]:
        """The keys that a token with this header may be signed with."""

    async def look(self) -> None:
        """Looks for them at a start. Raises `SettingsError` where there are none to be had."""

    async def anew(self) -> bool:
        """Whether it was looked for other ones."""

    async def aclose(self) -> None: ...

    @property
    def tasks(self) -> Sequence[Supervised]: ...


class Secret:
    """The one key that both sides have. Raises `SettingsError`."""

    tasks: Sequence[Supervised] = ()

    def __init__(self, secret: str) -> None:
        self._key = secret.encode()
        if len(self._key) < SECRET_BYTES_MIN:
            raise SettingsError(f"{SECRET_NAME} must have {SECRET_BYTES_MIN} bytes or more")
        try:
            HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(self._key)
        except jwt.InvalidKeyError:  # whoever may know it could sign with it
            raise SettingsError(f"{SECRET_NAME} must be no public key: give one as a set, by {NAME}") from None

    async def fitting(self, _kid: str | None, _algorithm: str) -> Sequence[Any]:
        return (self._key,)

    async def look(self) -> None:
        pass

    async def anew(self) -> bool:
        return False

    async def aclose(self) -> None:
        pass


class FileKeys:
    """The keys of a file, now and later. Raises `SettingsError`."""

    def __init__(self, path: str) -> None:
        self._file = Reloading(NAME, path, jwks_of, _told)
        self.tasks = (Supervised("jwks", self._file.watch),)

    async def fitting(self, kid: str | None, algorithm: str) -> Sequence[Any]:
        return self._file.value.fitting(kid, algorithm)

    async def look(self) -> None:
        pass

    async def anew(self) -> bool:
        return False

    async def aclose(self) -> None:
        pass


def _told(came: Reloaded[JwkSet]) -> TokenKeysReloaded:
    return TokenKeysReloaded(came.outcome, len(came.value.keys), came.why)


def source_at(where: str) -> KeySource:
    """The keys of a file or of an address. Raises `SettingsError`."""
    if "://" not in where:
        return FileKeys(where)
    try:
        parts = urlsplit(where)
        safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        usable = safe and bool(parts.hostname) and parts.port != 0 and where.isascii() and where.isprintable()
    except ValueError:
        usable = False
    if not usable or " " in where:
        raise SettingsError(f"{NAME} must be a file, or an https:// address, or an http:// one of this machine")
    return RemoteKeys(where)
