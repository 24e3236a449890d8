"""`POST /v1/streams?wait=`: the answer in one call where it comes in time, and else 202 as ever."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from app.fanout.drain import send_all_away
from app.intake.relay import WAIT_SECONDS_MAX
from app.stream.endings import Outcome
from app.stream.log import State
from tests.app.served import Author, Served, limited_front, until
from tests.patience import PATIENCE

BODY: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
MESSAGE = {"id": "msg_1", "type": "message", "content": [{"type": "text", "text": "Hello"}]}
START = ("message_start", {"type": "message_start", "message": MESSAGE | {"content": []}})
LONG, SHORT = "100", "0.05"


@pytest.fixture
async def http(front: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=front.url, timeout=PATIENCE) as made:
        yield made


@contextlib.asynccontextmanager
async def waiting(
    http: httpx.AsyncClient, front: Served, wait: str = LONG, **asked: Any
) -> AsyncIterator[tuple[asyncio.Task[httpx.Response], Author]]:
    """A call that waits, and the worker's side of its stream."""
    task = asyncio.create_task(http.post("/v1/streams", params={"wait": wait}, **{"json": BODY, **asked}))
    author = await front.author()
    await until(lambda: front.hub.known(author.stream_id))
    yield task, author
    task.cancel()


async def end(author: Author, outcome: Outcome = Outcome.COMPLETED, **fields: Any) -> None:
    await author.end(outcome, message=MESSAGE, **fields)


def is_accepted(answer: httpx.Response, author: Author) -> bool:
    path = f"/v1/streams/{author.stream_id}"
    urls = {"events_url": f"{path}/events", "cancel_url": f"{path}/cancel"}
    return answer.status_code == 202 and answer.json() == {"id": author.stream_id, "state": "queued"} | urls


async def test_who_waits_is_told_what_a_look_at_the_stream_tells(front: Served, http: httpx.AsyncClient) -> None:
    async with waiting(http, front) as (task, author):
        await author.write(START)
        assert not task.done()
        await end(author, cost_usd=0.5)
        answer = await task
    assert answer.status_code == 200
    shown = await http.get(f"/v1/streams/{author.stream_id}")
    assert answer.json() == shown.json()
    assert answer.json()["message"] == MESSAGE
    assert answer.headers["location"] == f"/v1/streams/{author.stream_id}"
    assert answer.headers["x-keepstream-cost-usd"] == "0.5"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert not front.hub.tails


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.CANCELLED, Outcome.EXPIRED])
async def test_an_ending_is_an_ending_whatever_it_is(front: Served, http: httpx.AsyncClient, outcome: Outcome) -> None:
    error = None if outcome is Outcome.CANCELLED else {"type": "overloaded_error", "message": "too much"}
    async with waiting(http, front) as (task, author):
        await author.end(outcome, error=error)
        answer = await task
    assert (answer.status_code, answer.json()["outcome"], answer.json().get("error")) == (200, outcome, error)


async def test_who_has_waited_long_enough_is_told_as_ever(front: Served, http: httpx.AsyncClient) -> None:
    async with waiting(http, front, SHORT) as (task, author):
        await author.write(START)
        answer = await task
    assert is_accepted(answer, author)
    assert answer.headers["location"] == f"/v1/streams/{author.stream_id}"
    assert not front.hub.tails
    await end(author)
    assert (await http.get(f"/v1/streams/{author.stream_id}")).json()["message"] == MESSAGE


@pytest.mark.parametrize(
    "asked", ["wait=", "wait=0", "wait=-1", "wait=121", "wait=nan", "wait=1e1", "wait=x", "wait=1&wait=1", "wait=0.0"]
)
async def test_what_is_no_time_to_wait_is_refused_before_anything(
    front: Served, http: httpx.AsyncClient, asked: str
) -> None:
    answer = await http.post(f"/v1/streams?{asked}", json=BODY)
    assert (answer.status_code, answer.json()["error"]["message"][:6]) == (400, "wait: ")
    assert await front.front.streams.queue.waiting() == 0
    assert WAIT_SECONDS_MAX == 120


async def test_who_comes_again_with_its_key_waits_for_the_same_stream(front: Served, http: httpx.AsyncClient) -> None:
    keyed = {"headers": {"idempotency-key": "mine"}}
    async with waiting(http, front, SHORT, **keyed) as (first, author):
        assert is_accepted(await first, author)
        again = asyncio.create_task(http.post("/v1/streams", params={"wait": LONG}, json=BODY, **keyed))
        await until(lambda: front.hub.known(author.stream_id))
        await end(author)
        told = (await again).json()
    assert (told["id"], told["message"]) == (author.stream_id, MESSAGE)
    late = await http.post("/v1/streams", params={"wait": LONG}, json=BODY, **keyed)
    assert (late.status_code, late.json()) == (200, told)


async def test_a_ticket_that_was_asked_for_is_in_either_answer(front: Served, http: httpx.AsyncClient) -> None:
    asked = {"json": BODY | {"relay": {"ticket": True}}}
    async with waiting(http, front, **asked) as (task, author):
        await end(author)
        told = (await task).json()
    assert told["events_url"].endswith(told["ticket"])
    assert (await http.get(told["events_url"])).status_code == 200


async def test_a_client_that_leaves_leaves_its_stream_running(front: Served, http: httpx.AsyncClient) -> None:
    async with waiting(http, front) as (task, author):
        task.cancel()
        await until(lambda: not front.hub.tails)
    await end(author)
    shown = (await http.get(f"/v1/streams/{author.stream_id}")).json()
    assert (shown["outcome"], shown["message"]) == ("completed", MESSAGE)


async def test_a_front_that_drains_keeps_nobody_waiting(front: Served, http: httpx.AsyncClient) -> None:
    async with waiting(http, front) as (task, author):
        await send_all_away(front.hub, 0.0)
        assert is_accepted(await task, author)
        answer = await http.post("/v1/streams", params={"wait": LONG}, json=BODY)
        assert answer.status_code == 202


async def test_what_cannot_be_told_is_no_error(
    front: Served, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise RedisConnectionError

    async with waiting(http, front) as (task, author):
        monkeypatch.setattr(front.log, "meta", away)
        await end(author)
        assert is_accepted(await task, author)


async def test_who_is_one_reader_too_many_does_not_wait(redis: Redis, tmp_path: Path) -> None:
    async with limited_front(redis, tmp_path, "[default]\nopen_readers = 1\n", "m") as (front, http):
        url = f"{front.url}/v1/streams"
        first = asyncio.create_task(http.post(url, params={"wait": LONG}, json=BODY))
        author = await front.author()
        await until(lambda: front.hub.known(author.stream_id))
        assert (await http.post(url, params={"wait": LONG}, json=BODY)).status_code == 202
        await end(author)
        assert (await first).status_code == 200
        assert (await http.post(url, params={"wait": SHORT}, json=BODY)).status_code == 202
        assert not front.hub.tails


async def test_a_large_message_goes_out_whole(front: Served, http: httpx.AsyncClient) -> None:
    large = MESSAGE | {"content": [{"type": "text", "text": "x" * 3_000_000}]}
    async with waiting(http, front) as (task, author):
        await author.end(Outcome.COMPLETED, message=large)
        assert (await task).json()["message"] == large


async def test_what_is_held_against_a_schema_is_seen_by_nobody_before(front: Served, http: httpx.AsyncClient) -> None:
    schema = {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    body = BODY | {"output_config": schema}
    checked = {"json": body | {"relay": {"validate": True}}}
    answer = await http.post("/v1/streams", **checked)
    assert (answer.status_code, answer.json()["error"]["message"][:15]) == (400, "relay.validate:")
    async with waiting(http, front, SHORT, **checked) as (task, author):
        await author.write(START)
        assert is_accepted(await task, author)
    assert author.meta["delivery"] == b"final"
    assert (await front.log.read(author.stream_id, None)).sealed is not None
    final = body | {"relay": {"validate": True, "delivery": "final"}}
    assert (await http.post("/v1/streams", json=final)).status_code == 202


async def test_whose_limits_say_so_is_shown_whole_answers_alone(redis: Redis, tmp_path: Path) -> None:
    async with limited_front(redis, tmp_path, '[default]\ndelivery = "final"\n', "m") as (front, http):
        for path, body in [("/v1/streams", BODY | {"relay": {"delivery": "progressive"}}), ("/v1/messages", BODY)]:
            task = asyncio.create_task(http.post(f"{front.url}{path}", json=body | {"stream": True}))
            author = await front.author()
            assert (author.meta["delivery"], author.meta["on_interrupt"]) == (b"final", b"restart")
            read = await front.log.read(author.stream_id, None)
            assert (read.state, read.sealed is not None) == (State.RUNNING, True)
            await end(author)
            await task
