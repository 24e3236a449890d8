"""Which prompts may be given a saved answer, what makes two of them the same, and what is promised for one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.saved.saved_calls import Wanted
from tests.app.served import Served, limited_front
from tests.patience import PATIENCE

MODEL = "claude-sonnet-4-5"
ASKED = {"model": MODEL, "max_tokens": 1000, "messages": [{"role": "user", "content": "hi"}]}
CACHE = {"relay": {"cache": 60}}


@dataclass
class House:
    served: Served
    redis: Redis
    http: httpx.AsyncClient

    async def post(self, body: dict[str, Any], path: str = "/v1/streams", **headers: str) -> dict[str, bytes]:
        """The meta of the stream that this makes."""
        before = set(await self.redis.keys("ks:{st_*:meta"))
        asking = asyncio.create_task(self.http.post(self.served.url + path, json=body, headers=headers))
        async with asyncio.timeout(PATIENCE):
            while not (
                keys_made := set(await self.redis.keys("ks:{st_*:meta")) - before
            ):  # /v1/messages waits for content
                assert not asking.done() or asking.result().is_success
                await asyncio.sleep(0.005)
        asking.cancel()
        [made] = keys_made
        found: dict[bytes, bytes] = await self.redis.hgetall(made)  # type: ignore[misc]  # redis-py's types mix both clients
        return {name.decode(): value for name, value in found.items()}


Make = Callable[[str], AbstractAsyncContextManager[House]]


@pytest.fixture
def house(redis: Redis, tmp_path: Path) -> Make:
    @asynccontextmanager
    async def make(limits: str) -> AsyncIterator[House]:
        async with limited_front(redis, tmp_path, limits, MODEL) as (front, http):
            yield House(front, redis, http)

    return make


async def test_the_same_request_is_the_same_whatever_is_said_beside_it(house: Make) -> None:
    async with house("[default]\n") as front:
        one = await front.post(ASKED | CACHE)
        assert one["cache"] == b"60"
        for body, headers in (
            (dict(reversed(ASKED.items())) | CACHE, {}),
            (ASKED | {"relay": {"cache": 5, "on_interrupt": "fail", "abandon_after": 9}, "stream": True}, {}),
            (ASKED | CACHE, {"x-request-id": "r"}),
            ({"prompt": "hi"} | CACHE, {}),
        ):
            assert (await front.post(body, **headers))["cache_key"] == one["cache_key"]
        for body, headers in (
            (ASKED | {"temperature": 0.5} | CACHE, {}),
            (ASKED | {"max_tokens": 999} | CACHE, {}),
            (ASKED | CACHE, {"anthropic-beta": "b"}),
            (ASKED | CACHE, {"anthropic-version": "2023-06-01"}),
        ):
            assert (await front.post(body, **headers))["cache_key"] != one["cache_key"]


@pytest.mark.parametrize("limits", ["[default]\n", "[default]\ncache = 30\n"])
async def test_who_does_not_say_is_saved_where_the_limits_say_so(house: Make, limits: str) -> None:
    async with house(limits) as front:
        for body, path in ((ASKED, "/v1/streams"), (ASKED | {"stream": True}, "/v1/messages")):
            assert (await front.post(body, path)).get("cache") == (b"30" if "cache" in limits else None)
        assert "cache" not in await front.post(ASKED | {"relay": {"cache": 0}})
        assert (await front.post(ASKED | {"relay": {"cache": 40}}))["cache"] == b"40"


async def test_nothing_is_promised_for_an_answer_that_is_there(house: Make) -> None:
    async with house("[default]\nusd_per_day = 0.02\n") as front:
        first = await front.post(ASKED | CACHE)
        [account] = await front.redis.keys("ks:{queue}:account:*[0-9a-f]")
        promised = int(await front.redis.hget(account, "reserved"))  # type: ignore[misc]  # redis-py's types mix both clients
        assert promised > 0
        assert "unreserved" not in first
        wanted = Wanted(first["cache_key"].decode(), 60)
        await front.served.front.saved.keep(wanted, "st_first", b"frames")
        for _ in range(3):  # for each of which there would be no room
            assert int((await front.post(ASKED | CACHE))["unreserved"]) == promised
        assert int(await front.redis.hget(account, "reserved")) == promised  # type: ignore[misc]  # redis-py's types mix both clients
        assert await front.redis.exists(keys.running(wanted.digest)) == 0
