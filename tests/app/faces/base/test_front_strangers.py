"""What is somebody else's never was: each route of the description that names something, each thing it may name, and
each way to come in.

The rule: routes come from `/openapi.json`. One with a name that is not known here is a failed test, so that what is new
is tried as well.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from redis.asyncio import Redis

from app.access.identity.keys_file import digest_of
from app.openapi import describe
from app.settings import Settings
from app.stream import keys
from app.stream.endings import Outcome
from tests.app.faces.base.told import told_of
from tests.app.served import Author, Served, served, until
from tests.harness.identity.tokens import SECRET, token

ALICE, ACME, ROOT = "ks_alice-key", "ks_acme-key", "ks_root-key"
BOB = {"x-api-key": ACME, "x-keepstream-user": "bob"}
TALKS, STREAMS, CHATS = "/v1/conversations/{id}", "/v1/streams/{id}", "/api/chat/{chat_id}/"
# Names in these are nobody's.
PUBLIC = ("/docs/{page}", "/v1/models/{id}")
NEVER = {STREAMS: "st_" + "0" * 32, TALKS: "cv_" + "0" * 32, CHATS: "never"}
NO_MESSAGE = "msg_" + "0" * 32
TEXT = "what only Bob has said"
BODIES: dict[str, Any] = {
    "/messages": {"content": "x"},
    "/fork": {"at": NO_MESSAGE},
    "/cancel": None,
    "/ticket": {"expires_in": 60},
    TALKS: {"title": "x"},
}
# The first is all that a stranger may hear; a chat's client hears that nothing runs, and a ticket opens few routes.
MAY_HEAR = {STREAMS: {404}, TALKS: {404}, CHATS: {204}}


def of_one_thing() -> Iterator[tuple[str, str, str]]:
    """Method, path with its name in braces, and of what kind the thing is."""
    for path, item in describe()["paths"].items():
        if "{" not in path or path in PUBLIC:
            continue
        [kind] = [kind for kind in NEVER if path.startswith(kind)]
        for method in item:
            if method != "parameters":
                yield method.upper(), path, kind
                if method == "get":
                    yield "HEAD", path, kind


def body_of(method: str, path: str) -> Any:
    if method not in ("POST", "PATCH"):
        return None
    [body] = [body for end, body in BODIES.items() if path.endswith(end)]
    return body


@dataclass(frozen=True)
class House:
    """A front, and what Bob has there: `things` by their kind, each under the word for what it is."""

    served: Served
    http: httpx.AsyncClient
    things: dict[str, dict[str, str]] = field(default_factory=lambda: {kind: {} for kind in NEVER})
    places: list[str] = field(default_factory=list)

    async def post(self, path: str, body: Any, **headers: str) -> dict[str, Any]:
        answer = await self.http.post(path, json=body, headers=BOB | headers)
        assert answer.status_code in (200, 201, 202), answer.text
        return dict(answer.json())

    async def stream(self, kind: str) -> Author | None:
        """A stream of Bob's; what is more than waiting has somebody who writes it."""
        made = await self.post("/v1/streams", {"prompt": TEXT}, **{"idempotency-key": f"of {kind}"})
        self.things[STREAMS][kind] = made["id"]
        return await self.written() if kind != "queued" else None

    async def written(self) -> Author:
        author = await self.served.author()
        await author.write(("message_start", {"type": "message_start", "message": {"content": []}}))
        await author.write(("content_block_delta", {"delta": {"type": "text_delta", "text": TEXT}}))
        return author

    async def furnish(self) -> None:
        redis = self.served.redis
        running = await self.stream("running")
        assert running is not None
        self.places.append(running.last_id)
        for kind in ("ended", "failed", "gone"):
            author = await self.stream(kind)
            assert author is not None
            error = {"type": "api_error", "message": TEXT} if kind == "failed" else None
            message = {"id": "msg_1", "content": [{"type": "text", "text": TEXT}]}
            await author.end(Outcome.FAILED if error else Outcome.COMPLETED, error=error, message=message)
        gone = self.things[STREAMS]["gone"]
        await redis.delete(keys.log(gone), keys.meta(gone))
        for kind in ("empty", "deleted", "running"):
            self.things[TALKS][kind] = (await self.post("/v1/conversations", {"title": TEXT}))["id"]
        await self.http.delete(f"/v1/conversations/{self.things[TALKS]['deleted']}", headers=BOB)
        said = await self.post(f"/v1/conversations/{self.things[TALKS]['running']}/messages", {"content": TEXT})
        self.things[STREAMS]["of a conversation"] = said["id"]
        await self.written()
        await self.stream("queued")

    async def of_bob(self) -> dict[bytes, Any]:
        """All that Redis keeps of Bob's things, as it stands."""
        redis, found = self.served.redis, {}
        for name in itertools.chain.from_iterable(things.values() for things in self.things.values()):
            for key in await redis.keys(f"ks:*{name}*"):
                is_hash = await redis.type(key) == b"hash"  # a dump of one has its fields in whatever order
                found[key] = await (redis.hgetall(key) if is_hash else redis.dump(key))  # type: ignore[misc]  # redis-py's types mix both clients
        return found


@asynccontextmanager
async def house(redis: Redis, folder: Path) -> AsyncIterator[House]:
    file = folder / "keys"
    file.write_text(f"alice {digest_of(ALICE)}\nacme {digest_of(ACME)} delegate\nroot {digest_of(ROOT)} admin\n")
    settings = Settings(api_keys_file=str(file), jwt_secret=SECRET)
    async with served(redis, settings) as running, httpx.AsyncClient(base_url=running.url, timeout=60) as http:
        made = House(running, http)
        await made.furnish()
        yield made


@dataclass(frozen=True)
class Stranger:
    """Anybody but Bob. `query` is how it comes in where it has only a ticket."""

    headers: dict[str, str]
    query: str = ""


async def strangers(house: House) -> dict[str, Stranger]:
    alice = {"x-api-key": ALICE}
    opened = await house.http.post("/session", headers=alice)
    cookie = opened.headers["set-cookie"].partition(";")[0]
    house.http.cookies.clear()  # nobody else is to bring it along
    made = await house.http.post("/v1/streams", json={"prompt": "x", "relay": {"ticket": True}}, headers=alice)
    talk = (await house.http.post("/v1/conversations", json={}, headers=alice)).json()["id"]
    ticket = await house.http.post(f"/v1/conversations/{talk}/ticket", headers=alice)
    delegate = token(sub="acme", ks={"delegate": True})
    return {
        "a key": Stranger(alice),
        "the key of Bob's own backend": Stranger({"x-api-key": ACME}),
        "another user of it": Stranger({"x-api-key": ACME, "x-keepstream-user": "eve"}),
        "its token": Stranger({"authorization": f"Bearer {delegate}"}),
        "a token for a user": Stranger({"authorization": f"Bearer {delegate}", "x-keepstream-user": "BOB"}),
        "a token of who is called as Bob is": Stranger({"authorization": f"Bearer {token(sub='bob')}"}),
        "an admin": Stranger({"x-api-key": ROOT}),
        "a session": Stranger({"cookie": cookie, "origin": house.served.url}),
        "a ticket of a stream": Stranger({}, f"ticket={made.json()['ticket']}"),
        "a ticket of a conversation": Stranger({}, f"ticket={ticket.json()['ticket']}"),
    }


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
                            f"{path.format(id=name, chat_id=quote(name))}?{stranger.query}",
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
                where = path.format(id=quote(name, safe=""), chat_id=quote(name, safe=""))
                never = path.format(id=NEVER[kind], chat_id=NEVER[kind])
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
