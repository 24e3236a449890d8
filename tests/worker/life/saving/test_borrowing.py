"""An answer that is kept is given again: at once, with ids of the stream's own, for nothing."""

from __future__ import annotations

import pytest

from app.stream import keys
from app.stream.accounts import Account, Demand
from tests.worker.workshop import Stream, Workshop

CALL = 10**9


def asks(digest: str, seconds: float = 60) -> dict[str, str | bytes]:
    return {"cache": f"{seconds:g}", "cache_key": digest}


def said(stream: Stream) -> list[tuple[str | None, bytes]]:
    return [(frame.name, frame.data) for frame in stream.frames[:-1]]


async def test_the_second_is_given_what_the_first_was_without_a_call(shop: Workshop) -> None:
    prompt = "[[sim: tokens=300 tag=again]]"
    async with shop.worker():
        first = await shop.submit(prompt, **asks("d"))
        one = await shop.ended(first)
        two = await shop.run(prompt, **asks("d"))
    assert (one.outcome, two.outcome) == ("completed", "completed")
    assert said(two) == said(one)
    assert [frame.id for frame in two.frames] != [frame.id for frame in one.frames]
    assert (await shop.calls("again"))["calls"] == 1
    [end] = two.data("relay.end")
    assert (end["cached_from"], end["cost_usd"], end["attempts"]) == (first, 0, 0)
    assert (end["stop_reason"], end["usage"]) == ("end_turn", one.json("usage"))
    assert two.meta["cached_from"] == first.encode()
    assert two.json("message") == one.json("message")
    assert two.json("calls")["lines"] == []
    assert two.json("calls")["sums"]["saved_nano"] == one.json("calls")["sums"]["nano"] > 0
    assert "cached_from" not in one.data("relay.end")[0]


@pytest.mark.parametrize(
    "fields",
    [{}, asks("other"), asks("mine", 0.001)],
    ids=["who did not ask for it", "another request", "who wants none so old"],
)
async def test_is_not_given(shop: Workshop, fields: dict[str, str | bytes]) -> None:
    prompt = "[[sim: tokens=3 tag=own]]"
    async with shop.worker():
        await shop.run(prompt, **asks("mine"))
        stream = await shop.run(prompt, **fields)
    assert "cached_from" not in stream.meta
    assert stream.json("cost_usd") > 0


@pytest.mark.parametrize(
    ("prompt", "outcome"),
    [
        ("[[sim: tokens=3 max-tokens]]", "truncated"),
        ("[[sim: status=400]]", "failed"),
        ("[[sim: refusal tokens=3]]", "refused"),
    ],
)
async def test_what_was_not_completed_is_not_kept(shop: Workshop, prompt: str, outcome: str) -> None:
    async with shop.worker():
        stream = await shop.run(prompt, **asks("bad"))
    assert stream.outcome == outcome
    assert await shop.redis.exists(keys.saved("bad")) == 0


async def test_for_an_answer_that_is_gone_a_call_is_made_where_a_budget_has_room_for_it(shop: Workshop) -> None:
    """Nothing was promised for it, for it was there when it was asked for."""
    fields = {**asks("gone"), "unreserved": str(CALL)}
    async with shop.worker():
        demand = Demand((Account("me", nano_per_day=CALL - 1),), 0)
        poor = await shop.ended(await shop.submit("[[sim: tokens=3]]", demand=demand, **fields))
        demand = Demand((Account("you", nano_per_day=CALL),), 0)
        rich = await shop.ended(await shop.submit("[[sim: tokens=3]]", demand=demand, **fields))
    assert (poor.outcome, poor.json("error")["type"]) == ("failed", "billing_error")
    assert rich.outcome == "completed"
    assert int(await shop.redis.hget(keys.account("you"), "reserved")) == 0  # type: ignore[misc]  # redis-py's types mix both clients


async def test_who_takes_over_goes_on_with_it(shop: Workshop) -> None:
    """Its worker has counted the attempt and is lost: it was no call, and is on no ledger."""
    async with shop.worker():
        first = await shop.submit("[[sim: tokens=3 tag=taken]]", **asks("t"))
        await shop.ended(first)
    left = {"attempt": "1", "borrowed": "1", "cached_from": first}
    async with shop.worker():
        stream = await shop.run("[[sim: tokens=3 tag=taken]]", **asks("t"), **left)
    [end] = stream.data("relay.end")
    assert (end["outcome"], end["attempts"], end["cost_usd"], end["cached_from"]) == ("completed", 0, 0, first)
    assert stream.json("calls")["lines"] == []
    assert (await shop.calls("taken"))["calls"] == 1
