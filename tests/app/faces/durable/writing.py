"""Durable Streams' writing, as far as their tests of reading need it: logs as a worker writes them, by their requests.

The rule: what is read is a log of ours as any. What they send as JSON is an event each; of what else they send, an
event has the bytes as a JSON string. A stream that they close has its `relay.end`, as each of ours has.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import orjson
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.stream.endings import Outcome, end_data
from app.stream.frames import Position, encode, encode_json, origin
from app.stream.log import Claim, Log, Status

LIFE_MS = 600_000
JSON = "application/json"


@dataclass
class Written:
    """A running stream, and its holder's hand."""

    log: Log
    claim: Claim
    type: str
    position: Position
    closed: bool = False

    @classmethod
    async def begin(cls, redis: Redis, content_type: str, owner: str = "anonymous") -> Self:
        log, claim = Log(redis), Claim(f"st_{secrets.token_hex(16)}", 1, "author/1")
        await log.open(claim.stream_id, {"owner": owner, "attempt": "1"})
        await log.keep(claim.stream_id, LIFE_MS)
        await log.begin(claim)
        return cls(log, claim, content_type, origin(claim.stream_id))

    @property
    def id(self) -> str:
        return self.claim.stream_id

    def messages(self, body: bytes) -> list[bytes]:
        if self.type.partition(";")[0].strip().lower() != JSON:
            return [orjson.dumps(body.decode("latin-1"))] if body else []
        found = orjson.loads(body) if body else []
        return [orjson.dumps(one) for one in (found if isinstance(found, list) else [found])]

    async def write(self, data: Iterable[bytes], *, close: bool = False) -> None:
        raw, position = b"", self.position
        for one in data:
            frame, *after = encode(b"told", one, *position)
            raw, position = raw + frame, Position(*after)
        if close:
            frame, position = encode_json("relay.end", end_data(Outcome.COMPLETED, attempts=1), position)
            raw += frame
        life = LIFE_MS if close else None
        fields: dict[str, str | bytes | int] = {"outcome": "completed"} if close else {"content": "1"}
        appended = await self.log.append(self.claim, self.position.offset, raw, fields, life)
        assert appended.status is Status.OK
        self.position, self.closed = position, close


def writer(redis: Redis) -> Starlette:
    """Creates, appends, closes and deletes. Who writes wrongly is not refused: that is no part of reading."""
    streams: dict[str, Written] = {}

    one_by_one = asyncio.Lock()

    async def write(request: Request) -> Response:
        body = await request.body()
        async with one_by_one:
            return await written(request, body)

    async def written(request: Request, body: bytes) -> Response:
        path = request.url.path
        close = request.headers.get("stream-closed", "").lower() == "true"
        if request.method == "DELETE":
            return Response(status_code=204 if streams.pop(path, None) else 404)
        created = path not in streams
        if created:
            if request.method == "POST":
                return Response(status_code=404)
            streams[path] = await Written.begin(redis, request.headers.get("content-type", "application/octet-stream"))
        stream = streams[path]
        if (body or close) and not stream.closed and (created or request.method == "POST"):
            await stream.write(stream.messages(body), close=close)
        headers = {"x-stream-id": stream.id, "x-stream-type": stream.type, "stream-next-offset": stream.position.id}
        return Response(status_code=201 if created else 204, headers=headers)

    return Starlette(routes=[Route("/{path:path}", write, methods=["PUT", "POST", "DELETE"])])
