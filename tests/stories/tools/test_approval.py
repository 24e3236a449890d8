"""A person is asked whether a tool may be called: whatever dies meanwhile, the stream goes on, and nothing runs twice
(G3).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from app.stream import keys
from app.stream.approvals.approvals import Approvals, Verdict
from tests.harness.api import Api, names_of
from tests.harness.cluster import Cluster
from tests.harness.reader import Sight, watch
from tests.patience import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAYS = '''
import pathlib
from worker.tools import ToolContext, keepstream_tool

@keepstream_tool(approve=True)
def pay(context: ToolContext, chf: int = 5) -> str:
    """Pays."""
    with pathlib.Path({till!r}).open("a") as till:
        till.write(context.stream_id + "\\n")
    return "paid"
'''
ASKS = "[[sim: tools=pay rate=0 first=0]]"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tools")
    (made / "shop_tools.py").write_text(PAYS.format(till=str(made / "till")))
    (made / "till").touch()
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(folder: Path) -> AsyncIterator[Api]:
    others = {"PYTHONPATH": str(folder)}
    async with Cluster(workers=2, fronts=2, lease_seconds=2, drain_seconds=1, tools="shop_tools", others=others) as one:
        api = Api(one)
        yield api
        await api.close()


async def waiting(api: Api, text: str) -> tuple[Sight, asyncio.Task[None], str]:
    """A stream that waits, read from before that, and the call that it asks of."""
    sight = Sight(await api.submit(text, tools=["pay"]))
    reading = asyncio.create_task(watch(sight, api.cluster.any_front))
    shown = await waits(api, sight.stream_id)
    return sight, reading, shown["approvals"][0]["tool_use_id"]


async def waits(api: Api, stream_id: str) -> dict[str, list[dict[str, str]]]:
    async with asyncio.timeout(PATIENCE):
        while (shown := await api.show(stream_id))["state"] != "waiting" or not await parked(api, stream_id):
            await asyncio.sleep(0.02)
    return shown


async def parked(api: Api, stream_id: str) -> bool:
    return await api.cluster.redis.zscore(keys.APPROVALS, stream_id) is not None


async def say(api: Api, stream_id: str, call: str, *, approve: bool) -> httpx.Response:
    return await api.call("POST", f"/v1/streams/{stream_id}/tools/{call}", json={"approve": approve})


def paid(folder: Path) -> list[str]:
    return (folder / "till").read_text().split()


async def whole(api: Api, sight: Sight, reading: asyncio.Task[None]) -> None:
    """It ended well, and its reader was never told to forget anything."""
    async with asyncio.timeout(PATIENCE):
        await reading
    assert sight.end is not None
    assert (sight.end["outcome"], sight.resets) == ("completed", 0)
    names = names_of(await api.log(sight.stream_id))
    assert [names.count(name) for name in ("message_start", "relay.approval", "relay.tool")] == [2, 1, 1]


async def test_it_goes_on_though_everything_was_restarted_while_it_waited(api: Api, folder: Path) -> None:
    cluster = api.cluster
    some = [await waiting(api, f"{ASKS} {n}") for n in range(3)]
    for worker in cluster.workers:
        await worker.end()  # killed, and nothing of the streams is theirs
    await asyncio.to_thread(cluster.valkey.kill)
    await asyncio.to_thread(cluster.valkey.restart)
    for number, front in enumerate(cluster.fronts):
        await front.end()
        cluster.fronts[number] = await cluster.front(number)
    for sight, _, call in some[:2]:  # said while no worker is there
        assert (await say(api, sight.stream_id, call, approve=True)).status_code == 202
    cluster.workers = [await cluster.worker(number) for number in range(2)]
    refused, _, call = some[2]
    assert (await say(api, refused.stream_id, call, approve=False)).status_code == 202
    for sight, reading, _ in some:
        await whole(api, sight, reading)
    assert sorted(paid(folder)) == sorted(sight.stream_id for sight, _, _ in some[:2])
    assert (await say(api, refused.stream_id, call, approve=True)).status_code == 409
    assert (await say(api, refused.stream_id, call, approve=False)).status_code == 202


async def test_a_verdict_whose_front_died_before_it_woke_anybody_is_found(api: Api, folder: Path) -> None:
    sight, reading, call = await waiting(api, f"{ASKS} lost")
    await Approvals(api.cluster.redis).decide(sight.stream_id, call, Verdict(approve=True))
    await whole(api, sight, reading)
    assert paid(folder).count(sight.stream_id) == 1


async def test_of_a_verdict_and_a_cancel_at_once_one_is_heard(api: Api, folder: Path) -> None:
    sight, reading, call = await waiting(api, f"{ASKS} not")
    answers = await asyncio.gather(api.cancel(sight.stream_id), say(api, sight.stream_id, call, approve=True))
    assert answers[0].status_code == 202
    async with asyncio.timeout(PATIENCE):
        await reading
    assert sight.end is not None
    assert sight.end["outcome"] in ("cancelled", "completed")
    assert paid(folder).count(sight.stream_id) <= 1
    assert not await parked(api, sight.stream_id)


async def test_a_conversation_s_answer_may_wait_for_a_person(api: Api, folder: Path) -> None:
    talk = (await api.call("POST", "/v1/conversations", json={})).json()["id"]
    said = await api.call(
        "POST", f"/v1/conversations/{talk}/messages", json={"content": ASKS, "relay": {"tools": ["pay"]}}
    )
    stream_id = said.json()["id"]
    shown = await waits(api, stream_id)
    assert (await say(api, stream_id, shown["approvals"][0]["tool_use_id"], approve=True)).status_code == 202
    async with asyncio.timeout(PATIENCE):
        while len(messages := (await api.call("GET", f"/v1/conversations/{talk}")).json()["messages"]) < 2:
            await asyncio.sleep(0.02)
    assert [step["role"] for step in messages[1]["steps"]] == ["assistant", "user"]
    assert messages[1]["steps"][1]["content"][0]["content"] == "paid"
    assert paid(folder).count(stream_id) == 1
