"""The keys of tokens, from the address where their issuer shows them.

The rule: no request waits for longer than one question may take, no token has more than one question asked in
`ANEW_SECONDS`, and while there is no answer the keys that are known go on. Who has none at its start does not start:
nobody with a token could come in, and an address that is wrong is to be found then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx

from app.access.identity.jwk_set import NAME, SET_BYTES_MAX, JwkSet, jwks_of
from app.access.reloading import Outcome
from app.environment import is_loopback
from app.settings import SettingsError, unusable
from app.stream.concurrency.tasks import Supervised, end
from app.stream.observing import tell
from app.watch.events.of_processes import TokenKeysReloaded

# Between two questions for the sake of keys that are not known, and while none are.
ANEW_SECONDS = 10.0
# So long a key that its issuer shows no more may go on.
KEPT_SECONDS = 600.0
# A question and its answer.
FETCH_SECONDS = 5.0
OK = 200


class _NoAnswerError(Exception):
    """Its words are ours."""


class RemoteKeys:
    """The set at `url`. Raises `SettingsError` where the variables for proxies and certificates cannot be used."""

    def __init__(self, url: str) -> None:
        self.keys = JwkSet()
        self._url = httpx.URL(url)
        try:
            self._http = httpx.AsyncClient(
                # A small answer that is packed may be a large one.
                headers={"accept": "application/jwk-set+json, application/json", "accept-encoding": "identity"},
                timeout=FETCH_SECONDS,
                follow_redirects=False,  # who is trusted has one address
                trust_env=not is_loopback(self._url.host),
            )
        except (OSError, ValueError, ImportError, httpx.InvalidURL) as error:
            raise unusable(error) from None
        self._asked: asyncio.Task[None] | None = None
        self._anew_at = float("-inf")
        self._told: TokenKeysReloaded | None = None
        self.tasks = (Supervised("jwks", self._keep),)

    async def aclose(self) -> None:
        if self._asked is not None:
            await end(self._asked)
        await self._http.aclose()

    async def fitting(self, kid: str | None, algorithm: str) -> Sequence[Any]:
        """The keys that a token with this header may be signed with; those that are not known are asked for."""
        found = self.keys.fitting(kid, algorithm)
        if not found and not self.keys.knows(kid) and await self.anew():
            found = self.keys.fitting(kid, algorithm)
        return found

    async def anew(self) -> bool:
        """Whether the keys were asked for: not where they have just been."""
        now = asyncio.get_running_loop().time()
        if self._asked is None or self._asked.done():
            if now - self._anew_at < ANEW_SECONDS:
                return False
            self._anew_at = now
        await self._ask()
        return True

    async def look(self) -> None:
        """Asks for the keys at a start. Raises `SettingsError` where there are none to be had."""
        await self.anew()
        if not self.keys.keys:
            why = self._told.why if self._told is not None else f"{self._url.host}: no answer"
            raise SettingsError(f"{NAME}: there are no keys to be had: {why.removeprefix(f'{NAME}: ')}")

    async def _keep(self) -> None:
        if self.keys.keys:
            await asyncio.sleep(KEPT_SECONDS)
        while True:
            await self._ask()
            await asyncio.sleep(KEPT_SECONDS if self.keys.keys else ANEW_SECONDS)

    async def _ask(self) -> None:
        """One question for all who want to know; it goes on when they leave."""
        if self._asked is None or self._asked.done():
            self._asked = asyncio.create_task(self._fetch(), name="jwks: a question")
        await asyncio.shield(self._asked)

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                text = await self._read()
            # Not in the loop: a thousand keys take some time.
            self.keys = await asyncio.to_thread(jwks_of, text)
        except TimeoutError:
            self._tell(Outcome.UNREADABLE, f"no answer within {FETCH_SECONDS:g} s")
        except _NoAnswerError as error:
            self._tell(Outcome.UNREADABLE, str(error))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            self._tell(Outcome.UNREADABLE, f"no answer ({type(error).__name__})")
        except SettingsError as error:
            self._tell(Outcome.MALFORMED, str(error))
        else:
            self._tell(Outcome.TAKEN)

    async def _read(self) -> str:
        async with self._http.stream("GET", self._url) as answer:
            if answer.status_code != OK:
                raise _NoAnswerError(f"the answer has status {answer.status_code}")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise _NoAnswerError("the answer is packed, which was not asked for")
            told = bytearray()
            async for part in answer.aiter_raw():
                told += part
                if len(told) > SET_BYTES_MAX:
                    raise _NoAnswerError(f"the answer is larger than {SET_BYTES_MAX} bytes")
        return told.decode("utf-8", "replace")

    def _tell(self, outcome: Outcome, why: str = "") -> None:
        """What came of it, where it is something else than the last time."""
        event = TokenKeysReloaded(outcome, len(self.keys.keys), f"{self._url.host}: {why}" if why else "")
        if event != self._told:
            self._told = event
            tell(event)
