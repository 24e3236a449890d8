"""Who is known to have heard an answer of `/api/chat` to its end, and who is shown it again."""

from __future__ import annotations

import asyncio
import socket
import struct

import httpx
import orjson
import pytest

from app.stream.endings import Outcome
from app.watch.events.of_fronts import ReaderJoined
from tests.app.served import Served, until
from tests.harness.heard import heard

CHAT = {"id": "c", "messages": [{"id": "m", "role": "user", "parts": [{"type": "text", "text": "hi"}]}]}
HELLO = (
    "content_block_delta",
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
)
BEGUN = (
    "content_block_start",
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
)
STOP = ("message_stop", {"type": "message_stop"})
LAST = b"0\r\n\r\n"


class Client:
    """A POST on a connection of its own, of which as much is read as is asked for."""

    @classmethod
    async def post(cls, front: Served, passed_on: bytes = b"") -> Client:
        """`passed_on`: a header that a proxy adds."""
        self = cls()
        port = int(front.url.rsplit(":", 1)[1])
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        body = orjson.dumps(CHAT)
        head = b"POST /api/chat HTTP/1.1\r\nhost: [::1]\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
        if passed_on:
            head += passed_on + b"\r\n"
        self.writer.write(head % len(body) + b"\r\n" + body)
        await self.reader.readuntil(b"\r\n\r\n")
        return self

    async def ask(self) -> None:
        """Another request on the same connection."""
        self.writer.write(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        await self.reader.readuntil(b"ok")

    async def read(self) -> None:
        await self.reader.readuntil(LAST)

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()

    def reset(self) -> None:
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


async def answer(front: Served) -> None:
    author = await front.author()
    await author.write(BEGUN, HELLO, STOP)
    await author.end(Outcome.COMPLETED, message={"content": []})
    await until(lambda: not front.hub.readers)


async def unseen(front: Served) -> int:
    async with httpx.AsyncClient(base_url=front.url) as http:
        assert (await http.get("/api/chat/c/stream")).status_code == 204
        async with http.stream("GET", "/api/chat/c/stream?unseen=1") as shown:  # and breaks off
            return shown.status_code


async def test_who_only_was_sent_the_ending_is_shown_it_again(front: Served) -> None:
    """A phone out of reach sends no end: what its front wrote is in the kernel's hands."""
    client = await Client.post(front)
    await answer(front)
    assert [await unseen(front) for _ in range(2)] == [200, 200]
    client.reset()
    assert await unseen(front) == 200


async def test_who_closed_after_the_ending_has_heard_it(front: Served) -> None:
    client = await Client.post(front)
    await answer(front)
    await client.read()
    await client.close()
    await until(lambda: _is_204(front))


async def test_who_asks_again_on_the_same_connection_has_heard_it(front: Served) -> None:
    client = await Client.post(front)
    await answer(front)
    await client.read()
    assert await unseen(front) == 200  # nobody knows yet
    await client.ask()
    assert await unseen(front) == 204
    await client.ask()
    await client.close()


async def test_who_was_reset_has_not_heard_it(front: Served) -> None:
    client = await Client.post(front)
    await answer(front)
    client.reset()
    await asyncio.sleep(0)
    assert await unseen(front) == 200


@pytest.mark.parametrize("passed_on", [b"via: 1.1 caddy", b"x-forwarded-for: 203.0.113.9"])
async def test_what_a_proxy_does_says_nothing_of_its_client(front: Served, passed_on: bytes) -> None:
    for then in (Client.ask, Client.close):
        client = await Client.post(front, passed_on)
        await answer(front)
        await client.read()
        await then(client)
        await asyncio.sleep(0.05)
        assert await unseen(front) == 200
        await client.close()


async def test_a_replay_that_was_heard_is_the_last(front: Served) -> None:
    client = await Client.post(front)
    await answer(front)
    async with httpx.AsyncClient(base_url=front.url) as http:
        with heard() as events:
            assert "Hello" in (await http.get("/api/chat/c/stream?unseen=1")).text
        assert [event.resumed for event in events if isinstance(event, ReaderJoined)] == [True]
        assert (await http.get("/api/chat/c/stream?unseen=1")).status_code == 204
    client.reset()


async def test_who_says_the_next_thing_has_heard_the_last(front: Served) -> None:
    first = await Client.post(front)
    await answer(front)
    second = await Client.post(front)
    author = await front.author()
    async with (
        httpx.AsyncClient(base_url=front.url) as http,
        http.stream("GET", "/api/chat/c/stream?unseen=1") as shown,
    ):
        assert shown.headers["x-keepstream-id"] == author.stream_id
    first.reset()
    second.reset()
    await author.end(Outcome.COMPLETED)


async def _is_204(front: Served) -> bool:
    return await unseen(front) == 204
