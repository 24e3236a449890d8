"""Sessions: what a page holds in place of a key, as a cookie.

The rule: a session is the credential that it was opened with, kept where its cookie alone can read it. So it ends with
its key or token, and has their rights as they are now: whoever comes with one is known by that credential, anew each
time. Redis has a digest of the cookie's value, and the credential sealed under that value: who reads all of Redis can
come in nowhere. Knows no HTTP.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import orjson
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from app.stream import keys
from app.stream.redis.refusals import refusal_of

# After so long the key is asked for again, however often the session was used.
SESSION_SECONDS = 30 * 86_400
# Of one owner; who opens another one ends the oldest.
SESSIONS_MAX = 100
_VALUE_BYTES = 32
_NONCE_BYTES = 12
_VALUE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_PURPOSE = b"keepstream session 1"
_ANOTHER_TYPE = "WRONGTYPE"
_AEAD = "cryptography.hazmat.primitives.ciphers.aead"


@dataclass(frozen=True, slots=True)
class Held:
    """What was shown when a session was opened: the key or token, if any, and for which users it was to act."""

    credential: str | None
    users: Sequence[str] = ()


class Sessions:
    """The sessions of one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def open(self, owner: str, held: Held, expires_at: float | None) -> tuple[str, int]:
        """A session for whoever has shown `held`: its cookie's value, and for how many milliseconds it lives."""
        value, now = secrets.token_urlsafe(_VALUE_BYTES), time.time()
        life_ms = SESSION_SECONDS * 1000
        if expires_at is not None:
            life_ms = max(1, min(life_ms, int((expires_at - now) * 1000)))
        digest, listed = _digest(value), keys.sessions(owner)
        sealed = await _sealed(value, held)
        async with self._redis.pipeline(transaction=True) as together:
            together.set(keys.session(digest), sealed, px=life_ms)
            together.zremrangebyscore(listed, "-inf", now - SESSION_SECONDS)
            together.zadd(listed, {digest: now})
            together.expire(listed, SESSION_SECONDS)
            together.zrange(listed, 0, -1)
            *_, all_ = await together.execute()
        if len(all_) > SESSIONS_MAX:
            await self._drop_oldest(listed, all_)
        return value, life_ms

    async def _drop_oldest(self, listed: str, all_: Sequence[bytes]) -> None:
        """`all_` are the digests in an owner's list, the oldest first; of those that were forgotten it is not told."""
        async with self._redis.pipeline(transaction=False) as together:
            for one in all_:
                together.exists(keys.session(one.decode()))
            stand = await together.execute()
        live = [one for one, stands in zip(all_, stand, strict=True) if stands]
        oldest = live[:-SESSIONS_MAX]
        if oldest:
            await self._redis.delete(*(keys.session(one.decode()) for one in oldest))
        kept = set(live[-SESSIONS_MAX:])
        await self._redis.zrem(listed, *(one for one in all_ if one not in kept))

    async def find(self, value: str) -> Held | None:
        """What the session of this cookie was opened with; None for one that has ended, or never was."""
        if _VALUE.fullmatch(value) is None:
            return None
        try:
            sealed: bytes | None = await self._redis.get(keys.session(_digest(value)))
        except ResponseError as error:
            if refusal_of(error).code != _ANOTHER_TYPE:
                raise
            return None  # somebody has written here what is none
        return None if sealed is None else await _unsealed(value, sealed)

    async def forget(self, value: str) -> None:
        if _VALUE.fullmatch(value) is not None:
            await self._redis.delete(keys.session(_digest(value)))


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


async def _cipher(value: str) -> Any:
    # Brought in by the first session, and beside the loop: a front whose clients all have keys does without.
    aead: Any = sys.modules.get(_AEAD) or await asyncio.to_thread(import_module, _AEAD)
    return aead.AESGCM(hmac.digest(value.encode(), _PURPOSE, "sha256"))


async def _sealed(value: str, held: Held) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    plain = orjson.dumps({"credential": held.credential, "users": list(held.users)})
    sealed: bytes = (await _cipher(value)).encrypt(nonce, plain, _PURPOSE)
    return nonce + sealed


async def _unsealed(value: str, sealed: bytes) -> Held | None:
    cipher, invalid = await _cipher(value), import_module("cryptography.exceptions").InvalidTag
    try:
        plain = cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _PURPOSE)
    except (invalid, ValueError):  # somebody has written here; what is shorter than a nonce is no nonce
        return None
    found = orjson.loads(plain)
    return Held(found["credential"], tuple(found["users"]))
