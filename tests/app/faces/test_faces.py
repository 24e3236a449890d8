"""What every face keeps to: of an answer that is shown whole or not at all nobody sees a byte before it is whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest
from redis.asyncio import Redis

from app.faces.base import answer as base
from app.faces.messages import answer as messages
from app.fanout import beat as beats
from app.fanout import reader as readers
from app.stream.endings import WHOLE, Outcome
from tests.app.served import Author, Event, Served, served, until
from tests.patience import PATIENCE

SECRET = "a secret"
CONTENT = [{"type": "text", "text": SECRET}]
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "content": CONTENT}
FINAL = {"delivery": "final"}
ASKED: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
START: Event = ("message_start", {"type": "message_start", "message": MESSAGE | {"content": []}})
BEGUN: Event = (
    "content_block_start",
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
)
TEXT: Event = (
    "content_block_delta",
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": SECRET}},
)
STOP: Event = ("message_stop", {"type": "message_stop"})
SOON = 0.02


@pytest.fixture
async def front(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    for name in ("TICK_SECONDS", "BEAT_SECONDS"):
        monkeypatch.setattr(beats, name, SOON)
    async with served(redis) as made:
        yield made


@pytest.fixture
async def http(front: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=front.url, timeout=PATIENCE) as made:
        yield made


class Sight:
    """What a client has seen of one answer."""

    def __init__(self) -> None:
        self.body = b""
        self.task: asyncio.Task[None]

    @classmethod
    def of(cls, http: httpx.AsyncClient, method: str, path: str, **asked: Any) -> Sight:
        sight = cls()
        sight.task = asyncio.create_task(sight._read(http, method, path, **asked))
        return sight

    async def _read(self, http: httpx.AsyncClient, method: str, path: str, **asked: Any) -> None:
        async with http.stream(method, path, **asked) as answer:
            async for data in answer.aiter_raw():
                self.body += data

    async def whole(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            await self.task
        return self.body


async def submitted(front: Served, http: httpx.AsyncClient) -> Author:
    answer = await http.post("/v1/streams", json=ASKED | {"relay": FINAL})
    assert answer.status_code == 202
    return await front.author()


async def end(author: Author, outcome: Outcome) -> None:
    """As its worker does it: what came is kept, and said to be a part where it is one.

    One that failed may also have the whole Message of a turn behind which it could not go on.
    """
    error = {"type": "api_error", "message": "broken"} if outcome in (Outcome.FAILED, Outcome.EXPIRED) else None
    part = {} if outcome in WHOLE or outcome is Outcome.FAILED else {"partial": "1"}
    await author.end(outcome, error=error, message=MESSAGE, content="1", **part)


@asynccontextmanager
async def everybody(front: Served, http: httpx.AsyncClient, author: Author) -> AsyncIterator[dict[str, Sight]]:
    """Those who read a stream by all the ways there are to follow it."""
    path = f"/v1/streams/{author.stream_id}"
    ticket = (await http.post(f"{path}/ticket")).json()
    async with httpx.AsyncClient(base_url=front.url, timeout=PATIENCE) as other:
        sights = {
            "events": Sight.of(other, "GET", f"{path}/events"),
            "what it says so far": Sight.of(other, "GET", f"{path}/events", params={"partial": "1"}),
            "by ticket": Sight.of(other, "GET", ticket["events_url"]),
            "from the beginning": Sight.of(other, "GET", f"{path}/log", params={"offset": "-1", "live": "sse"}),
            "from the end": Sight.of(other, "GET", f"{path}/log", params={"offset": "now", "live": "sse"}),
            "long poll": Sight.of(other, "GET", f"{path}/log", params={"offset": "-1", "live": "long-poll"}),
            "chat": Sight.of(other, "GET", f"/api/chat/resume/{author.stream_id}"),
        }
        yield sights
        for sight in sights.values():
            sight.task.cancel()


async def shows_nothing(http: httpx.AsyncClient, author: Author) -> None:
    path = f"/v1/streams/{author.stream_id}"
    shown = (await http.get(path)).json()
    assert (shown["offset"], "message" in shown, "partial" in shown) == (None, False, False)
    assert (await http.get(f"{path}/message")).status_code == 409
    head = await http.head(f"{path}/log")
    page = await http.get(f"{path}/log")
    now = await http.get(f"{path}/log", params={"offset": "now"})
    assert page.json() == []
    for answer in (head, page, now):
        assert answer.headers["stream-next-offset"].startswith("000000000-")
        assert "stream-closed" not in answer.headers


async def test_nothing_is_seen_before_it_is_whole_and_then_all_of_it(front: Served, http: httpx.AsyncClient) -> None:
    author = await submitted(front, http)
    async with everybody(front, http, author) as sights:
        await author.write(START, BEGUN, TEXT)
        await author.restart()
        await author.write(START, BEGUN, TEXT)
        waiting = [sights[name] for name in ("events", "by ticket", "chat")]
        await until(lambda: all(sight.body.count(b'"running"') > 1 for sight in waiting))
        await shows_nothing(http, author)
        assert not any(SECRET.encode() in sight.body or b"reset" in sight.body for sight in sights.values())
        await author.write(STOP)
        await end(author, Outcome.COMPLETED)
        for name, sight in sights.items():
            body = await sight.whole()
            assert body.count(SECRET.encode()) == 1, name
            assert b"reset" not in body, name
            assert b"message_stop" in body or b"finish" in body, name
    shown = (await http.get(f"/v1/streams/{author.stream_id}")).json()
    assert (shown["message"], shown["offset"]) == (MESSAGE, author.last_id)
    assert (await http.get(f"/v1/streams/{author.stream_id}/message")).json() == MESSAGE
    page = await http.get(f"/v1/streams/{author.stream_id}/log")
    assert [one["type"] for one in page.json()][-1] == "relay.end"
    assert page.content.count(SECRET.encode()) == 1


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - WHOLE))
async def test_of_what_is_not_whole_nothing_is_ever_seen(
    front: Served, http: httpx.AsyncClient, outcome: Outcome
) -> None:
    author = await submitted(front, http)
    async with everybody(front, http, author) as sights:
        await author.write(START, BEGUN, TEXT)
        await until(lambda: b'"running"' in sights["events"].body)
        await end(author, outcome)
        for name, sight in sights.items():
            body = await sight.whole()
            assert SECRET.encode() not in body, name
            assert b"content_block" not in body, name
    path = f"/v1/streams/{author.stream_id}"
    shown = (await http.get(path)).json()
    assert (shown["outcome"], shown["offset"]) == (outcome, author.last_id)
    assert {"message", "partial"}.isdisjoint(shown)
    told = await http.get(f"{path}/message")
    assert (told.status_code >= 400, SECRET in told.text) == (True, False)
    page = (await http.get(f"{path}/log")).json()
    assert [(one["type"], one["outcome"]) for one in page] == [("relay.end", outcome)]
    events = (await http.get(f"{path}/events")).content
    assert events.count(b"\nid: ") == 1


async def test_a_place_before_it_is_whole_is_where_it_goes_on(front: Served, http: httpx.AsyncClient) -> None:
    """By the log's protocol a client is given a place with each answer, also with an empty one."""
    author = await submitted(front, http)
    path = f"/v1/streams/{author.stream_id}/log"
    await author.write(START, BEGUN, TEXT)
    place = (await http.get(path)).headers["stream-next-offset"]
    await author.restart()
    await author.write(START, BEGUN, TEXT, STOP)
    waits = asyncio.create_task(http.get(path, params={"offset": place, "live": "long-poll"}))
    await until(lambda: front.hub.known(author.stream_id))
    await end(author, Outcome.COMPLETED)
    for answer in (await waits, await http.get(path, params={"offset": place})):
        assert [one["type"] for one in answer.json()] == [START[0], BEGUN[0], TEXT[0], STOP[0], "relay.end"]
        assert answer.headers["stream-next-offset"] == author.last_id


@pytest.mark.parametrize("outcome", [Outcome.COMPLETED, Outcome.FAILED])
async def test_a_claude_client_is_pinged_until_it_is_whole(
    front: Served, http: httpx.AsyncClient, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages.Answer, "first_seconds", SOON)
    monkeypatch.setattr(base, "PING_SECONDS", SOON)
    monkeypatch.setattr(readers, "WAKE_AGAIN_SECONDS", SOON)
    sight = Sight.of(http, "POST", "/v1/messages", json=ASKED | {"stream": True, "relay": FINAL})
    author = await front.author()
    assert author.meta["on_interrupt"] == b"restart"
    await author.write(START, BEGUN, TEXT)
    await author.restart()
    await author.write(START, BEGUN, TEXT)
    await until(lambda: sight.body.count(b"event: ping") > 2)
    assert SECRET.encode() not in sight.body
    if outcome is Outcome.COMPLETED:
        await author.write(STOP)
    await end(author, outcome)
    told = (await sight.whole()).replace(b'event: ping\ndata: {"type": "ping"}\n\n', b"")
    if outcome is Outcome.FAILED:
        assert told.startswith(b"event: error\n")
        assert SECRET.encode() not in told
    else:
        events = (START, BEGUN, TEXT, STOP)
        assert told == b"".join(b"event: %b\ndata: %b\n\n" % (one.encode(), orjson.dumps(data)) for one, data in events)


async def test_a_claude_client_that_does_not_stream_is_told_no_part(front: Served, http: httpx.AsyncClient) -> None:
    asked = asyncio.create_task(http.post("/v1/messages", json=ASKED | {"relay": FINAL}))
    author = await front.author()
    await author.write(START, BEGUN, TEXT)
    await end(author, Outcome.FAILED)
    told = await asked
    assert (told.status_code, SECRET in told.text) == (500, False)


@pytest.mark.parametrize("outcome", [Outcome.TRUNCATED, Outcome.FAILED, Outcome.CANCELLED])
async def test_a_conversation_has_what_its_readers_were_shown(
    front: Served, http: httpx.AsyncClient, outcome: Outcome
) -> None:
    path = f"/v1/conversations/{(await http.post('/v1/conversations', json={})).json()['id']}"
    sight = Sight.of(http, "GET", f"{path}/events")
    assert (await http.post(f"{path}/messages", json={"content": "hi", "relay": FINAL})).status_code == 202
    author = await front.author()
    await author.write(START, BEGUN, TEXT)
    await until(lambda: b"stream.started" in sight.body)
    await end(author, outcome)
    await until(lambda: b"stream.ended" in sight.body)
    sight.task.cancel()
    whole = outcome in WHOLE
    assert (SECRET.encode() in sight.body) is whole
    for answer in (await http.get(path), await http.get(f"{path}/export", params={"format": "markdown"})):
        assert (SECRET.encode() in answer.content) is whole
    [_, kept] = (await http.get(path)).json()["messages"]
    assert (kept["outcome"], kept["content"]) == (outcome, CONTENT if whole else [])
    assert "partial" not in kept
