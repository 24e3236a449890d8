"""What passes straight through: the calls of the Claude API that are one short question and one answer.

The rule: what the client says goes up and what the Claude API answers comes down, as bytes; only the key is ours.
Nothing is retried here, because clients do that themselves; a call ends within `CALL_SECONDS`, and an answer is of
`REPLY_BYTES` at the most, or is none. The SDK would cost every front a second to start and 57 MB, for answers that
nobody here looks into. Streams never come this way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import httpx

from app.settings import unusable
from app.stream.errors import KeepstreamError
from app.stream.observing import tell
from app.watch.events import of_fronts

BASE_URL = "https://api.anthropic.com"
CONNECT_SECONDS = 10.0
CALL_SECONDS = 60.0
# Calls under way at once; the others wait in line.
CONNECTIONS = 100
# A page of a thousand models has half a MiB.
REPLY_BYTES = 4 * 1024 * 1024
# A gateway of one's own may hold the key; the API's clients always send one.
NO_KEY = "none"
KEY_REFUSED = frozenset({401, 403})
# How far down the cause of an error is looked for.
DEPTH = 10

UP = ("anthropic-version", "anthropic-beta", "content-type", "accept")
# The last one is the simulated Claude's: a page marks itself by it.
_DOWN = ("content-type", "request-id", "retry-after", "retry-after-ms", "x-should-retry", "x-keepstream-simulated")
_DOWN_PREFIX = "anthropic-ratelimit-"


class UnreachableError(KeepstreamError):
    """The upstream's fault, or the network's: there is no answer."""

    def __init__(self, message: str, *, timed_out: bool) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class UnaskableError(KeepstreamError):
    """The client's fault: what it asks with cannot be written into a request."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Upstream:
    """The Claude API's short calls, over connections of this front. Nothing is contacted before the first one.

    Raises `SettingsError` where the variables that name proxies and certificates cannot be used.
    """

    def __init__(self, api_key: str | None, base_url: str | None) -> None:
        try:
            self._http = httpx.AsyncClient(
                base_url=base_url or BASE_URL,
                # A small answer that is packed may be a large one.
                headers={"authorization": f"Bearer {api_key or NO_KEY}", "accept-encoding": "identity"},
                timeout=httpx.Timeout(CALL_SECONDS, connect=CONNECT_SECONDS),
                follow_redirects=False,  # the key goes nowhere else
                limits=httpx.Limits(max_connections=CONNECTIONS),
            )
        except (OSError, ValueError, ImportError, httpx.InvalidURL) as error:
            raise unusable(error) from None
        self._at = self._http.base_url.host

    async def aclose(self) -> None:
        await self._http.aclose()

    async def ask(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        """One call; of `headers`, those of `UP` are meant. Raises `UnreachableError` and `UnaskableError`."""
        try:
            async with asyncio.timeout(CALL_SECONDS):
                # As bytes: a header is what the client said, whatever letters it has.
                sent = {name.encode(): value.encode("latin-1", "replace") for name, value in headers.items()}
                target = f"{path}?{query}" if query else path
                async with self._http.stream(method, target, headers=sent, content=body or None) as answer:
                    told = await _read(answer)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise self._unreachable("the Claude API cannot be reached in time", error, timed_out=True) from None
        except httpx.InvalidURL:
            raise UnaskableError("the query is none that can be sent on") from None
        except httpx.HTTPError as error:
            raise self._unreachable("the Claude API cannot be reached", error, timed_out=False) from None
        if answer.status_code in KEY_REFUSED:
            tell(of_fronts.UpstreamKeyRefused(self._at, answer.status_code))
        kept = {n: v for n, v in answer.headers.items() if n in _DOWN or n.startswith(_DOWN_PREFIX)}
        return Reply(answer.status_code, kept, told)

    def _unreachable(self, message: str, error: BaseException, *, timed_out: bool) -> UnreachableError:
        """Tells the log what lies beneath: its class, never its words, which may hold a proxy's password."""
        causes = list(_chain(error))
        tell(of_fronts.UpstreamUnreachable(self._at, type(causes[-1]).__name__))
        return UnreachableError(message, timed_out=timed_out)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(DEPTH):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


async def _read(answer: httpx.Response) -> bytes:
    """The bytes of an answer. Raises `UnreachableError` for one that nobody should hold."""
    told = bytearray()
    if answer.headers.get("content-encoding", "identity") == "identity":
        async for part in answer.aiter_raw():
            told += part
            if len(told) > REPLY_BYTES:
                break
        else:
            return bytes(told)
    raise UnreachableError("the Claude API's answer is larger than any that could be meant", timed_out=False)
