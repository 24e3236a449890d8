"""`POST /v1/streams/{id}/tools/{tool_use_id}`: who may say what of which call, and what becomes of the stream
(G3)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from app.intake.calls.verdicts import REASON_CHARACTERS
from app.intake.sweep import Waiting
from app.stream import keys
from app.stream.approvals.approvals import Decided, Verdict
from app.stream.endings import Outcome
from app.stream.log import State
from app.stream.workers.offers import Offers, written
from tests.app.faces.native.test_offered_tools import CLOCK
from tests.app.faces.native.test_routes import BEGUN, HALF, START
from tests.app.served import LIFE_MS, Author, Served

ASK = {"tool_use_id": "toolu_1", "name": "pay", "input": {"chf": 5}}


@pytest.fixture
async def http(front: Served, redis: Redis) -> AsyncIterator[httpx.AsyncClient]:
    await Offers(redis, 10.0).say("a worker", written([CLOCK])[0])
    async with httpx.AsyncClient(base_url=front.url) as client:
        yield client


async def asked(front: Served, http: httpx.AsyncClient, *, longest_ms: int = LIFE_MS, **relay: Any) -> Author:
    """A stream that waits for a person."""
    body = {"prompt": "pay", "relay": {"tools": ["clock"], **relay}}
    assert (await http.post("/v1/streams", json=body)).status_code == 202
    author = await front.author()
    await author.write(START, BEGUN, HALF)
    await author.tell("relay.approval", ASK, **{"ask:toolu_1": "{}", "ask:toolu_2": "{}", "state": "waiting"})
    assert await front.front.streams.queue.approvals.wait(author.claim, longest_ms)
    return author


async def say(http: httpx.AsyncClient, stream_id: str, call: str = "toolu_1", **body: Any) -> httpx.Response:
    return await http.post(f"/v1/streams/{stream_id}/tools/{call}", json=body or {"approve": True})


async def test_a_stream_waits_until_somebody_says_something_and_then_goes_on(
    front: Served, http: httpx.AsyncClient
) -> None:
    stream_id = (await asked(front, http)).stream_id
    assert (await http.get(f"/v1/streams/{stream_id}")).json()["state"] == "waiting"
    answer = await say(http, stream_id, approve=False, reason=" not today ")
    assert (answer.status_code, answer.json()) == (202, {"id": stream_id, "state": "waiting"})
    author = await front.author()
    assert author.stream_id == stream_id
    assert author.meta["verdict:toolu_1"] == Verdict(approve=False, reason="not today").json()
    assert (await http.get(f"/v1/streams/{stream_id}")).json()["state"] == "running"
    # Of two that are asked for, each is decided by itself, and in any order.
    assert (await say(http, stream_id, "toolu_2")).status_code == 202


async def test_the_first_word_counts(front: Served, http: httpx.AsyncClient) -> None:
    author = await asked(front, http)
    answers = await asyncio.gather(*(say(http, author.stream_id, approve=bool(n % 2)) for n in range(6)))
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [409] * 3
    again = await front.author()
    await again.end(Outcome.COMPLETED, message={"content": []})
    after = [(await say(http, author.stream_id, approve=approve)).status_code for approve in (True, False)]
    assert sorted(after) == [202, 409]  # whoever did not hear may ask again, also when all is over
    assert (await say(http, author.stream_id, "toolu_2")).status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {"approve": "yes"},
        {"approve": None},
        {"reason": "x"},
        {"approve": True, "reason": 5},
        {"approve": True, "reason": "x" * (REASON_CHARACTERS + 1)},
        {"approve": True, "reasons": "x"},
    ],
)
async def test_what_is_no_verdict_is_refused(front: Served, http: httpx.AsyncClient, body: dict[str, Any]) -> None:
    stream_id = (await asked(front, http)).stream_id
    assert (await say(http, stream_id, **body)).status_code == 400
    assert await front.front.streams.queue.approvals.waiting() == 1


async def test_only_what_was_asked_may_be_decided(front: Served, http: httpx.AsyncClient) -> None:
    author = await asked(front, http)
    for call in ("toolu_3", "x" * 300, "%0a", "a%2fb"):
        assert (await say(http, author.stream_id, call)).status_code == 404, call
    assert (await say(http, "st_" + "0" * 32)).status_code == 404


async def test_one_that_waits_is_cancelled_at_once(front: Served, http: httpx.AsyncClient, redis: Redis) -> None:
    stream_id = (await asked(front, http)).stream_id
    answer = await http.post(f"/v1/streams/{stream_id}/cancel")
    assert answer.json()["state"] == "ended"
    assert (await http.get(f"/v1/streams/{stream_id}")).json()["outcome"] == "cancelled"
    assert (await say(http, stream_id)).status_code == 409
    assert await redis.zcard(keys.APPROVALS) == 0


async def test_of_a_verdict_and_a_cancel_at_once_the_stream_ends_and_nothing_is_left(
    front: Served, http: httpx.AsyncClient, redis: Redis
) -> None:
    for _ in range(5):
        stream_id = (await asked(front, http)).stream_id
        said, cancelled = await asyncio.gather(say(http, stream_id), http.post(f"/v1/streams/{stream_id}/cancel"))
        assert said.status_code in (202, 409)
        assert cancelled.status_code == 202
        assert (await http.get(f"/v1/streams/{stream_id}")).json()["outcome"] == "cancelled"
        assert await redis.zcard(keys.APPROVALS) == await redis.zcard(keys.JOBS) == 0


async def test_it_is_kept_for_as_long_as_it_may_wait(front: Served, http: httpx.AsyncClient, redis: Redis) -> None:
    stream_id = (await asked(front, http)).stream_id
    life_ms = front.front.settings.waiting_life_ms
    for key in (keys.meta(stream_id), keys.log(stream_id), keys.arq_job(stream_id)):
        assert life_ms - 60_000 < await redis.pttl(key) <= life_ms


async def test_who_waits_for_too_long_ends_as_expired(front: Served, http: httpx.AsyncClient) -> None:
    stream_id = (await asked(front, http, longest_ms=0)).stream_id
    await Waiting(front.front.streams).sweep()
    shown = (await http.get(f"/v1/streams/{stream_id}")).json()
    assert (shown["outcome"], shown["error"]["type"]) == ("expired", "timeout_error")
    assert "APPROVAL_SECONDS" in shown["error"]["message"]
    assert shown["message"]["content"] == [{"type": "text", "text": "Hel"}]


async def test_a_verdict_whose_wake_up_was_lost_is_found(front: Served, http: httpx.AsyncClient) -> None:
    """The front that took it has died in between; in time is in time."""
    streams = front.front.streams
    stream_id = (await asked(front, http, longest_ms=0)).stream_id
    _, state = await streams.queue.approvals.decide(stream_id, "toolu_1", Verdict(approve=True))
    assert state is State.WAITING
    await Waiting(streams).sweep()
    [claim] = await streams.queue.claim("another", 1, slots=1, lease_ms=LIFE_MS)
    assert claim.stream_id == stream_id


async def test_a_verdict_that_comes_as_its_time_runs_out_is_heard_or_refused(
    front: Served, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was told that it is kept is not to find that it was not."""
    streams = front.front.streams
    author = await asked(front, http, longest_ms=0)
    stream_id, author_times = author.stream_id, author.claim.times
    approvals = streams.queue.approvals
    look = approvals.is_answered

    async def then(stream_id: str) -> bool:
        found = await look(stream_id)
        decided, _ = await approvals.decide(stream_id, "toolu_1", Verdict(approve=True))
        assert decided is Decided.OK
        return found

    monkeypatch.setattr(approvals, "is_answered", then)
    await Waiting(streams).sweep()
    assert await streams.queue.overdue(1000, 10) == []  # what it waited for a person is no time in the line
    [claim] = await streams.queue.claim("another", 1, slots=1, lease_ms=LIFE_MS)
    assert (claim.stream_id, claim.times) == (stream_id, author_times)


async def test_a_reader_is_told_that_it_waits(front: Served, http: httpx.AsyncClient) -> None:
    stream_id = (await asked(front, http)).stream_id
    said = []
    async with http.stream("GET", f"/v1/streams/{stream_id}/events") as answer:
        async for line in answer.aiter_lines():
            said.append(line)
            if line == 'data: {"state":"waiting"}':
                await http.post(f"/v1/streams/{stream_id}/cancel")
    assert "event: relay.approval" in said
    assert said.index('data: {"state":"waiting"}') < said.index("event: relay.end")
