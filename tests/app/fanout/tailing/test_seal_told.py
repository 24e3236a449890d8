"""An answer that is shown whole or not at all: what its readers are told until then."""

from __future__ import annotations

import orjson
from redis.asyncio import Redis

from app.fanout.audience import Ping
from app.fanout.reader import Aside
from app.stream import asides, keys
from app.stream.asides import Asked, Awaiting, Held, Said, Thinking
from app.stream.log import State
from tests.app.fanout.tailing.sealed import SECRET, states, told_running
from tests.app.following import STREAM, Asking, Client, Inside, Stream, asking
from tests.app.served import until


def told(one: Asking) -> list[Said | Ping]:
    return [step.said for step in one.steps if isinstance(step, Aside)]


async def test_what_they_are_told_grows(front: Inside, final: Stream) -> None:
    client = await Client(front.hub, STREAM).begin()
    for _ in range(3):
        await final.write(SECRET * 500)
        await told_running(client, times=states(client).count("running") + 2)
    heard = [orjson.loads(data) for name, data in client.beside if name == "relay.status"]
    assert all(set(one) == {"state", "elapsed_ms", "output_tokens"} for one in heard)
    for name in ("elapsed_ms", "output_tokens"):
        assert [one[name] for one in heard] == sorted(one[name] for one in heard)
    assert 2500 < heard[-1]["output_tokens"] < 3500
    assert b"\nid: " not in client.body


async def test_what_its_worker_says_goes_before_and_a_wait_in_its_place(front: Inside, final: Stream) -> None:
    client = await Client(front.hub, STREAM).begin()
    await told_running(client)
    await asides.tell(final.redis, STREAM, Thinking(5_000))
    await until(lambda: "thinking" in states(client))
    await told_running(client, times=states(client).count("running") + 2)
    await asides.tell(final.redis, STREAM, Held(60_000))
    await until(lambda: states(client)[-1] == "held")
    heard, tail = states(client), front.hub.known(STREAM)
    assert tail is not None
    tail.tell_on()
    assert states(client) == heard
    await final.write("on it goes")
    await told_running(client, times=heard.count("running") + 1)


async def test_one_that_was_claimed_is_said_to_run_before_there_is_content(front: Inside, redis: Redis) -> None:
    stream = await Stream.begin(redis, STREAM, delivery="final")
    await redis.hset(keys.meta(STREAM), "state", "queued")  # type: ignore[misc]
    client = await Client(front.hub, STREAM).begin()
    tail = front.hub.known(STREAM)
    assert tail is not None
    assert tail.state is State.QUEUED
    assert states(client) == []
    await stream.log.begin(stream.claim)
    await told_running(client)


async def test_what_a_person_is_asked_is_told_without_a_place_and_to_who_comes_later(
    front: Inside, final: Stream
) -> None:
    """Somebody has to decide, before there is anything to be shown."""
    asks = [{"tool_use_id": f"toolu_{n}", "name": "pay", "input": {"usd": n}} for n in (1, 2)]
    calls = [{"type": "tool_use", "id": ask["tool_use_id"], "name": "pay", "input": {}} for ask in asks]
    fields: dict[str, str | bytes] = {"turn": "1", "turn:1": orjson.dumps({"content": calls})}
    fields |= {f"ask:{ask['tool_use_id']}": orjson.dumps(ask) for ask in asks}
    client = await Client(front.hub, STREAM).begin()
    async with asking(front) as (asked, _):
        await told_running(client)
        await final.write(SECRET)
        await final.redis.hset(keys.meta(STREAM), mapping={**fields, "state": "waiting"})  # type: ignore[misc]
        await asides.tell(final.redis, STREAM, asides.Awaiting())
        await until(lambda: [name for name, _ in client.beside].count("relay.approval") == 2)
        await until(lambda: len([said for said in told(asked) if isinstance(said, Asked)]) == len(asks))
        assert told(asked).count(Awaiting()) == 1
        late = await Client(front.hub, STREAM).begin()
        for one in (client, late):
            asked_of_it = [orjson.loads(data) for name, data in one.beside if name == "relay.approval"]
            assert (asked_of_it, states(one)[-1]) == (asks, "waiting")
            assert (one.frames, SECRET.encode() in one.body) == (b"", False)
        assert [orjson.loads(said.data) for said in told(asked) if isinstance(said, Asked)] == asks
        await final.redis.hset(keys.meta(STREAM), "verdict:toolu_1", "{}")  # type: ignore[misc]
        tail = front.hub.known(STREAM)
        assert tail is not None
        await until(lambda: [orjson.loads(one.data) for one in tail.asks] == asks[1:])
        await final.redis.hset(keys.meta(STREAM), "state", "running")  # type: ignore[misc]
        await told_running(client, times=states(client).count("running") + 2)
        assert tail.asks == ()
        await final.end()
        await until(lambda: client.closed and late.closed)
    assert client.frames == late.frames == asked.data == final.written
    assert [name for name, _ in client.beside].count("relay.approval") == 2


async def test_a_person_is_asked_while_other_calls_run(front: Inside, final: Stream) -> None:
    ask = {"tool_use_id": "toolu_1", "name": "pay", "input": {}}
    turn = orjson.dumps({"content": [{"type": "tool_use", "id": "toolu_1"}]})
    fields: dict[str, str | bytes] = {"turn": "1", "turn:1": turn, "ask:toolu_1": orjson.dumps(ask)}
    await final.redis.hset(keys.meta(STREAM), mapping=fields)  # type: ignore[misc]
    client = await Client(front.hub, STREAM).begin()
    final.forge("relay.approval", orjson.dumps(ask))
    await final.publish()
    await until(lambda: ("relay.approval", orjson.dumps(ask)) in client.beside)
    await told_running(client)
    assert client.frames == b""
