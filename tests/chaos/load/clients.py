"""What clients of the other faces see of one answer each: of `/v1/messages` and of `/api/chat`.

A `Face` is told the answer it has to show and asks for it as its clients do: once where a client has no way to come
back, and again and again where it has. Raises `ViolationError` for what no client may see.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx

from tests.chaos.load.asks import Ask
from tests.harness.reader import ViolationError

PAUSE_SECONDS = 0.1
SILENCE_SECONDS = 40.0
Url = Callable[[str], str]


async def ask_messages(http: httpx.AsyncClient, url: Url, ask: Ask, rng: random.Random) -> str | None:
    """Over `/v1/messages`, streaming. Returns the stream's id; None where none was made, or nobody knows."""
    headers = {"idempotency-key": f"{ask.tag}-{rng.random()}", "anthropic-version": "2023-06-01"}
    body = {
        "model": "claude-sonnet-5",
        "max_tokens": 64_000,
        "stream": True,
        "messages": [{"role": "user", "content": ask.text}],
    }
    names: list[str] = []
    parts: list[str] = []
    stream_id: str | None = None
    try:
        async with http.stream(
            "POST", url("/v1/messages"), json=body, headers=headers, timeout=SILENCE_SECONDS
        ) as answer:
            stream_id = answer.headers.get("x-keepstream-id")
            if answer.status_code != httpx.codes.OK:
                await answer.aread()
                return stream_id
            async for name, data in _events(answer):
                if names and names[-1] in ("message_stop", "error"):
                    raise ViolationError(f"{stream_id}: {name} follows {names[-1]}")
                names.append(name)
                if name == "content_block_delta" and data["delta"]["type"] == "text_delta":
                    parts.append(data["delta"]["text"])
    except httpx.TransportError:
        return stream_id
    if any(name.startswith("relay.") for name in names):
        raise ViolationError(f"{stream_id}: events of ours on /v1/messages")
    if names.count("message_start") > 1:
        raise ViolationError(f"{stream_id}: {names.count('message_start')} times message_start on /v1/messages")
    if "message_stop" not in names and "error" not in names:
        raise ViolationError(f"{stream_id}: /v1/messages ended with neither message_stop nor error, after {names[-3:]}")
    said = "".join(parts)
    if not ask.expected.startswith(said) or ("message_stop" in names and said != ask.expected):
        raise ViolationError(f"{stream_id}: another text on /v1/messages, ended by {names[-1]}: {said[-80:]!r}")
    return stream_id


async def _events(answer: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    """Name and data of each event but pings."""
    async for block in _blocks(answer):
        head, _, data = block.partition(b"\ndata: ")
        if head.startswith(b"event: ") and head != b"event: ping":
            yield head[7:].decode(), json.loads(data)  # a lone surrogate is valid JSON, which orjson refuses


async def _blocks(answer: httpx.Response) -> AsyncIterator[bytes]:
    """What stands between blank lines. Bytes: a text's own line ends are of more kinds than the wire's."""
    rest, looked = bytearray(), 0
    async for data in answer.aiter_bytes():
        rest += data
        while (end := rest.find(b"\n\n", looked)) >= 0:
            yield bytes(rest[:end])
            del rest[: end + 2]
            looked = 0
        looked = max(len(rest) - 1, 0)


class Chat:
    """One message to a chat of its own, over `/api/chat`: cut off or leaving, it resumes until it has the whole."""

    def __init__(self, http: httpx.AsyncClient, url: Url, ask: Ask, rng: random.Random) -> None:
        self.stream_id: str | None = None
        self.done = False
        self._http, self._url, self._ask, self._rng = http, url, ask, rng
        self._id = f"chat {ask.tag}/{rng.random()}"

    async def run(self) -> None:
        while self.stream_id is None:
            await self._look(self._send())
            await asyncio.sleep(PAUSE_SECONDS)
        while not self.done:
            path = str(httpx.URL("http://x", path=f"/api/chat/{self._id.replace('/', '%2F')}/stream").raw_path, "ascii")
            await self._look(self._http.build_request("GET", self._url(path + "?unseen=1"), timeout=SILENCE_SECONDS))
            await asyncio.sleep(PAUSE_SECONDS)

    def _send(self) -> httpx.Request:
        message = {"id": "m1", "role": "user", "parts": [{"type": "text", "text": self._ask.text}]}
        body = {"id": self._id, "messages": [message], "trigger": "submit-message"}
        # It may have been accepted although its answer was lost: the same key finds the same stream.
        headers = {"idempotency-key": f"chat-{self._ask.tag}"}
        return self._http.build_request(
            "POST", self._url("/api/chat"), json=body, headers=headers, timeout=SILENCE_SECONDS
        )

    async def _look(self, request: httpx.Request) -> None:
        """One answer, as far as it gets; one in two clients leaves it after a while."""
        stay = self._rng.uniform(0.05, 2) if self._rng.random() < 0.5 else SILENCE_SECONDS
        try:
            async with asyncio.timeout(stay):
                answer = await self._http.send(request, stream=True)
                try:
                    await self._take(answer)
                finally:
                    await answer.aclose()
        except (httpx.TransportError, TimeoutError):
            return

    async def _take(self, answer: httpx.Response) -> None:
        if answer.status_code == httpx.codes.NO_CONTENT:
            self.done = True
            return
        if answer.status_code != httpx.codes.OK:
            await answer.aread()
            if answer.status_code < 500 and answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                raise ViolationError(f"{self.stream_id}: /api/chat answers {answer.status_code} {answer.text[:200]}")
            return
        said = finished = ""
        async for block in _blocks(answer):
            if block == b"data: [DONE]":
                self.done = True
                break
            if block.startswith(b"data: "):
                chunk = json.loads(block[6:])
                said = self._said_with(said, chunk)
                finished = chunk.get("finishReason", "")
        if self.done and finished in ("stop", "length") and said != self._ask.expected:
            raise ViolationError(f"{self.stream_id}: a part of the text for the whole on /api/chat: {said[-80:]!r}")

    def _said_with(self, said: str, chunk: dict[str, Any]) -> str:
        match chunk["type"]:
            case "start":
                self.stream_id = chunk["messageMetadata"]["streamId"]
            case "reset-step":
                return ""
            case "text-delta":
                said += chunk["delta"]
                if not self._ask.expected.startswith(said):
                    raise ViolationError(f"{self.stream_id}: another text on /api/chat: {said[-80:]!r}")
        return said
