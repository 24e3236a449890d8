"""What a stream costs is the sum over all its calls, however they ended, and is what the upstream would bill."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from app.stream import frames, keys
from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.harness.reader import Sight, watch

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What the model of the short form costs, in the cluster's own prices: USD for a million tokens.
INPUT, OUTPUT = 3, 15
PRICES = f'[model."claude-sonnet-5"]\ninput = {INPUT}\noutput = {OUTPUT}\n'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    prices = tmp_path_factory.mktemp("prices") / "prices.toml"
    prices.write_text(PRICES)
    async with Cluster(workers=2, lease_seconds=2.0, prices_file=prices) as cluster:
        api = Api(cluster)
        yield api
        await api.close()


ALL: list[dict[str, Any]] = []
UNPRICED: list[dict[str, Any]] = []


async def ended(api: Api, stream_id: str) -> dict[str, Any]:
    """The stream as it is shown, which must say the same as its ending, and cost what its calls do."""
    sight = await api.see(stream_id)
    shown = await api.show(stream_id)
    assert sight.end is not None
    for name in ("usage", "cost_usd", "estimated", "stop_reason"):
        assert sight.end.get(name) == shown.get(name), name
    assert shown["cost_usd"] == pytest.approx(sum(call["cost_usd"] for call in shown["calls"]))
    assert [call["n"] for call in shown["calls"]] == list(range(1, len(shown["calls"]) + 1))
    ALL.append(shown)
    return shown


async def metered(api: Api, call: dict[str, Any]) -> tuple[int, int]:
    """What the upstream would bill for a call."""
    meter = (await api.http.get(f"{api.cluster.claude_url}/_sim/meter")).json()
    one = meter[call["request_id"]]
    return one["input_tokens"], one["output_tokens"]


def used(call: dict[str, Any]) -> tuple[int, int]:
    usage = call["usage"] or {"input_tokens": 0, "output_tokens": 0}
    return usage["input_tokens"], usage["output_tokens"]


def cost(call: dict[str, Any]) -> float:
    read, said = used(call)
    return (read * INPUT + said * OUTPUT) / 10**6


def estimate(text: str) -> int:
    return -(-len(text.encode()) // 4)


def texts(log: bytes) -> list[str]:
    """What each attempt has said."""
    said = [""]
    for frame in frames.split(log):
        if frame.name == "relay.reset":
            said.append("")
        elif frame.name == "content_block_delta":
            said[-1] += json.loads(frame.data)["delta"].get("text", "")
    return said


async def test_a_whole_answer_costs_what_the_upstream_counted(api: Api) -> None:
    shown = await ended(api, await api.submit("[[sim: tokens=20 rate=0 first=0]]"))
    [call] = shown["calls"]
    assert (call["state"], call["model"], call["estimated"]) == ("complete", "claude-sonnet-5", False)
    assert used(call) == await metered(api, call)
    assert (shown["cost_usd"], shown["usage"]) == (pytest.approx(cost(call)), call["usage"])
    assert "estimated" not in shown


async def test_a_restart_costs_both_of_its_calls(api: Api) -> None:
    stream_id = await api.submit("[[sim: cut-after=12 times=1 tokens=20 rate=0 first=0]]")
    shown = await ended(api, stream_id)
    cut, whole = shown["calls"]
    assert [(call["state"], call["estimated"]) for call in (cut, whole)] == [("cut", True), ("complete", False)]
    assert used(cut) == ((await metered(api, cut))[0], estimate(texts(await api.log(stream_id))[0]))
    assert used(whole) == await metered(api, whole)
    assert shown["usage"] == whole["usage"]
    assert shown["cost_usd"] == pytest.approx(cost(cut) + cost(whole))


async def test_an_answer_that_was_cut_is_paid_as_far_as_it_came(api: Api) -> None:
    stream_id = await api.submit("[[sim: cut-after=12 tokens=20 rate=0 first=0]]", on_interrupt="fail")
    shown = await ended(api, stream_id)
    [call] = shown["calls"]
    assert (shown["outcome"], call["state"]) == ("failed", "cut")
    assert used(call)[1] == estimate(texts(await api.log(stream_id))[0])
    assert (shown["estimated"], shown["usage"]) == (True, call["usage"])


async def test_a_refused_call_is_on_the_ledger_and_costs_nothing(api: Api) -> None:
    shown = await ended(api, await api.submit("[[sim: status=529 times=1 tokens=5 rate=0 first=0]]"))
    refused, whole = shown["calls"]
    assert (refused["state"], refused["usage"], refused["cost_usd"]) == ("refused", None, 0)
    assert await metered(api, refused) == (0, 0)
    assert shown["cost_usd"] == pytest.approx(cost(whole))


async def test_a_call_that_failed_before_anything_costs_nothing(api: Api) -> None:
    shown = await ended(api, await api.submit("[[sim: status=400]]"))
    [call] = shown["calls"]
    assert (shown["outcome"], call["state"], call["cost_usd"], shown["cost_usd"]) == ("failed", "failed", 0, 0)
    assert await metered(api, call) == (0, 0)
    assert "usage" not in shown


async def test_who_declines_before_saying_anything_is_not_paid(api: Api) -> None:
    shown = await ended(api, await api.submit("[[sim: refusal rate=0 first=0]]"))
    [call] = shown["calls"]
    assert (shown["outcome"], call["state"], shown["cost_usd"]) == ("refused", "refused", 0)
    assert await metered(api, call) == (0, 0)


async def test_the_cost_of_a_model_without_a_known_price_is_not_known(api: Api) -> None:
    message = {"role": "user", "content": "[[sim: tokens=3 rate=0 first=0]]"}
    body = {"model": "claude-of-the-far-future", "max_tokens": 100, "messages": [message]}
    stream_id = (await api.call("POST", "/v1/streams", json=body)).json()["id"]
    sight = await api.see(stream_id)
    shown = await api.show(stream_id)
    [call] = shown["calls"]
    assert sight.end is not None
    assert sight.end["cost_usd"] is shown["cost_usd"] is call["cost_usd"] is None
    assert used(call) == await metered(api, call)
    UNPRICED.append(shown)


async def test_a_cancelled_answer_is_paid_as_far_as_it_came(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=500 rate=100 first=0]]")
    sight = await reading(api, stream_id)
    await api.cancel(stream_id)
    shown = await ended(api, stream_id)
    await sight
    [call] = shown["calls"]
    assert (shown["outcome"], call["state"], call["estimated"]) == ("cancelled", "cut", True)
    assert used(call) == ((await metered(api, call))[0], estimate(texts(await api.log(stream_id))[0]))


async def test_the_call_of_a_killed_worker_is_paid_by_what_stands_in_the_log(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=120 rate=100 first=0 stall-after=60 times=1]]")
    sight = await reading(api, stream_id)
    name = (await api.cluster.redis.hget(keys.meta(stream_id), "holder") or b"").decode()
    number, victim = next((n, w) for n, w in enumerate(api.cluster.workers) if f":{w.pid}:" in name)
    await victim.end()
    shown = await ended(api, stream_id)
    await sight
    lost, whole = shown["calls"]
    assert [(call["state"], call["estimated"]) for call in (lost, whole)] == [("cut", True), ("complete", False)]
    assert lost["request_id"] != whole["request_id"]
    assert used(lost) == ((await metered(api, lost))[0], estimate(texts(await api.log(stream_id))[0]))
    assert shown["cost_usd"] == pytest.approx(cost(lost) + cost(whole))
    api.cluster.workers[number] = await api.cluster.worker(number)


async def test_what_is_counted_over_all_streams_is_the_sum_of_their_ledgers(api: Api) -> None:
    """The streams of all that stands above, which each counted once."""
    for _ in range(2):  # also if this is all that is run
        await ended(api, await api.submit("[[sim: tokens=3 rate=0 first=0]]"))
    while await api.cluster.redis.exists(keys.CLAIMS):
        await asyncio.sleep(0.01)
    total = (await api.call("GET", "/v1/usage")).json()["total"]
    calls = [call for shown in ALL + UNPRICED for call in shown["calls"]]
    assert (total["streams"], total["calls"]) == (len(ALL + UNPRICED), len(calls))
    assert (total["input_tokens"], total["output_tokens"]) == tuple(map(sum, zip(*map(used, calls), strict=True)))
    assert total["cost_usd"] == pytest.approx(sum(shown["cost_usd"] for shown in ALL))


async def reading(api: Api, stream_id: str) -> asyncio.Task[None]:
    """A reader that has seen some frames and goes on reading."""
    sight = Sight(stream_id)
    task = asyncio.create_task(watch(sight, lambda: api.port))
    while sight.frames < 20 and not task.done():
        await asyncio.sleep(0.005)
    return task
