"""Logs on a Valkey Cluster, the queue on its own primary: streams on every face, read on two fronts and resumed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from app.doctor.checks.redis import streams
from app.doctor.finding import Level
from app.stream import keys
from tests.app.doctor.checks.patients import found
from tests.chaos.load.asks import WHOLE, Ask, small
from tests.chaos.load.clients import Chat, ask_messages
from tests.chaos.load.talk import Talk
from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.harness.reader import Sight, watch
from tests.harness.sharded.counted import calls, heard_channels, redirections, told_each_other
from tests.harness.sharded.nodes import Nodes
from tests.stories.redis.cluster.flowing import flowing, nobody_noticed

pytestmark = pytest.mark.asyncio(loop_scope="module")

RNG = random.Random(15)  # noqa: S311 - to repeat it


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(nodes: Nodes) -> AsyncIterator[Api]:
    async with Cluster(fronts=2, nodes=nodes) as cluster:
        api = Api(cluster)
        yield api
        await api.close()


# Streams within which all processes have begun.
STARTS = 40


def asked(number: int) -> Ask:
    return small(number, RNG, WHOLE, tokens=60)


async def test_streams_flow_to_readers_on_two_fronts(api: Api, nodes: Nodes) -> None:
    published = [calls(node, "publish") for node in nodes.nodes]
    async with flowing(api, streams=6, tokens=120, rate=40) as flows:
        heard = await asyncio.to_thread(heard_channels, nodes)
        # Those that have ended by now are listened to by nobody any more.
        assert {keys.channel(flow.stream_id) for flow in flows} & set(heard)
    await nobody_noticed(api, flows)
    # What is said of a stream is heard on its own node, and by no other.
    assert all(calls(nodes.primary_of(keys.log(flow.stream_id)), "spublish") for flow in flows)
    assert [calls(node, "publish") for node in nodes.nodes] == published
    assert told_each_other(nodes, "publish") == 0


async def test_nothing_is_asked_of_the_wrong_node_again_and_again(api: Api, nodes: Nodes) -> None:
    sent_on = [0]
    while len(sent_on) == 1 or sent_on[-1] - sent_on[-2] > 1:  # a process that begins tries each node, whatever it has
        assert len(sent_on) < STARTS
        await api.see(await api.submit("[[sim: tokens=20 rate=40 first=0]]"))
        sent_on.append(sum(redirections(nodes).values()))


async def test_a_streams_keys_are_on_its_node_and_the_queues_are_not(api: Api, nodes: Nodes) -> None:
    sight = await api.see(await api.submit("[[sim: tokens=5 rate=0 first=0]]"))
    node = nodes.primary_of(keys.log(sight.stream_id))
    assert {keys.log(sight.stream_id), keys.meta(sight.stream_id)} <= set(node.ask("KEYS", "ks:{st_*"))
    assert not await api.cluster.redis.keys("ks:{st_*")
    assert not [key for one in nodes.primaries() for key in one.ask("KEYS", "*{queue}*")]


async def test_who_comes_back_to_another_front_goes_on_where_it_was(api: Api) -> None:
    sight = Sight(await api.submit("[[sim: tokens=200 rate=100 first=0]]"))
    fronts = (proxy.port for proxy in api.cluster.front_proxies * 100)
    await watch(sight, lambda: next(fronts), leave_after=lambda: 0.4)
    assert sight.end is not None
    assert sight.end["outcome"] == "completed"
    assert sight.reconnects > 1
    assert (sight.resets, sight.fronts_resets) == (0, 0)
    assert bytes(sight.seen) == await api.log(sight.stream_id)


async def test_a_cancel_on_another_front_is_heard_by_the_worker(api: Api) -> None:
    sight = Sight(await api.submit("[[sim: tokens=2000 rate=50 first=0]]"))
    reading = asyncio.create_task(watch(sight, lambda: api.port))
    while not sight.frames:
        await asyncio.sleep(0.01)
    there = api.cluster.front_proxies[1].port
    answer = await api.http.post(f"http://127.0.0.1:{there}/v1/streams/{sight.stream_id}/cancel")
    assert answer.status_code == httpx.codes.ACCEPTED
    await reading
    assert sight.end is not None
    assert sight.end["outcome"] == "cancelled"


async def test_every_face_says_the_same(api: Api) -> None:
    def url(path: str) -> str:
        return f"http://127.0.0.1:{api.cluster.any_front()}{path}"

    stream_id = await ask_messages(api.http, url, asked(1), RNG)
    assert stream_id is not None
    assert (await api.show(stream_id))["outcome"] == "completed"
    chat = Chat(api.http, url, asked(2), RNG)
    await chat.run()
    assert chat.stream_id is not None
    talk = Talk(api.http, url, RNG)
    await talk.begin()
    said = asked(3)
    heard = await api.see(await talk.say(said))
    await talk.check([(said, heard)])
    page = await api.call("GET", f"/v1/streams/{heard.stream_id}/log")
    assert page.headers["stream-closed"] == "true"
    assert len(page.json()) == heard.frames


async def test_the_same_key_is_the_same_stream(api: Api) -> None:
    ids = await asyncio.gather(*(api.submit("[[sim: tokens=3 rate=0 first=0]]", key="one") for _ in range(4)))
    assert len(set(ids)) == 1
    await api.see(ids[0])


async def test_the_doctor_finds_it_whole(api: Api, nodes: Nodes) -> None:
    urls = {"redis_url": api.cluster.valkey.url, "streams_redis_url": nodes.url}
    findings = await found(streams, **urls)
    assert {finding.level for finding in findings} == {Level.OK}, findings
