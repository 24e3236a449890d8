"""Saved calls: who asks the same is given the same, without a call, on every face and front."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from app.stream import frames
from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.harness.reader import Sight, watch
from tests.patience import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = "claude-sonnet-5"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[Api]:
    async with Cluster(workers=2, lease_seconds=1.0, cache_bytes=20_000) as cluster:
        api = Api(cluster)
        yield api
        await api.close()


async def calls(api: Api, tag: str) -> dict[str, Any]:
    found: dict[str, Any] = (await api.http.get(f"{api.cluster.claude_url}/_sim/calls")).json()["tags"]
    return found.get(tag, {"calls": 0})


def said(log: bytes) -> list[tuple[str | None, bytes]]:
    """The upstream's part of it."""
    return [(one.name, one.data) for one in frames.split(log) if not str(one.name).startswith("relay.")]


async def test_the_same_again_is_the_same_answer_with_ids_of_its_own_for_nothing(api: Api) -> None:
    prompt = "[[sim: tokens=50 tag=again]] Tell me"
    first = await api.submit(prompt, cache=60)
    await api.see(first)
    second = await api.submit(prompt, cache=60)
    sight, shown, before = await api.see(second), await api.show(second), await api.show(first)
    assert sight.end is not None
    assert said(await api.log(second)) == said(await api.log(first))
    for told in (sight.end, shown):
        assert (told["cached_from"], told["cost_usd"], told["outcome"]) == (first, 0, "completed")
    assert (shown["calls"], shown["message"]) == ([], before["message"])
    assert "cached_from" not in before
    assert (await calls(api, "again"))["calls"] == 1


async def test_messages_are_saved_too(api: Api) -> None:
    asked = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": "[[sim: tokens=5 tag=sdk]]"}]}
    answers = [
        (await api.call("POST", "/v1/messages", json=asked | {"relay": {"cache": 60}}, headers=headers)).json()
        for headers in ({}, {}, {"anthropic-beta": "other"})
    ]
    assert answers[0] == answers[1] != answers[2]
    assert (await calls(api, "sdk"))["calls"] == 2


async def test_the_saved_dollars_stand_in_the_usage(api: Api) -> None:
    usage = json.loads((await api.call("GET", "/v1/usage")).content)
    assert usage["total"]["saved_usd"] > 0


async def test_who_does_not_ask_for_it_is_given_none(api: Api) -> None:
    prompt = "[[sim: tokens=5 tag=plain]]"
    for relay in ({}, {"cache": 60}, {}):
        await api.see(await api.submit(prompt, **relay))
    assert (await calls(api, "plain"))["calls"] == 3


async def test_a_full_cache_forgets_what_was_not_used_for_longest(api: Api) -> None:
    prompts = [f"[[sim: tokens=60 tag=full-{n}]]" for n in range(4)]
    for prompt in (*prompts, prompts[-1], prompts[0]):
        await api.see(await api.submit(prompt, cache=60))
    assert (await calls(api, "full-3"))["calls"] == 1
    assert (await calls(api, "full-0"))["calls"] == 2


async def test_two_at_once_are_one_call_and_the_second_sees_it_from_its_first_byte(api: Api) -> None:
    prompt = "[[sim: tokens=200 rate=100 first=0 tag=two]]"
    first = await api.submit(prompt, cache=60)
    second = await api.submit(prompt, cache=60)
    sights = await asyncio.gather(api.see(first), api.see(second))
    assert said(await api.log(second)) == said(await api.log(first))
    shown = [await api.show(stream) for stream in (first, second)]
    leader = next(one for one in shown if "shared_with" not in one)
    follower = next(one for one in shown if "shared_with" in one)
    assert (follower["shared_with"], follower["cost_usd"], follower["calls"]) == (leader["id"], 0, [])
    assert (leader["cost_usd"] > 0, len(leader["calls"])) == (True, 1)
    assert {sight.end["outcome"] for sight in sights if sight.end is not None} == {"completed"}
    assert (await calls(api, "two"))["calls"] == 1


async def test_a_worker_that_is_killed_in_it_leaves_both_with_a_whole_answer(api: Api) -> None:
    prompt = "[[sim: tokens=300 rate=150 first=0 tag=killed]]"
    streams = [await api.submit(prompt, cache=60) for _ in range(4)]
    sights = [Sight(stream) for stream in streams]
    watching = asyncio.gather(*(watch(sight, lambda: api.port) for sight in sights))
    async with asyncio.timeout(PATIENCE):
        while not all(len(sight.seen) > 2000 for sight in sights):
            await asyncio.sleep(0.01)
    api.cluster.workers[0].send(signal.SIGKILL)
    await watching
    assert {sight.end["outcome"] for sight in sights if sight.end is not None} == {"completed"}
    assert len({tuple(said(await api.log(stream))[-20:]) for stream in streams}) == 1
    assert (await calls(api, "killed"))["calls"] <= 2


async def test_the_first_is_cancelled_and_the_second_misses_nothing(api: Api) -> None:
    prompt = "[[sim: tokens=300 rate=100 first=0 tag=cancelled]]"
    first = await api.submit(prompt, cache=60)
    sight = Sight(first)
    watching = asyncio.create_task(watch(sight, lambda: api.port))
    async with asyncio.timeout(PATIENCE):
        while not sight.seen:
            await asyncio.sleep(0.01)
    second = Sight(await api.submit(prompt, cache=60))
    following = asyncio.create_task(watch(second, lambda: api.port))
    async with asyncio.timeout(PATIENCE):
        while not second.seen:
            await asyncio.sleep(0.01)
    await api.cancel(first)
    await watching
    assert second.end is None
    await following
    assert sight.end is not None
    assert second.end is not None
    assert (sight.end["outcome"], second.end["outcome"], second.resets) == ("cancelled", "completed", 0)
    counted = await calls(api, "cancelled")
    assert (counted["calls"], counted["closed_early"]) == (1, 0)
