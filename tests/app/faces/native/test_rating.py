"""`POST /v1/streams/{id}/feedback`: who may rate what, when, and where it is seen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError

from app.stream import keys
from app.stream.endings import Outcome
from app.stream.observing import Event
from app.stream.opinions.opinions import NOTE_CHARACTERS, Opinions
from app.watch.events.of_fronts import AnswerRated
from tests.app.faces.native.test_routes import CONTENT, half
from tests.app.served import Author, Served
from tests.harness.heard import heard

MESSAGE = {"id": "msg_1", "content": CONTENT}


@pytest.fixture
async def http(front: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=front.url) as client:
        yield client


async def ended(front: Served, path: str = "/v1/streams", body: dict[str, Any] | None = None) -> Author:
    author = await half(front, path, body)
    await author.end(Outcome.COMPLETED, message=MESSAGE)
    return author


async def rate(http: httpx.AsyncClient, stream_id: str, **body: Any) -> httpx.Response:
    return await http.post(f"/v1/streams/{stream_id}/feedback", json=body)


def counted(told: list[Event]) -> list[int]:
    """The ratings that count: whoever only adds a note has been counted."""
    rated = [event for event in told if isinstance(event, AnswerRated)]
    assert all(event.delivery == "progressive" for event in rated)
    return [event.rating for event in rated if event.kind != "noted"]


async def test_it_is_shown_counted_once_and_may_be_changed(
    front: Served, http: httpx.AsyncClient, redis: Redis
) -> None:
    stream_id = (await ended(front)).stream_id
    assert "feedback" not in (await http.get(f"/v1/streams/{stream_id}")).json()
    with heard() as told:
        for body, shown in (
            ({"rating": 1}, {"rating": 1}),
            ({"rating": 1, "note": None}, {"rating": 1}),
            ({"rating": 1, "note": "  "}, {"rating": 1}),
            ({"rating": -1}, {"rating": -1}),
            ({"rating": -1, "note": " zu lang 🙂 "}, {"rating": -1, "note": "zu lang 🙂"}),
        ):
            answer = await rate(http, stream_id, **body)
            assert (answer.status_code, answer.json()) == (200, {"note": None, **shown})
            assert (await http.get(f"/v1/streams/{stream_id}")).json()["feedback"] == shown
    assert counted(told) == [1, -1]
    assert "zu lang" not in str(told)
    entries = [entry for _, entry in await redis.xrange(keys.OUTBOX)]
    assert [entry.get(b"kind", b"an ending") for entry in entries] == [b"an ending", *3 * [b"feedback"]]
    # A rating is no ending: who lists those that ended shows each once.
    listed = (await http.get("/ops/streams")).json()["data"]
    assert [one["id"] for one in listed] == [stream_id]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{}", "rating"),
        *((b'{"rating":%b}' % rating, "rating") for rating in (b"0", b"2", b"true", b'"1"', b"null", b"1.5", b"[1]")),
        (b'{"rating":1,"note":7}', "note"),
        (b'{"rating":1,"note":["a"]}', "note"),
        (b'{"rating":1,"note":"%b"}' % (b"x" * (NOTE_CHARACTERS + 1)), "2,000"),
        (b'{"rating":1,"stars":5}', "stars"),
        (b"[1]", ""),
        (b"{", "JSON"),
        (b"", ""),
    ],
)
async def test_what_it_does_not_take(front: Served, http: httpx.AsyncClient, body: bytes, says: str) -> None:
    stream_id = (await ended(front)).stream_id
    kind = {"content-type": "application/json"}
    answer = await http.post(f"/v1/streams/{stream_id}/feedback", content=body, headers=kind)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert says in answer.json()["error"]["message"]
    assert "feedback" not in (await http.get(f"/v1/streams/{stream_id}")).json()


async def test_only_what_has_ended_is_rated(http: httpx.AsyncClient) -> None:
    waiting = (await http.post("/v1/streams", json={"prompt": "hi"})).json()["id"]
    answer = await rate(http, waiting, rating=1)
    assert (answer.status_code, answer.json()["error"]["type"]) == (409, "conflict_error")
    assert (await rate(http, "st_" + 32 * "0", rating=1)).status_code == 404


async def test_an_answer_is_rated_in_its_conversation_also_when_its_stream_is_gone(
    front: Served, http: httpx.AsyncClient, redis: Redis
) -> None:
    cv = (await http.post("/v1/conversations", json={})).json()["id"]
    stream_id = (await ended(front, f"/v1/conversations/{cv}/messages", {"content": "hi"})).stream_id

    async def shown() -> list[Any]:
        messages = (await http.get(f"/v1/conversations/{cv}")).json()["messages"]
        return [message.get("feedback") for message in messages]

    await rate(http, stream_id, rating=1)
    assert await shown() == [None, {"rating": 1}]
    # What is kept of what was said does not go along where the conversation does.
    fork = await http.post(f"/v1/conversations/{cv}/fork", json={"at": f"msg_{stream_id[3:]}"})
    assert "feedback" not in fork.json()["messages"][1]
    for gone in ([keys.log(stream_id), keys.meta(stream_id)], [keys.tomb(stream_id)]):
        await redis.delete(*gone)
        assert (await rate(http, stream_id, rating=-1, note='"so"')).status_code == 200
        assert await shown() == [None, {"rating": -1, "note": '"so"'}]
    assert not await redis.exists(keys.meta(stream_id))
    # The conversation has been used since, and lives on: so does the way to it.
    await redis.expire(keys.home(stream_id), 60)
    assert (await rate(http, stream_id, rating=1)).status_code == 200
    assert await redis.ttl(keys.home(stream_id)) > front.front.settings.conversation_ttl - 60
    await http.delete(f"/v1/conversations/{cv}")
    assert (await rate(http, stream_id, rating=1)).status_code == 410


async def test_a_stream_that_is_gone_and_stands_nowhere_is_410(
    front: Served, http: httpx.AsyncClient, redis: Redis
) -> None:
    stream_id = (await ended(front)).stream_id
    await redis.delete(keys.log(stream_id), keys.meta(stream_id))
    assert (await rate(http, stream_id, rating=1)).status_code == 410


async def test_what_redis_refuses_is_said_nowhere(
    front: Served, http: httpx.AsyncClient, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream_id = (await ended(front)).stream_id
    before = await redis.dbsize()

    async def full(*_: Any, **__: Any) -> None:
        raise OutOfMemoryError("command not allowed when used memory > 'maxmemory'.")

    with monkeypatch.context() as patch, heard() as told:
        patch.setattr(Opinions, "say", full)
        answer = await rate(http, stream_id, rating=1)
        assert counted(told) == []
    assert (answer.status_code, answer.json()["error"]["type"]) == (503, "api_error")
    assert "feedback" not in (await http.get(f"/v1/streams/{stream_id}")).json()
    assert await redis.dbsize() == before
    # What was said and could not be copied is said, and shown a little later.
    copy, tries = Opinions.copy, [full]

    async def once_full(*arguments: Any) -> None:
        await (tries.pop() if tries else copy)(*arguments)

    monkeypatch.setattr(Opinions, "copy", once_full)
    assert (await rate(http, stream_id, rating=1)).status_code == 200
    await front.front.streams.owed.paid()
    assert (await http.get(f"/v1/streams/{stream_id}")).json()["feedback"] == {"rating": 1}
