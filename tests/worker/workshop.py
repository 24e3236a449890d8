"""A worker within the test's own process, made as the real one is, against a real Valkey and the simulated Claude."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import orjson
from arq import ArqRedis
from redis.asyncio import Redis

from app.dev.simulator import serving
from app.dev.simulator.reply import Pace
from app.dev.simulator.rules.buckets import Rates
from app.prices import Prices
from app.settings import Settings
from app.stream import frames
from app.stream.accounts import NO_DEMAND, Demand
from app.stream.frames import Frame
from app.stream.log import Log
from app.stream.queue import Queue
from app.stream.redis.servers import servers
from tests.patience import PATIENCE
from worker.claims.neighbours import client_name
from worker.process import Parts, working

BEAT = 0.005
LIFE_MS = 600_000
MODEL = "claude-sonnet-5"
AT_ONCE = Pace(rate=0, first=0)

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream as it stands."""

    meta: dict[str, bytes]
    frames: list[Frame]

    @property
    def names(self) -> list[str | None]:
        return [frame.name for frame in self.frames]

    @property
    def text(self) -> str:
        """What the newest attempt says."""
        said = ""
        for frame in self.frames:
            data = orjson.loads(frame.data.replace(b"\\ud800", b"?"))
            if frame.name == "relay.reset":
                said = ""
            elif frame.name == "content_block_delta":
                said += data["delta"].get("text", "")
        return said

    @property
    def outcome(self) -> str | None:
        return self.meta["outcome"].decode() if "outcome" in self.meta else None

    def json(self, field: str) -> Any:
        return orjson.loads(self.meta[field])

    def data(self, name: str) -> list[Any]:
        return [orjson.loads(frame.data) for frame in self.frames if frame.name == name]


@dataclass
class Workshop:
    """What a test does from outside: submit, look, wait, cancel."""

    redis: Redis
    claude: str
    settings: Settings

    def __post_init__(self) -> None:
        self.log = Log(self.redis)
        self.queue = Queue(self.redis)

    @asynccontextmanager
    async def worker(self, name: str = "w", *, url: str | None = None, **settings: Any) -> AsyncIterator[Parts]:
        """A worker at work; it leaves its streams behind when the block ends."""
        chosen = replace(self.settings, redis_url=url or self.settings.redis_url, **settings)
        name = f"{name}:{next(_numbers)}"
        both = servers(chosen, client_name(name), ArqRedis)
        try:
            async with working(chosen, both, name, Prices(chosen.prices_file)) as parts:
                yield parts
                parts.pool.stop_taking()
                parts.pool.leave()
                await parts.pool.empty()
        finally:
            await both.aclose()

    async def submit(self, prompt: str, model: str = MODEL, demand: Demand = NO_DEMAND, **fields: str | bytes) -> str:
        stream_id = f"st_{next(_numbers)}"
        body = {"model": model, "max_tokens": 5000, "messages": [{"role": "user", "content": prompt}]}
        meta = {"owner": "me", "request": orjson.dumps(body), "model": model, "on_interrupt": "restart", **fields}
        await self.log.open(stream_id, meta)
        await self.queue.submit(stream_id, limit=1000, life_ms=LIFE_MS, demand=demand)
        await self.log.keep(stream_id, LIFE_MS)
        return stream_id

    async def run(self, prompt: str, **fields: str | bytes) -> Stream:
        return await self.ended(await self.submit(prompt, **fields))

    async def look(self, stream_id: str) -> Stream:
        """The stream now; its ids must prove themselves."""
        meta = {key.decode(): value for key, value in (await self.redis.hgetall(f"ks:{{{stream_id}}}:meta")).items()}
        raw = await self.redis.get(f"ks:{{{stream_id}}}:log") or b""
        assert frames.follow(raw, *frames.origin(stream_id)) is not None
        return Stream(meta, list(frames.split(raw)))

    async def until(self, stream_id: str, seen: Callable[[Stream], bool]) -> Stream:
        """The stream as soon as it is so."""
        async with asyncio.timeout(PATIENCE):
            while not seen(stream := await self.look(stream_id)):
                await asyncio.sleep(BEAT)
        return stream

    async def ended(self, stream_id: str) -> Stream:
        """The stream with its ending, out of the queue and on the outbox."""
        await self.until(stream_id, lambda stream: stream.meta.get("state") == b"ended")
        await self.eventually(lambda: self._is_out(stream_id))
        return await self.look(stream_id)

    async def eventually(self, ask: Callable[[], Any]) -> Any:
        """The first answer that is true."""
        async with asyncio.timeout(PATIENCE):
            while not (answer := await ask()):
                await asyncio.sleep(BEAT)
        return answer

    async def calls(self, tag: str) -> dict[str, Any]:
        """What the simulated Claude counted under a tag."""
        async with httpx.AsyncClient() as client:
            seen = (await client.get(f"{self.claude}/_sim/calls")).json()
        return dict(seen["tags"].get(tag, {"calls": 0, "open": 0, "closed_early": 0}))

    async def outbox(self, stream_id: str) -> list[dict[str, str]]:
        entries = await self.redis.xrange("ks:{queue}:outbox")
        told = [{key.decode(): value.decode() for key, value in fields.items()} for _, fields in entries]
        return [entry for entry in told if entry["id"] == stream_id]

    async def _is_out(self, stream_id: str) -> bool:
        return not await self.redis.hexists("ks:{queue}:claims", stream_id)


@asynccontextmanager
async def workshop(redis: Redis, url: str, *, rates: Rates | None = None, **settings: Any) -> AsyncIterator[Workshop]:
    async with serving("127.0.0.1", 0, AT_ONCE, rates) as claude:
        chosen = Settings(redis_url=url, anthropic_api_key="any", anthropic_base_url=claude, **settings)
        yield Workshop(redis, claude, chosen)
