"""The keys that tokens are signed with: a JWK Set read, and which of its keys a token may be checked with.

Pure. The rule: what a key is says which algorithms it is for, never what a token says of itself; so no public key ever
is a secret, and a key for one thing (`use`, `key_ops`, `alg`) is for no other. Only the public half of a key is read.
What cannot be used is left out: sets hold keys for other ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from app.settings import SettingsError

NAME = "KEEPSTREAM_JWT_JWKS"
# A set has a few keys, of a kilobyte or two with their certificates.
SET_BYTES_MAX = 1024 * 1024
SET_KEYS_MAX = 1000
# A token that names no key is tried with so many at the most: each takes the loop's time.
TRIED_MAX = 8
# Less is no signature any more, and more takes too long to check.
RSA_BITS = range(2048, 16_384 + 1)

_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_EC = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_OKP = ("Ed25519", "Ed448")
SET_ALGORITHMS = (*_RSA, *_EC.values(), "EdDSA")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """`key` is the library's own. `algorithms` are those it may be used with."""

    kid: str | None
    algorithms: frozenset[str]
    key: Any


@dataclass(frozen=True, slots=True)
class JwkSet:
    keys: Sequence[PublicKey] = ()

    def knows(self, kid: str | None) -> bool:
        return kid is not None and any(key.kid == kid for key in self.keys)

    def fitting(self, kid: str | None, algorithm: str) -> list[Any]:
        """The library's keys that a token with this header may be signed with."""
        found = (one.key for one in self.keys if kid in (None, one.kid) and algorithm in one.algorithms)
        return [key for _, key in zip(range(TRIED_MAX), found, strict=False)]


def jwks_of(text: str) -> JwkSet:
    """A set as it stands in a file or an answer. Raises `SettingsError`, whose words are none of the set's."""
    if len(text) > SET_BYTES_MAX:
        raise SettingsError(f"{NAME}: a set of keys has {SET_BYTES_MAX} bytes at the most")
    try:
        said = orjson.loads(text)
    except ValueError:
        said = None
    listed = said.get("keys") if isinstance(said, dict) else None
    if not isinstance(listed, list) or len(listed) > SET_KEYS_MAX:
        raise SettingsError(f'{NAME}: must hold a JWK Set: {{"keys": [...]}}, with {SET_KEYS_MAX} keys at the most')
    keys = tuple(_usable(listed))
    if not keys:
        raise SettingsError(f"{NAME}: holds no public key of RSA, EC or Ed25519 that tokens can be checked with")
    return JwkSet(keys)


def _usable(listed: list[Any]) -> Iterator[PublicKey]:
    for said in listed:
        if not isinstance(said, dict) or not _is_to_verify(said):
            continue
        kid, algorithms = said.get("kid"), _algorithms_of(said)
        if kid is not None and not isinstance(kid, str):
            continue
        key = _read(said) if algorithms else None
        if key is not None:
            yield PublicKey(kid, algorithms, key)


def _is_to_verify(said: dict[str, Any]) -> bool:
    operations = said.get("key_ops")
    return said.get("use") in (None, "sig") and (
        operations is None or (isinstance(operations, list) and "verify" in operations)
    )


def _algorithms_of(said: dict[str, Any]) -> frozenset[str]:
    kind, curve = said.get("kty"), said.get("crv")
    able: frozenset[str] = frozenset()
    if kind == "RSA":
        able = frozenset(_RSA)
    elif kind == "EC" and curve in tuple(_EC):
        able = frozenset({_EC[curve]})
    elif kind == "OKP" and curve in _OKP:
        able = frozenset({"EdDSA"})
    named = said.get("alg")
    return able if named is None else able & {named} if isinstance(named, str) else frozenset()


_READERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "RSA": RSAAlgorithm.from_jwk,
    "EC": ECAlgorithm.from_jwk,
    "OKP": OKPAlgorithm.from_jwk,
}


def _read(said: dict[str, Any]) -> Any | None:
    """The library's key, None for one that is none or too weak. Its private half is not looked at."""
    public: dict[str, Any] = {name: said[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in said}
    try:
        key = _READERS[said["kty"]](public)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    return None if isinstance(key, RSAPublicKey) and key.key_size not in RSA_BITS else key
