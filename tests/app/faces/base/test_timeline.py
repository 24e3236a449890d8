"""`/v1/streams/{id}/timeline`: what happened to an answer, for its owner alone."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from app.intake.sweep import EXPIRED
from app.settings import Settings
from app.stream import keys
from app.stream.endings import Outcome
from app.stream.timeline.noting import keeping
from app.watch.observers import observed
from app.watch.timeline.keeper import Timelines
from tests.app.served import Served, served, until

KEYS = {"alice": "a-key", "bob": "b-key"}
ALICE, BOB = ({"x-api-key": KEYS[name]} for name in ("alice", "bob"))


@pytest.fixture
async def front(redis: Redis, tmp_path: Path) -> AsyncIterator[Served]:
    file = tmp_path / "keys"
    file.write_text("".join(f"{name} {hashlib.sha256(key.encode()).hexdigest()}\n" for name, key in KEYS.items()))
    timelines = Timelines("front")
    with observed(timelines), keeping(timelines):
        async with served(redis, Settings(api_keys_file=str(file))) as front:
            yield front


@pytest.fixture
async def http(front: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=front.url, headers=ALICE) as http:
        yield http


async def submitted(http: httpx.AsyncClient) -> str:
    answer = await http.post("/v1/streams", json={"prompt": "SECRET", "relay": {"ticket": True}})
    assert answer.status_code == 202
    return str(answer.json()["events_url"])


def at(events_url: str) -> str:
    return events_url.partition("/events")[0] + "/timeline"


async def told(http: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer = await http.get(path)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_it_says_what_happened_and_why(front: Served, http: httpx.AsyncClient) -> None:
    first, second = at(await submitted(http)), at(await submitted(http))
    waiting = await told(http, second)
    assert [one["text"] for one in waiting["data"]] == ["submitted; 1 other waited"]
    assert (waiting["state"], waiting["why"]) == ("queued", "it waits in the line, at place 2")
    author = await front.author()
    await author.write(("message_start", {"type": "message_start"}))
    assert (await told(http, first))["why"] == "it runs: it is being answered"
    assert (await http.post(first.replace("timeline", "cancel"))).status_code == 202
    await author.end(Outcome.CANCELLED)
    ended = await told(http, first)
    assert [one["event"] for one in ended["data"]] == ["stream.submitted", "stream.cancel_asked", "stream.ended"]
    assert (ended["state"], ended["why"], ended["left_out"]) == ("ended", "cancelled: a client asked to cancel it", 0)
    assert "SECRET" not in str(ended)


async def test_what_waited_too_long_says_so(front: Served, http: httpx.AsyncClient) -> None:
    path = at(await submitted(http))
    await front.front.streams.end_waiting(path.split("/")[3], Outcome.EXPIRED, EXPIRED)
    ended = await told(http, path)
    assert [one["event"] for one in ended["data"]] == ["stream.submitted", "stream.ended"]
    assert ended["why"] == f"expired: {EXPIRED['message']}"


async def test_readers_are_told_by_the_next_beat(front: Served, http: httpx.AsyncClient) -> None:
    """Also when nobody reads any more by then."""
    events_url = await submitted(http)
    async with http.stream("GET", events_url) as answer:
        assert answer.status_code == 200
        await until(lambda: bool(front.hub.readers))
    await until(lambda: not front.hub.readers)
    await front.beat.look()
    data = (await told(http, at(events_url)))["data"]
    assert [one["text"] for one in data[1:]] == ["1 reader came", "1 reader left before its end"]


async def test_another_owners_is_none_and_no_ticket_opens_it(http: httpx.AsyncClient) -> None:
    events_url = await submitted(http)
    ticket = "?" + events_url.partition("?")[2]
    nowhere = f"/v1/streams/st_{'0' * 32}/timeline"
    foreign, unknown = [await http.get(path, headers=BOB) for path in (at(events_url), nowhere)]
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.json()["error"] == unknown.json()["error"]
    del http.headers["x-api-key"]
    assert [(await http.get(at(events_url) + asked)).status_code for asked in ("", ticket)] == [401, 401]


async def test_it_is_gone_with_the_stream(front: Served, redis: Redis, http: httpx.AsyncClient) -> None:
    path = at(await submitted(http))
    author = await front.author()
    await author.end(Outcome.COMPLETED)
    await redis.delete(keys.log(author.stream_id), keys.meta(author.stream_id))
    assert (await http.get(path)).status_code == 410
