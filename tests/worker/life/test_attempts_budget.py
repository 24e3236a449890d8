"""A further call is promised by the owner's budgets before it is made, and before anybody is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from app.stream import keys
from app.stream.accounts import Account, Demand
from tests.worker.workshop import Workshop
from worker.life.ending.writing import Ending

CALL = 10**9
# It breaks after four hundred words, which cost something: a budget of one call has no room for the next.
CUT = "[[sim: cut-after=400 times=1 tokens=800 tag={tag}]]"


def demand(nano: int) -> Demand:
    return Demand((Account("me", nano_per_day=nano),), CALL)


async def account(shop: Workshop) -> dict[str, int]:
    found = await shop.redis.hgetall(keys.account("me"))  # type: ignore[misc]  # redis-py's types mix both clients
    return {name.decode(): int(value) for name, value in found.items()}


async def test_where_no_budget_has_room_the_stream_ends_and_keeps_its_text(shop: Workshop) -> None:
    async with shop.worker():
        stream = await shop.ended(await shop.submit(CUT.format(tag="unpaid"), demand=demand(CALL)))
    assert (stream.outcome, stream.json("error")["type"]) == ("failed", "billing_error")
    assert stream.json("error")["message"].startswith("usd_per_day: ")
    assert "relay.reset" not in stream.names
    assert stream.text
    assert stream.meta["partial"] == b"1"
    assert stream.json("message")["content"][0]["text"] == stream.text
    assert (await shop.calls("unpaid"))["calls"] == 1
    told = await account(shop)
    assert (told["reserved"], told["spent_day"]) == (0, round(stream.json("cost_usd") * 1e9))
    assert told["spent_day"] > 0


async def test_where_one_has_room_the_stream_begins_again_and_all_of_it_is_settled(shop: Workshop) -> None:
    async with shop.worker():
        stream = await shop.ended(await shop.submit(CUT.format(tag="paid"), demand=demand(2 * CALL)))
    assert (stream.outcome, stream.names.count("relay.reset")) == ("completed", 1)
    assert (await shop.calls("paid"))["calls"] == 2
    told = await account(shop)
    assert (told["reserved"], told["spent_day"]) == (0, round(stream.json("cost_usd") * 1e9))


async def test_a_call_of_which_nobody_knows_the_price_did_cost_what_was_promised_to_it(shop: Workshop) -> None:
    async with shop.worker():
        prompt = CUT.format(tag="unpriced")
        stream = await shop.ended(await shop.submit(prompt, demand=demand(2 * CALL - 1), model="claude-without-price"))
    assert (stream.outcome, stream.json("cost_usd")) == ("failed", None)
    assert stream.json("error")["type"] == "billing_error"
    assert (await account(shop))["spent_day"] == CALL


@pytest.mark.parametrize("ends", [False, True], ids=["while it runs", "before it is done"])
async def test_what_is_lost_did_cost_what_its_worker_knows(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, *, ends: bool
) -> None:
    """Also where its time in Redis is over between its ending and its way out of the queue."""
    if ends:
        written = Ending.write

        async def write(self: Ending, *told: Any, **more: Any) -> bool:
            assert await written(self, *told, **more)
            await shop.redis.delete(keys.meta(stream_id))
            return True

        monkeypatch.setattr(Ending, "write", write)
    async with shop.worker():
        stream_id = await shop.submit(f"[[sim: tokens=400 rate={0 if ends else 200}]]", demand=demand(CALL))
        if not ends:
            await shop.until(stream_id, lambda stream: len(stream.text) > 200)
            await shop.redis.delete(keys.meta(stream_id))
        await shop.eventually(lambda: _is_settled(shop, stream_id))
    told = await account(shop)
    assert (told["reserved"], 0 < told["spent_day"] < CALL) == (0, True)
    [day] = await shop.redis.keys(keys.usage("me") + "*")
    [counted] = (await shop.redis.hgetall(day)).values()  # type: ignore[misc]  # likewise
    assert int(counted.split()[6]) == told["spent_day"]


async def _is_settled(shop: Workshop, stream_id: str) -> bool:
    return not await shop.redis.exists(keys.reserved(stream_id))


async def test_calls_that_cost_nothing_need_no_further_room(shop: Workshop) -> None:
    async with shop.worker():
        stream = await shop.ended(await shop.submit("[[sim: status=529 times=1 tokens=3]]", demand=demand(CALL)))
    assert stream.outcome == "completed"


@pytest.mark.parametrize("room", [CALL, 3 * CALL])
async def test_who_takes_a_stream_over_asks_for_the_next_call_too(shop: Workshop, room: int) -> None:
    async with shop.worker(lease_seconds=0.5):
        prompt = "[[sim: tokens=400 rate=400 first=0 stall-after=20 times=1]]"
        stream_id = await shop.submit(prompt, demand=demand(room))
        await shop.until(stream_id, lambda stream: bool(stream.text))
    async with shop.worker(lease_seconds=0.5):
        stream = await shop.ended(stream_id)
    told = await account(shop)
    assert (told["reserved"], told["spent_day"]) == (0, round(stream.json("cost_usd") * 1e9))
    if room > CALL:
        assert (stream.outcome, stream.names.count("relay.reset")) == ("completed", 1)
    else:
        assert (stream.outcome, stream.json("error")["type"]) == ("failed", "billing_error")
        assert stream.text


async def test_a_loop_of_tools_ends_where_its_budget_has_no_room_for_another_turn(shop: Workshop) -> None:
    prompt, asked = "[[sim: tools=clock turns=9]]", {"tools": b'["clock"]', "max_turns": b"10"}
    async with shop.worker():
        stream = await shop.ended(await shop.submit(prompt, demand=demand(CALL), **asked))
    assert (stream.outcome, stream.json("error")["type"]) == ("failed", "billing_error")
    assert (stream.names.count("relay.tool"), stream.data("relay.end")[0]["turns"]) == (1, 1)
    assert stream.json("message")["stop_reason"] == "tool_use"
    assert (await account(shop))["reserved"] == 0
