"""A front with Bob's things in it, and those who are not Bob.

The rule: routes come from `/openapi.json`. One with a name that is not known here is a failed test, so that what is new
is tried as well.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from redis.asyncio import Redis

from app.access.identity.keys_file import digest_of
from app.openapi import describe
from app.settings import Settings
from app.stream import keys
from app.stream.endings import Outcome
from tests.app.served import Author, Served, served
from tests.harness.identity.tokens import SECRET, token
from tests.patience import PATIENCE

ALICE, ACME, ROOT = "ks_alice-key", "ks_acme-key", "ks_root-key"
BOB = {"x-api-key": ACME, "x-keepstream-user": "bob"}
TALKS, STREAMS, CHATS = "/v1/conversations/{id}", "/v1/streams/{id}", "/api/chat/{chat_id}/"
RESUMED = "/api/chat/resume/{id}"  # names a stream
# Names in these are nobody's.
PUBLIC = ("/docs/{page}", "/v1/models/{id}")
NEVER = {STREAMS: "st_" + "0" * 32, TALKS: "cv_" + "0" * 32, CHATS: "never"}
NO_MESSAGE = "msg_" + "0" * 32
TEXT = "what only Bob has said"
BODIES: dict[str, Any] = {
    "/messages": {"content": "x"},
    "/fork": {"at": NO_MESSAGE},
    "/cancel": None,
    "/tools/{tool_use_id}": {"approve": True},
    "/title": None,
    "/feedback": {"rating": 1},
    "/tool_results": {"results": [{"tool_use_id": "toolu_1", "content": "x"}]},
    "/version": {"message_id": NO_MESSAGE},
    "/ticket": {"expires_in": 60},
    TALKS: {"title": "x"},
}
# The first is all that a stranger may hear; a chat's client hears that nothing runs, and a ticket opens few routes.
MAY_HEAR = {STREAMS: {404}, TALKS: {404}, CHATS: {204}}


def of_one_thing() -> Iterator[tuple[str, str, str]]:
    """Method, path with its name in braces, and of what kind the thing is."""
    for path, item in describe()["paths"].items():
        if "{" not in path or path in PUBLIC or path.startswith("/ops/"):  # operators may see everybody's
            continue
        kind = STREAMS if path.startswith(RESUMED) else next(kind for kind in NEVER if path.startswith(kind))
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
    async with served(redis, settings) as running, httpx.AsyncClient(base_url=running.url, timeout=PATIENCE) as http:
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
