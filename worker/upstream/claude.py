"""The upstream: one call of the Claude Messages API, read as raw bytes.

The only module that knows the anthropic SDK. The rule: the SDK makes the request (address, key, headers, TLS) and never
retries; the body is read as it comes, losslessly; and whatever goes wrong is a `Failure`, carried by `UpstreamError`.
Knows nothing of streams, logs or what a failure leads to.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast
from urllib.parse import parse_qsl

import anthropic
import httpx2
from aiohttp import ClientError

from app.settings import unusable
from app.stream.concurrency.tasks import end
from app.stream.workers.gates import Limit
from app.watch.events.subjects import word
from app.watch.traces import carried
from worker.upstream import failure, limits
from worker.upstream.causes import cause_of
from worker.upstream.failure import UpstreamError
from worker.upstream.request import Request, Upload

# Set by us and not by a variable that happens to stand in the environment.
BASE_URL = "https://api.anthropic.com"
CONNECT_SECONDS = 10.0
# aiohttp's word for "no limit": how many streams run is decided by the pool alone.
NO_LIMIT = 0
# An idle connection saves the next call its handshakes, which are several ways to the API and back. Below the minutes
# after which servers close one: a call must not meet a connection that is being closed.
IDLE_SECONDS = 60.0
# A connection can be used again once its answer's body has ended, which it does right after `message_stop`.
LAST_BYTES_SECONDS = 1.0
EVENT_STREAM = "text/event-stream"
# A gateway of one's own may hold the key; the SDK wants some.
NO_KEY = "none"

_BROKEN = (httpx2.HTTPError, httpx2.StreamError, ClientError, OSError)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's head: the body's bytes, and what it says of the upstream's limits.

    `headers` do not mind the case of their names.
    """

    chunks: AsyncIterator[bytes]
    limits: Sequence[Limit]
    headers: Mapping[str, str]

    @property
    def is_stream(self) -> bool:
        return self.headers.get("content-type", EVENT_STREAM).partition(";")[0].strip().lower() == EVENT_STREAM


class Claude:
    """The client of this process. Raises `SettingsError` where the environment of its connections cannot be used."""

    def __init__(self, api_key: str | None, base_url: str | None) -> None:
        self._sdk = anthropic.AsyncAnthropic(
            api_key=api_key or NO_KEY,
            base_url=base_url or BASE_URL,
            max_retries=0,
            # Silence is the stall timer's to judge; a read timer here would be moved at each event, and pings reset it.
            timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS),
            http_client=_connections(),
        )
        self._ending: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        await end(*self._ending)
        await self._sdk.close()

    @asynccontextmanager
    async def call(self, request: Request) -> AsyncIterator[Answer]:
        """One call; its answer can be read while inside. Raises `UpstreamError`, also while reading.

        Who leaves without an exception has all of the answer; any other is closed at once.
        """
        try:
            async with AsyncExitStack() as stack:
                http = await self._post(request)
                stack.push_async_callback(http.aclose)
                encoded = http.headers.get("content-encoding", "identity") != "identity"
                chunks = http.aiter_bytes() if encoded else http.aiter_raw()
                yield Answer(chunks, limits.read(http.headers, datetime.now(UTC)), http.headers)
                ending = asyncio.create_task(_end(chunks, stack.pop_all()), name="last-bytes")
                self._ending.add(ending)
                ending.add_done_callback(self._ending.discard)
        except anthropic.APIStatusError as error:
            told = failure.of_status(error.status_code, error.response.headers, error.body, error.request_id)
            raise UpstreamError(told) from None
        except (anthropic.APITimeoutError, httpx2.TimeoutException):
            raise UpstreamError(failure.UNREACHABLE) from None
        except (anthropic.APIError, *_BROKEN) as error:
            raise UpstreamError(cause_of(error, self._sdk.base_url.raw_host.decode())) from None

    async def _post(self, request: Request) -> httpx2.Response:
        """The head of the answer. The SDK's own `messages.create` would walk all of the prompt, at the loop's cost."""
        upload = Upload(request.body)
        options: anthropic.RequestOptions = {
            # Compression would hold back events and cost time.
            "headers": {**request.headers, "accept-encoding": "identity", "content-length": str(upload.size)},
            "params": dict(parse_qsl(request.query, keep_blank_values=True)),
        }
        head = await self._sdk.post(
            "/v1/messages",
            cast_to=httpx2.Response,
            content=upload,
            options=options | _span(request.model) if carried.is_on() else options,
            stream=True,
            stream_cls=anthropic.AsyncStream[object],
        )
        return cast("httpx2.Response", head)  # as `cast_to` asks for


def _span(model: str) -> anthropic.RequestOptions:
    """What makes the SDK record its span, as `messages.create` has it, which would say it of a body that it has read.

    The options that its own methods set are not in the type of those that callers set.
    """
    attributes = {"gen_ai.request.model": word(model), "gen_ai.request.stream": True}
    span = {"span_name": "anthropic.messages.create", "span_route": "/v1/messages", "span_attributes": attributes}
    return cast("anthropic.RequestOptions", span)


def _connections() -> httpx2.AsyncClient:
    """As the SDK makes them: by the variables that name proxies and certificates. Raises `SettingsError`."""
    limits = httpx2.Limits(max_connections=NO_LIMIT, keepalive_expiry=IDLE_SECONDS)
    try:
        return anthropic.DefaultAioHttpClient(limits=limits)
    except (OSError, ValueError, httpx2.InvalidURL) as error:
        raise unusable(error) from None


async def _end(chunks: AsyncIterator[bytes], response: AsyncExitStack) -> None:
    """Lets a body end whose message is complete, so that its connection can be used again. Nobody waits for it."""
    with suppress(TimeoutError, anthropic.APIError, *_BROKEN):
        async with response, asyncio.timeout(LAST_BYTES_SECONDS):
            async for _ in chunks:
                pass
