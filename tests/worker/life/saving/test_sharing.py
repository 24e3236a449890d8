"""Each has a cancel of its own; the call is closed when nobody is left, and stands on the ledger of who asked first."""

from __future__ import annotations

from app.stream import keys
from tests.worker.life.saving.together import ASKS, SLOW, both, end, on_the_way
from tests.worker.workshop import Workshop


async def test_the_first_is_cancelled_at_once_and_the_call_goes_on_for_the_second(shop: Workshop) -> None:
    async with on_the_way(shop) as (way, url), shop.worker(anthropic_base_url=url):
        first, second = await both(shop, SLOW.format(tag="first"), way)
        await shop.log.cancel(first)
        one = await shop.until(first, lambda stream: stream.outcome is not None)
        assert (one.outcome, one.meta["state"], (await shop.look(second)).outcome) == ("cancelled", b"ended", None)
        way.flow()
        two, one = await shop.ended(second), await shop.ended(first)
    assert (two.outcome, two.names.count("relay.reset")) == ("completed", 0)
    assert two.text.startswith(one.text)
    assert len(two.text) > len(one.text) > 0
    assert one.names[-1] == "relay.end"
    assert ((await shop.calls("first"))["calls"], (await shop.calls("first"))["closed_early"]) == (1, 0)
    assert (end(two)["cost_usd"], two.json("calls")["lines"]) == (0, [])
    [line] = one.json("calls")["lines"]
    assert (line["state"], line["cost_usd"]) == ("complete", one.json("cost_usd"))
    assert one.json("cost_usd") > end(one)["cost_usd"]  # type: ignore[operator]  # a number, as it is here


async def test_where_both_are_cancelled_the_call_is_closed(shop: Workshop) -> None:
    async with on_the_way(shop) as (way, url), shop.worker(anthropic_base_url=url):
        first, second = await both(shop, "[[sim: tokens=900 rate=100 first=0 tag=both]]", way)
        await shop.log.cancel(first)
        await shop.until(first, lambda stream: stream.outcome is not None)
        await shop.log.cancel(second)
        outcomes = [(await shop.ended(stream)).outcome for stream in (second, first)]
        way.flow()
        await shop.eventually(lambda: closed(shop, "both"))
    assert outcomes == ["cancelled", "cancelled"]
    [line] = (await shop.look(first)).json("calls")["lines"]
    assert line["state"] == "cut"


async def closed(shop: Workshop, tag: str) -> bool:
    return bool((await shop.calls(tag))["closed_early"])


async def test_who_is_read_by_nobody_is_cancelled_as_ever(shop: Workshop) -> None:
    async with shop.worker():
        first = await shop.submit("[[sim: tokens=900 rate=100 first=0 tag=alone]]", **ASKS)
        await shop.until(first, lambda stream: bool(stream.text))
        await shop.log.cancel(first)
        assert (await shop.ended(first)).outcome == "cancelled"
        await shop.eventually(lambda: closed(shop, "alone"))
    assert await shop.redis.exists(keys.rest(first)) == 0


async def test_who_comes_after_the_cancel_reads_all_of_it_too(shop: Workshop) -> None:
    prompt = "[[sim: tokens=300 rate=200 first=0 tag=third]]"
    async with on_the_way(shop) as (way, url), shop.worker(anthropic_base_url=url):
        first, second = await both(shop, prompt, way)
        await shop.log.cancel(first)
        await shop.until(first, lambda stream: stream.outcome is not None)
        way.flow()
        third = await shop.ended(await shop.submit(prompt, **ASKS))
        two = await shop.ended(second)
    assert (third.outcome, third.meta["shared_with"], third.text) == ("completed", first.encode(), two.text)
    assert (await shop.calls("third"))["calls"] == 1


async def test_where_the_call_fails_after_the_cancel_who_is_left_makes_another(shop: Workshop) -> None:
    cut = "[[sim: cut-after=150 tokens=200 rate=300 first=0 times=1 tag=broken]]"
    async with shop.worker():
        first, second = await both(shop, cut)
        await shop.log.cancel(first)
        one, two = await shop.ended(first), await shop.ended(second)
    assert (one.outcome, two.outcome, two.names.count("relay.reset")) == ("cancelled", "completed", 1)
    assert ((await shop.calls("broken"))["calls"], end(two)["attempts"]) == (2, 1)


async def test_where_the_worker_drains_after_the_cancel_who_is_left_goes_on_elsewhere(shop: Workshop) -> None:
    prompt = "[[sim: tokens=400 rate=200 first=0 tag=drained]]"
    async with shop.worker() as parts:
        first, second = await both(shop, prompt)
        await shop.log.cancel(first)
        await shop.until(first, lambda stream: stream.outcome is not None)
        parts.pool.stop_taking()
        parts.pool.hand_over()
        one = await shop.ended(first)
    async with shop.worker():
        two = await shop.ended(second)
    assert (one.outcome, two.outcome) == ("cancelled", "completed")
    assert one.json("calls")["lines"][0]["state"] == "cut"
