"""A plain client of a cluster's HTTP: one call, one answer, nothing repeated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from app.stream import frames, keys
from tests.harness.cluster import Cluster
from tests.harness.reader import Sight, watch
from tests.patience import PATIENCE


class Api:
    """Speaks to a front of a cluster, by default to the first."""

    def __init__(self, cluster: Cluster, front: int = 0, key: str = "") -> None:
        self.cluster = cluster
        self.front = front
        self.http = httpx.AsyncClient(timeout=PATIENCE, headers={"x-api-key": key} if key else None)

    async def close(self) -> None:
        await self.http.aclose()

    @property
    def port(self) -> int:
        return self.cluster.front_proxies[self.front].port

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return await self.http.request(method, f"http://127.0.0.1:{self.port}{path}", **options)

    async def submit(self, text: str, *, key: str | None = None, **relay: Any) -> str:
        """Submits a prompt that must be accepted; returns the stream's id."""
        body: dict[str, Any] = {"prompt": text} | ({"relay": relay} if relay else {})
        answer = await self.call("POST", "/v1/streams", json=body, headers={"idempotency-key": key} if key else None)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        return str(answer.json()["id"])

    async def show(self, stream_id: str) -> dict[str, Any]:
        answer = await self.call("GET", f"/v1/streams/{stream_id}")
        assert answer.status_code == httpx.codes.OK, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def cancel(self, stream_id: str) -> httpx.Response:
        return await self.call("POST", f"/v1/streams/{stream_id}/cancel")

    async def events(self, stream_id: str, after: str = "", **options: Any) -> httpx.Response:
        """One whole answer of `…/events`."""
        headers: Mapping[str, str] = {"last-event-id": after} if after else {}
        return await self.call("GET", f"/v1/streams/{stream_id}/events", headers=headers, **options)

    async def see(self, stream_id: str) -> Sight:
        """What a reader sees who stays to the ending, every byte checked."""
        sight = Sight(stream_id)
        await watch(sight, lambda: self.port)
        return sight

    async def log(self, stream_id: str) -> bytes:
        """The log itself, whole, from Redis."""
        return bytes(await self.cluster.streams.get(keys.log(stream_id)) or b"")


def body_of(answer: httpx.Response) -> bytes:
    """The frames of an answer: what follows its opening block and what a front put before them."""
    blocks = answer.content.split(b"\n\n")
    return b"".join(block + b"\n\n" for block in blocks if b"\nid: " in block)


def names_of(log: bytes) -> list[str | None]:
    return [frame.name for frame in frames.split(log)]
