"""Words that stand for what is secret, each another one, where they were found, and a house to say them in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from app.stream import keys
from tests.harness.cluster import Cluster
from tests.harness.identity.tokens import token


def canary() -> str:
    return f"canary{secrets.token_hex(10)}"


@dataclass
class Secrets:
    """`said` and `answered` may stand in a stream's own keys; `shown`, at the door, nowhere."""

    said: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)
    signing: str = field(default_factory=lambda: f"{canary()}-of-32-bytes")
    sealing: str = field(default_factory=lambda: f"{canary()}-of-32-bytes")

    def prompt(self, how: str = "rate=0 first=0", text: str = "") -> str:
        """Asks for an answer in which a canary is."""
        said, answered = canary(), canary()
        self.said.add(said)
        self.answered.add(answered)
        return f'{said} {text} [[sim: text="{answered}, and so on" {how}]]'

    def word(self) -> str:
        word = canary()
        self.said.add(word)
        return word

    def show(self, word: str = "") -> str:
        word = word or f"ks_{canary()}"
        self.shown.add(word)
        return word

    @property
    def of_settings(self) -> set[str]:
        return {self.signing, self.sealing}

    @property
    def all(self) -> set[str]:
        return self.said | self.answered | self.shown | self.of_settings

    def found_in(self, words: str | bytes, among: set[str] | None = None) -> list[str]:
        text = words if isinstance(words, str) else words.decode(errors="replace")
        return [text[max(0, text.find(one) - 60) :][: 120 + len(one)] for one in (among or self.all) if one in text]


@dataclass
class House:
    cluster: Cluster
    http: httpx.AsyncClient
    secrets: Secrets
    key: str
    refused: list[httpx.Response] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)

    @property
    def mine(self) -> dict[str, str]:
        return {"x-api-key": self.key}

    async def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        asked = {"content-type": "application/json"} | (self.mine if headers is None else headers)
        return await self.http.post(path, content=sent, headers=asked)

    async def submit(self, prompt: str, **more: Any) -> str:
        answer = await self.post("/v1/streams", {"prompt": prompt, **more})
        assert answer.status_code == 202, answer.text
        self.streams.append(str(answer.json()["id"]))
        return self.streams[-1]

    async def ended(self, stream_id: str) -> None:
        async with self.http.stream("GET", f"/v1/streams/{stream_id}/events", headers=self.mine) as answer:
            async for line in answer.aiter_lines():
                if line == "event: relay.end":
                    return

    async def begun(self, stream_id: str) -> None:
        while not await self.cluster.redis.exists(keys.log(stream_id)):
            await asyncio.sleep(0.01)

    async def refuses(self, answer: httpx.Response, *statuses: int) -> None:
        assert answer.status_code in (statuses or range(400, 500)), (answer.request.url, answer.text)
        self.refused.append(answer)

    async def in_the_queue(self) -> dict[str, str]:
        """All that Redis keeps but streams' and conversations' own: names, and what they hold."""
        redis, found = self.cluster.redis, {}
        for key in await redis.keys("*"):
            kind = await redis.type(key)
            value: Any = ""
            if b"{queue}" in key or not key.startswith(b"ks:"):
                read: dict[bytes, Callable[[], Any]] = {
                    b"string": lambda key=key: redis.get(key),
                    b"hash": lambda key=key: redis.hgetall(key),
                    b"zset": lambda key=key: redis.zrange(key, 0, -1),
                    b"set": lambda key=key: redis.smembers(key),
                    b"list": lambda key=key: redis.lrange(key, 0, -1),
                    b"stream": lambda key=key: redis.xrange(key),
                }
                value = await read[kind]()
            found[key.decode()] = str(value)
        return found


async def hostile(house: House) -> None:
    """Names, ids and headers that would be something else where they are told."""
    words = house.secrets
    for nasty in (
        "\x1b[31m{}",
        "\u202e{}",
        '{}\n{{"event":"stream.ended"}}',
        '{}" event=stream.ended',
        "<b>{}</b>\u2028",
    ):
        odd, name = nasty.format(words.word()), nasty.format("name")  # a model's name, and a request's, are no secret
        tools = [{"name": odd, "input_schema": {"type": "object"}}]
        body = {"model": name, "prompt": words.prompt(text=odd), "tools": tools, "metadata": {"user_id": odd}}
        await house.ended(str((await house.post("/v1/streams", body)).json()["id"]))
        sent = [(header, odd.encode()) for header in ("idempotency-key", "last-event-id", "user-agent")]
        for header in (("x-request-id", name.encode()), *sent):
            asked = [*house.mine.items(), ("content-type", "application/json"), header]
            body_ = json.dumps({"prompt": words.prompt()}).encode()
            with contextlib.suppress(httpx.LocalProtocolError):  # what no client can say
                await house.http.post("/v1/streams", content=body_, headers=asked)  # type: ignore[arg-type]  # both kinds
        bearer = {"authorization": f"Bearer {words.show(token(words.signing, sub=odd[:9]))}"}
        await house.post("/v1/streams", {"prompt": words.prompt()}, bearer)
        await house.http.get(f"/v1/streams/{quote(odd)}/events", headers=house.mine)
    ids = house.mine | {"x-request-id": '"} level=error event=stream.ended {"'}
    assert (await house.post("/v1/streams", {"prompt": words.prompt("hostile")}, ids)).status_code == 202
    await house.ended(await house.submit(words.prompt(f'status=529 times=1 error-type="{words.word()} kind"')))
