"""What a ticket opens, and that it opens nothing else: against a front that asks for keys."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from app.settings import Settings
from app.stream.endings import Outcome
from tests.app.served import Served, served

KEYS = {"alice": "a-key", "bob": "b-key"}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hello"}]}
ALICE, BOB = ({"x-api-key": KEYS[name]} for name in ("alice", "bob"))


@pytest.fixture
async def front(redis: Redis, tmp_path: Path) -> AsyncIterator[Served]:
    file = tmp_path / "keys"
    file.write_text("".join(f"{name} {hashlib.sha256(key.encode()).hexdigest()}\n" for name, key in KEYS.items()))
    async with served(redis, Settings(api_keys_file=str(file), root_path="/relay")) as front:
        yield front


@pytest.fixture
async def http(front: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=front.url) as http:
        yield http


async def begun(http: httpx.AsyncClient, **relay: Any) -> dict[str, Any]:
    answer = await http.post("/v1/streams", json={"prompt": "hi", "relay": relay}, headers=ALICE)
    assert answer.status_code == 202
    accepted: dict[str, Any] = answer.json()
    return accepted


async def conversation(http: httpx.AsyncClient) -> str:
    """Its path."""
    made = await http.post("/v1/conversations", json={}, headers=ALICE)
    return f"/v1/conversations/{made.json()['id']}"


async def said(http: httpx.AsyncClient, path: str, **more: Any) -> dict[str, Any]:
    answer = await http.post(f"{path}/messages", json={"content": "hi", **more}, headers=ALICE)
    assert answer.status_code == 202
    accepted: dict[str, Any] = answer.json()
    return accepted


async def end(front: Served) -> None:
    author = await front.author()
    await author.end(Outcome.COMPLETED, message=MESSAGE)


async def ticket_of(http: httpx.AsyncClient, path: str, **asked: Any) -> dict[str, Any]:
    answer = await http.post(f"{path}/ticket", json=asked, headers=ALICE)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def alike(one: httpx.Response, other: httpx.Response) -> bool:
    """Whether two answers tell nothing of a difference but their own names and times."""
    own = ("request-id", "date")
    bodies = [{**answer.json(), "request_id": ""} for answer in (one, other)]
    heads = [{name: value for name, value in answer.headers.items() if name not in own} for answer in (one, other)]
    return one.status_code == other.status_code and bodies[0] == bodies[1] and heads[0] == heads[1]


async def test_it_opens_the_stream_its_events_and_its_message(front: Served, http: httpx.AsyncClient) -> None:
    path = f"/v1/streams/{(await begun(http))['id']}"
    await end(front)
    made = await ticket_of(http, path)
    assert made["events_url"] == f"/relay{path}/events?ticket={made['ticket']}"
    query = {"ticket": made["ticket"]}
    for opened in (path, f"{path}/events", f"{path}/message"):
        mine, theirs = (await http.get(opened, headers=ALICE), await http.get(opened, params=query))
        assert (theirs.status_code, theirs.content) == (200, mine.content)
        assert (await http.head(opened, params=query)).status_code == 200
    assert (await http.get(made["events_url"])).status_code == 200


async def test_a_submit_may_ask_for_one_and_a_repeated_one_gets_another(http: httpx.AsyncClient) -> None:
    body = {"prompt": "hi", "relay": {"ticket": True}}
    headers = {**ALICE, "idempotency-key": "once"}
    first, again = [(await http.post("/v1/streams", json=body, headers=headers)).json() for _ in range(2)]
    assert first["id"] == again["id"]
    for accepted in (first, again):
        url = accepted["events_url"]
        assert url == f"/relay/v1/streams/{first['id']}/events?ticket={accepted['ticket']}"
        assert (await http.head(url)).status_code == 200
    assert "ticket" not in await begun(http, ticket=False)


async def test_it_is_no_credential_anywhere_else(front: Served, http: httpx.AsyncClient) -> None:
    stream, other = await begun(http, ticket=True), await begun(http)
    await end(front)
    path, ticket = f"/v1/streams/{stream['id']}", stream["ticket"]
    elsewhere = [
        ("POST", f"{path}/cancel"),
        ("POST", f"{path}/ticket"),
        ("POST", "/v1/streams"),
        ("POST", "/v1/messages"),
        ("POST", "/api/chat"),
        ("GET", "/v1/models"),
        ("GET", "/v1/conversations"),
        ("GET", f"{await conversation(http)}"),
    ]
    for method, address in elsewhere:
        answer = await http.request(method, address, params={"ticket": ticket})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="keepstream"')
        for headers in ({"x-api-key": ticket}, {"authorization": f"Bearer {ticket}"}):
            assert (await http.request(method, address, headers=headers)).status_code == 401
    never = {name: f"/v1/streams/st_{'0' * 32}{name}" for name in ("", "/events", "/message")}
    for name, unknown in never.items():
        others = await http.get(f"/v1/streams/{other['id']}{name}", params={"ticket": ticket})
        assert others.status_code == 404
        assert alike(others, await http.get(unknown, params={"ticket": ticket}))
        assert alike(others, await http.get(unknown, headers=ALICE))


async def test_what_is_none_opens_nothing_and_is_not_told(http: httpx.AsyncClient) -> None:
    stream = await begun(http, ticket=True)
    path, ticket = f"/v1/streams/{stream['id']}", stream["ticket"]
    changed = ticket[:-1] + ("A" if ticket[-1] != "A" else "B")
    for text in ("x", changed, ticket + "A", "%00", "\u00e9" * 76, "a.b.c"):
        for address in (path, f"{path}/events", f"{path}/message"):
            answer = await http.get(address, params={"ticket": text})
            assert answer.status_code == 401
            assert text not in answer.text or text == "x"
    assert (await http.get(path, params={"ticket": ""})).status_code == 401


async def test_one_that_has_ended_is_none_and_who_reads_goes_on(
    front: Served, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/v1/streams/{(await begun(http))['id']}"
    author = await front.author()
    made = await ticket_of(http, path, expires_in=60)
    query = {"ticket": made["ticket"]}
    async with http.stream("GET", made["events_url"]) as reading:
        lines = reading.aiter_lines()
        assert (await anext(lines)).startswith("retry:")
        ends_ms = datetime.fromisoformat(made["expires_at"]).timestamp() * 1000
        monkeypatch.setattr(front.front.tickets, "_now_ms", lambda: ends_ms)
        for address in (path, f"{path}/events", f"{path}/message"):
            assert (await http.get(address, params=query)).status_code == 401
        await author.end(Outcome.COMPLETED)
        assert "event: relay.end" in [line async for line in lines]


async def test_a_place_is_kept_with_it(front: Served, http: httpx.AsyncClient) -> None:
    stream = await begun(http, ticket=True)
    author = await front.author()
    await author.write(("message_start", {"type": "message_start"}))
    place = author.last_id
    await author.end(Outcome.COMPLETED)
    rest = await http.get(stream["events_url"], headers={"last-event-id": place})
    assert "message_start" not in rest.text
    assert "relay.end" in rest.text
    assert (await http.get(f"{stream['events_url']}&after={author.last_id}")).status_code == 204


async def test_a_key_goes_before_it(http: httpx.AsyncClient) -> None:
    stream = await begun(http, ticket=True)
    assert (await http.get(stream["events_url"], headers=BOB)).status_code == 404
    assert (await http.get(stream["events_url"], headers={"authorization": "Bearer none"})).status_code == 401


async def test_one_for_a_conversation_opens_its_events_and_its_streams(front: Served, http: httpx.AsyncClient) -> None:
    path, other = await conversation(http), await conversation(http)
    before = (await said(http, path))["id"]
    await end(front)
    made = await ticket_of(http, path)
    query = {"ticket": made["ticket"]}
    assert made["events_url"] == f"/relay{path}/events?ticket={made['ticket']}"
    later = (await said(http, path))["id"]
    for stream_id in (before, later):
        assert (await http.get(f"/v1/streams/{stream_id}", params=query)).status_code == 200
        assert (await http.head(f"/v1/streams/{stream_id}/events", params=query)).status_code == 200
    assert (await http.head(made["events_url"])).status_code == 200
    alone, elsewhere = (await begun(http))["id"], (await said(http, other))["id"]
    never = await http.get(f"/v1/streams/st_{'0' * 32}", headers=ALICE)
    for stream_id in (alone, elsewhere):
        assert alike(never, await http.get(f"/v1/streams/{stream_id}", params=query))
    strange = await http.get(f"{other}/events", params=query)
    assert alike(strange, await http.get(f"/v1/conversations/cv_{'0' * 32}/events", headers=ALICE))
    for method, address in (("GET", path), ("POST", f"{path}/messages"), ("GET", f"{path}/export"), ("DELETE", path)):
        assert (await http.request(method, address, params=query)).status_code == 401


async def test_what_is_said_in_a_conversation_may_ask_for_one_of_its_stream(http: httpx.AsyncClient) -> None:
    path = await conversation(http)
    sent = await said(http, path, relay={"ticket": True})
    assert (await http.head(sent["events_url"])).status_code == 200
    assert (await http.get(f"{path}/events", params={"ticket": sent["ticket"]})).status_code == 404


async def test_nobody_gets_one_for_what_is_not_his(http: httpx.AsyncClient) -> None:
    stream, path = await begun(http), await conversation(http)
    for address in (f"/v1/streams/{stream['id']}/ticket", f"{path}/ticket"):
        assert (await http.post(address, headers=BOB)).status_code == 404
        assert (await http.post(address)).status_code == 401


async def test_what_cannot_be_meant_is_400(http: httpx.AsyncClient) -> None:
    path = f"/v1/streams/{(await begun(http))['id']}/ticket"
    headers = {**ALICE, "content-type": "application/json"}
    for body in (
        '{"expires_in":0}',
        '{"expires_in":-1}',
        '{"expires_in":"5"}',
        '{"expires_in":true}',
        '{"for":1}',
        "[]",
        "{",
    ):
        assert (await http.post(path, content=body, headers=headers)).status_code == 400, body


async def test_no_body_asks_for_one_that_lives_as_long_as_any_may(http: httpx.AsyncClient) -> None:
    path = f"/v1/streams/{(await begun(http))['id']}/ticket"
    assert (await http.post(path, headers=ALICE)).status_code == 201
    answer = await http.post(path, json={"expires_in": 10**400}, headers=ALICE)
    assert answer.status_code in (201, 400)
    for asked in (10**18, 1e300, None):
        assert (await http.post(path, json={"expires_in": asked}, headers=ALICE)).status_code == 201


async def test_relay_ticket_is_for_streams_alone(http: httpx.AsyncClient) -> None:
    body = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}], "relay": {"ticket": True}}
    assert (await http.post("/v1/messages", json=body, headers=ALICE)).status_code == 400
    for asked in (1, "yes"):
        refused = await http.post("/v1/streams", json={"prompt": "hi", "relay": {"ticket": asked}}, headers=ALICE)
        assert refused.status_code == 400


async def test_while_redis_is_away_its_reader_is_to_come_back_and_nothing_is_accepted(
    front: Served, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = await begun(http, ticket=True)

    async def away(*_: object) -> None:
        raise RedisConnectionError

    monkeypatch.setattr("app.access.passes.office.TicketOffice._current", away)
    answer = await http.get(stream["events_url"])
    assert (answer.status_code, answer.content[:7]) == (200, b"retry: ")
    waiting = await front.front.streams.queue.waiting()
    refused = await http.post("/v1/streams", json={"prompt": "hi", "relay": {"ticket": True}}, headers=ALICE)
    assert refused.status_code == 503
    assert await front.front.streams.queue.waiting() == waiting
