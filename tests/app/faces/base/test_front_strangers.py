"""What is somebody else's never was: each route of the description that names something, each thing it may name, and
each way to come in.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from redis.asyncio import Connection, Redis

from tests.app.faces.base.bobs import (
    ALICE,
    BOB,
    CHATS,
    MAY_HEAR,
    NEVER,
    NO_MESSAGE,
    STREAMS,
    TALKS,
    TEXT,
    body_of,
    house,
    of_one_thing,
    strangers,
)
from tests.app.faces.base.told import told_of
from tests.app.served import until
from tests.harness.identity.tokens import token


async def test_no_way_in_tells_another_owner_s_from_what_never_was(redis: Redis, tmp_path: Path) -> None:
    """By no route, whatever of Bob's a stranger knows; and nothing of his is changed by having been asked for."""
    async with house(redis, tmp_path) as home:
        chat = {"id": "bob's", "messages": [{"id": "u", "role": "user", "parts": [{"type": "text", "text": TEXT}]}]}
        chatting = asyncio.create_task(home.http.post("/api/chat", json=chat, headers=BOB))
        await until(lambda: home.served.front.chats.find("acme/bob", "bob's"))
        home.things[CHATS]["running"] = "bob's"
        come, before = await strangers(home), await home.of_bob()
        knows: list[dict[str, str]] = [{}, {"last-event-id": home.places[0], "idempotency-key": "of running"}]
        for who, stranger in come.items():
            for method, path, kind in of_one_thing():
                for known in knows if stranger.headers else knows[:1]:
                    asked = {"json": body} if (body := body_of(method, path)) is not None else {}
                    answers = [
                        await home.http.request(
                            method,
                            f"{path.format(id=name, tool_use_id='toolu_1', chat_id=quote(name))}?{stranger.query}",
                            headers=stranger.headers | known,
                            **asked,
                        )
                        for name in (NEVER[kind], *home.things[kind].values())
                    ]
                    never, *theirs = (told_of(answer) for answer in answers)
                    assert [one for one in theirs if one != never] == [], (who, method, path)
                    assert never[0] in MAY_HEAR[kind] | (set() if stranger.headers else {401}), (who, method, path)
                    assert not any(TEXT in answer.text for answer in answers)
        after = await home.of_bob()
        assert [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)] == []
        # He has them, by whichever way he comes.
        by_token = {"authorization": f"Bearer {token(sub='acme', ks={'delegate': True})}", "x-keepstream-user": "bob"}
        for way in (BOB, by_token):
            for kind, status in {"queued": 200, "running": 200, "ended": 200, "failed": 200, "gone": 410}.items():
                path = f"/v1/streams/{home.things[STREAMS][kind]}"
                assert (await home.http.get(path, headers=way)).status_code == status
            for kind, status in {"empty": 200, "running": 200, "deleted": 410}.items():
                path = f"/v1/conversations/{home.things[TALKS][kind]}"
                assert (await home.http.get(path, headers=way)).status_code == status
        assert (await home.http.delete("/api/chat/bob's/stream", headers=BOB)).status_code == 202
        assert (await chatting).status_code == 200


async def test_redis_is_asked_as_often_for_another_s_as_for_what_never_was(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that no clock tells them apart: `make hostile` has one."""
    sent = 0
    send = Connection.send_packed_command

    async def counting(self: Connection, *args: Any, **more: Any) -> None:
        nonlocal sent
        sent += 1
        await send(self, *args, **more)

    monkeypatch.setattr(Connection, "send_packed_command", counting)
    async with house(redis, tmp_path) as home:

        async def asked(method: str, path: str, name: str) -> int:
            before, body = sent, body_of(method, path)
            url = path.format(id=name, tool_use_id="toolu_1", chat_id=name)
            await home.http.request(method, url, headers={"x-api-key": ALICE}, **({"json": body} if body else {}))
            return sent - before

        for method, path, kind in of_one_thing():
            for word, name in home.things[kind].items():
                never = NEVER[kind]
                # What else the front asks Redis, now and then, is in some of them.
                times = [[await asked(method, path, one) for one in (name, never)] for _ in range(3)]
                theirs, none = (min(one) for one in zip(*times, strict=True))
                assert theirs == none, (method, path, word)


MALFORMED = {
    STREAMS: ("st_" + "0" * 31, "st_" + "0" * 33, "st_" + "G" * 32, "ST_" + "0" * 32, "st_" + "\u0660" * 32, "{queue}"),
    TALKS: ("cv_" + "0" * 31, "cv_" + "0" * 32 + "\n", "cv_" + "\u0660" * 32, "st_" + "0" * 32, "x" * 2000),
    CHATS: ("\0", "../..", "*", "\ud7ff", "x" * 2000),
}


async def test_what_can_be_nobody_s_name_is_what_never_was_and_who_is_nobody_learns_neither(
    redis: Redis, tmp_path: Path
) -> None:
    async with house(redis, tmp_path) as home:
        for method, path, kind in of_one_thing():
            asked = {"json": body} if (body := body_of(method, path)) is not None else {}
            for name in MALFORMED[kind]:
                where = path.format(id=quote(name, safe=""), tool_use_id="toolu_1", chat_id=quote(name, safe=""))
                never = path.format(id=NEVER[kind], tool_use_id="toolu_1", chat_id=NEVER[kind])
                for headers, status in (({"x-api-key": ALICE}, MAY_HEAR[kind]), ({}, {401})):
                    odd, plain = [
                        await home.http.request(method, one, headers=headers, **asked) for one in (where, never)
                    ]
                    assert told_of(odd) == told_of(plain), (method, path, name, headers)
                    assert odd.status_code in status, (method, path, name, headers)


async def test_names_that_go_into_a_body_a_query_or_a_header_are_known_to_their_owner_alone(
    redis: Redis, tmp_path: Path
) -> None:
    """Of a message, a conversation, a place in a log, an Idempotency-Key, a chat."""
    alice = {"x-api-key": ALICE}
    async with house(redis, tmp_path) as home:
        http, talks = home.http, home.things[TALKS]
        messages = (await http.get(f"/v1/conversations/{talks['running']}", headers=BOB)).json()["messages"]
        mine = (await http.post("/v1/conversations", json={}, headers=alice)).json()["id"]
        where = f"/v1/conversations/{mine}"
        for body in ({"content": "x", "after": "?"}, {"regenerate": True, "after": "?"}):
            seen, never = [
                await http.post(f"{where}/messages", json=body | {"after": name}, headers=alice)
                for name in (messages[0]["id"], NO_MESSAGE)
            ]
            assert told_of(seen) == told_of(never)
        for path, body in ((f"{where}/fork", "at"), ("/v1/conversations?before=", "")):
            seen, never = [
                await (
                    http.post(path, json={body: name}, headers=alice) if body else http.get(path + name, headers=alice)
                )
                for name in ((messages[0]["id"], NO_MESSAGE) if body else (talks["empty"], NEVER[TALKS]))
            ]
            assert told_of(seen) == told_of(never)
            assert seen.status_code in (400, 404)
        made = await http.post("/v1/streams", json={"prompt": TEXT}, headers=alice | {"idempotency-key": "of running"})
        assert made.status_code == 202
        assert made.json()["id"] not in home.things[STREAMS].values()
        assert "x-keepstream-id" not in made.headers or made.headers["x-keepstream-id"] == made.json()["id"]
        other = await http.post("/v1/streams", json={"prompt": "else"}, headers=alice | {"idempotency-key": "of ended"})
        assert other.status_code == 202
        for stream_id in (made.json()["id"], other.json()["id"]):
            await http.post(f"/v1/streams/{stream_id}/cancel", headers=alice)
        # A place in Bob's log is a made-up one in hers.
        url = f"/v1/streams/{made.json()['id']}/events"
        seen, never = [
            await http.get(url, headers=alice | {"last-event-id": place})
            for place in (home.places[0], "000000001-00000000")
        ]
        assert seen.text == never.text
        assert "event: relay.reset" in seen.text


async def test_who_asks_for_another_s_usage_is_not_told_whether_there_is_any(redis: Redis, tmp_path: Path) -> None:
    async with house(redis, tmp_path) as home:
        come = await strangers(home)
        for who in ("a key", "another user of it", "a token of who is called as Bob is", "a session"):
            never, *theirs = [
                told_of(await home.http.get(f"/v1/usage?owner={owner}", headers=come[who].headers))
                for owner in ("never-was", "acme%2Fbob", "acme", "acme%2Fnobody&by=user", "")
            ]
            assert never[0] == 403
            assert [one for one in theirs if one != never] == [], who
        whole = (await home.http.get("/v1/usage", headers={"x-api-key": ALICE})).json()
        assert whole["total"]["streams"] == 0
