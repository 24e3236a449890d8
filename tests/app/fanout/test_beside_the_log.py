"""What is said beside a log: told to who is there, to who comes in between, and never part of it."""

from __future__ import annotations

import asyncio
import contextlib

import httpx
from redis.asyncio import Redis

from app.faces.chat.view import UIMessagesView
from app.faces.messages.view import PING as MESSAGES_PING
from app.fanout.catchup import Step
from app.fanout.reader import Aside, Leave, PullReader
from app.stream import asides
from app.stream.asides import Held, Thinking
from app.stream.endings import Outcome
from tests.app.following import STREAM, Client, Stream, inside
from tests.app.served import served, until
from tests.patience import PATIENCE


async def test_native_readers_are_told_that_the_upstream_thinks_and_nothing_else_moves(
    redis: Redis, stream: Stream
) -> None:
    async with inside(redis) as front:
        await stream.write("a")
        client = await Client(front.hub, STREAM).begin()
        paused = await Client(front.hub, STREAM).begin()
        await until(lambda: client.frames == paused.frames == stream.written)
        paused.stop()
        tail = front.hub.known(STREAM)
        assert tail is not None
        end, version = tail.splice.end, tail.version
        await asides.tell(redis, STREAM, Thinking(5_000))
        await until(lambda: client.beside != [])
        assert client.beside == [("relay.status", b'{"state":"thinking","silent_ms":5000}')]
        assert (tail.splice.end, tail.version) == (end, version)
        await asides.tell(redis, STREAM, Held(7_000))
        await until(lambda: len(client.beside) == 2)
        assert client.beside[1] == ("relay.status", b'{"state":"held","retry_in_ms":7000}')
        assert paused.beside == []
        paused.go_on()
        await stream.write("b")
        await until(lambda: client.frames == paused.frames == stream.written)


async def test_who_comes_in_between_is_told_what_was_said_last_until_something_follows(
    redis: Redis, stream: Stream
) -> None:
    async with inside(redis) as front:
        first = await Client(front.hub, STREAM).begin()
        await asides.tell(redis, STREAM, Held(60_000))
        await until(lambda: first.beside != [])
        late = await Client(front.hub, STREAM).begin()
        [(name, data)] = late.beside
        assert (name, data[:30]) == ("relay.status", b'{"state":"held","retry_in_ms":')
        assert 0 < int(data[30:-1]) <= 60_000
        await stream.write("a")
        await until(lambda: first.frames == late.frames == stream.written)
        assert (await Client(front.hub, STREAM).begin()).beside == []


async def test_who_comes_first_to_a_stream_that_waits_already_is_told(redis: Redis, stream: Stream) -> None:
    """A client asks for the events of what it has just submitted: by then the worker has said that it waits."""
    await asides.tell(redis, STREAM, Held(60_000))
    async with inside(redis) as front:
        client = await Client(front.hub, STREAM).begin()
        await until(lambda: client.beside != [])
        [(name, data)] = client.beside
        assert (name, data[:30]) == ("relay.status", b'{"state":"held","retry_in_ms":')
        assert 0 < int(data[30:-1]) <= 60_000
    await asides.over(redis, STREAM)
    async with inside(redis) as front:
        client = await Client(front.hub, STREAM).begin()
        await stream.write("a")
        await until(lambda: client.frames == stream.written)
        assert client.beside == []


async def test_what_is_said_counts_as_heard_and_after_the_ending_nothing_is(redis: Redis, stream: Stream) -> None:
    async with inside(redis) as front:
        client = await Client(front.hub, STREAM).begin()
        keeps_the_tail = await Client(front.hub, STREAM).begin()
        keeps_the_tail.stop()
        tail = front.hub.known(STREAM)
        assert tail is not None
        tail.quiet_since = 0.0
        await asides.tell(redis, STREAM, Thinking(5_000))
        await until(lambda: tail.quiet_since > 0)
        await stream.end()
        await until(lambda: client.closed and tail.ended)
        await asides.tell(redis, STREAM, Thinking(10_000))
        tail.message(asides.encode(Thinking(10_000)))
        assert len(client.beside) == 1
        assert tail.status() is None


async def test_the_other_faces_show_it_in_their_own_way_or_not_at_all(redis: Redis, stream: Stream) -> None:
    given: list[Step | Aside | Leave] = []

    async def asks() -> None:
        async with contextlib.aclosing(PullReader(stream.position).steps(front.hub, STREAM)) as steps:
            async for step in steps:
                given.append(step)  # noqa: PERF401  # one by one: it is looked at meanwhile

    async with inside(redis) as front:
        asking = asyncio.create_task(asks())
        await until(lambda: front.hub.known(STREAM))
        await asides.tell(redis, STREAM, Thinking(5_000))
        await until(lambda: given != [])
        asking.cancel()
        [aside] = given
    assert isinstance(aside, Aside)
    shown = UIMessagesView("m", STREAM).aside(aside.said)
    assert b'"data-status"' in shown
    assert b'"thinking"' in shown


async def test_messages_of_the_api_know_pings_alone(redis: Redis) -> None:
    async with served(redis) as front, httpx.AsyncClient(base_url=front.url, timeout=PATIENCE) as client:
        body = {"model": "m", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "x"}]}
        asking = asyncio.create_task(client.post("/v1/messages", json=body))
        author = await front.author()
        await until(lambda: front.hub.known(author.stream_id))
        for silent_ms in (5_000, 10_000):
            await asides.tell(redis, author.stream_id, Thinking(silent_ms))
        await author.write(("message_start", {"type": "message_start"}), ("message_stop", {"type": "message_stop"}))
        await author.end(Outcome.COMPLETED)
        answer = await asking
    assert answer.text.replace(MESSAGES_PING.decode(), "").count("event: ") == 2
    assert "relay" not in answer.text
