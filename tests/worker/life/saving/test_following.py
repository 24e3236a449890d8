"""While the first is being given its answer, the second is shown it from its first byte; and what each one's end is to
the other.
"""

from __future__ import annotations

from contextlib import AsyncExitStack

from app.stream.log import State
from tests.worker.life.saving.together import ASKS, SLOW, both, end, on_the_way
from tests.worker.workshop import Workshop


async def test_two_at_once_are_one_call_and_the_second_sees_all_of_it_as_it_comes(shop: Workshop) -> None:
    async with on_the_way(shop) as (way, url), shop.worker(anthropic_base_url=url), shop.worker(anthropic_base_url=url):
        first, second = await both(shop, SLOW.format(tag="two"), way)
        assert (await shop.look(first)).outcome is None
        way.flow()
        one, two = await shop.ended(first), await shop.ended(second)
    assert (one.outcome, two.outcome) == ("completed", "completed")
    assert [(f.name, f.data) for f in two.frames[:-1]] == [(f.name, f.data) for f in one.frames[:-1]]
    assert (await shop.calls("two"))["calls"] == 1
    assert (two.meta["shared_with"], end(two)["cost_usd"], end(two)["attempts"]) == (first.encode(), 0, 0)
    assert one.json("cost_usd") > 0
    assert two.json("calls")["sums"]["saved_nano"] == one.json("calls")["sums"]["nano"]
    assert "shared_with" not in one.meta


async def test_many_at_once_in_one_worker_are_one_call(shop: Workshop) -> None:
    async with shop.worker():
        streams = [await shop.submit(SLOW.format(tag="many"), **ASKS) for _ in range(6)]
        texts = {(await shop.ended(stream)).text for stream in streams}
    assert len(texts) == 1
    assert (await shop.calls("many"))["calls"] == 1


async def test_who_follows_and_is_cancelled_leaves_the_call_alone(shop: Workshop) -> None:
    async with on_the_way(shop) as (way, url), shop.worker(anthropic_base_url=url):
        first, second = await both(shop, SLOW.format(tag="second"), way)
        assert await shop.log.cancel(second) is State.RUNNING
        assert (await shop.ended(second)).outcome == "cancelled"
        way.flow()
        assert (await shop.ended(first)).outcome == "completed"
    assert await shop.calls("second") == {**(await shop.calls("second")), "calls": 1, "closed_early": 0}


async def test_where_the_first_fails_the_second_makes_a_call_of_its_own(shop: Workshop) -> None:
    cut = "[[sim: cut-after=100 tokens=200 rate=400 first=0 times=1 tag=fails]]"
    async with on_the_way(shop) as (way, url), shop.worker(anthropic_base_url=url):
        first, second = await both(shop, cut, way, first={"on_interrupt": "fail"})
        way.flow()
        one, two = await shop.ended(first), await shop.ended(second)
    assert (one.outcome, two.outcome) == ("failed", "completed")
    assert (await shop.calls("fails"))["calls"] == 2
    assert (end(two)["attempts"], two.json("cost_usd") > 0, two.meta["shared_with"]) == (1, True, b"")
    assert len(two.json("calls")["lines"]) == 1


async def test_a_shared_answer_that_broke_off_uses_up_no_attempt(shop: Workshop) -> None:
    cut = "[[sim: cut-after=100 tokens=200 rate=400 first=0 times=2 tag=free]]"
    async with on_the_way(shop) as (way, url), shop.worker(anthropic_base_url=url, max_attempts=2):
        _, second = await both(shop, cut, way, first={"on_interrupt": "fail"})
        way.flow()
        two = await shop.ended(second)
    assert (two.outcome, end(two)["attempts"], two.names.count("relay.reset")) == ("completed", 2, 2)


async def test_where_the_first_begins_again_so_does_the_second_and_there_is_no_call_more(shop: Workshop) -> None:
    cut = "[[sim: cut-after=100 tokens=200 rate=400 first=0 times=1 tag=again]]"
    async with on_the_way(shop) as (way, url), shop.worker(anthropic_base_url=url):
        first, second = await both(shop, cut, way)
        way.flow()
        one, two = await shop.ended(first), await shop.ended(second)
    assert (one.outcome, two.outcome, two.text) == ("completed", "completed", one.text)
    assert (one.names.count("relay.reset"), two.names.count("relay.reset")) == (1, 1)
    assert ((await shop.calls("again"))["calls"], two.json("cost_usd")) == (2, 0)


async def test_where_the_first_loses_its_worker_the_second_makes_the_call_and_waits_for_nobody(shop: Workshop) -> None:
    """The one place that is left is taken by who would wait for who waits for a place."""
    prompt = "[[sim: tokens=400 rate=400 first=0 stall-after=20 times=1 tag=lost]]"
    alone = {"lease_seconds": 0.5, "worker_streams": 1}
    async with AsyncExitStack() as lost:
        await lost.enter_async_context(shop.worker(**alone))
        first = await shop.submit(prompt, **ASKS)
        await shop.until(first, lambda stream: bool(stream.text))
        async with shop.worker(**alone):
            second = await shop.submit(prompt, **ASKS)
            await shop.until(second, lambda stream: bool(stream.text))
            await lost.aclose()
            two, one = await shop.ended(second), await shop.ended(first)
    assert (one.outcome, two.outcome, one.text) == ("completed", "completed", two.text)
    assert (await shop.calls("lost"))["calls"] == 2
    assert (one.meta["cached_from"], len(two.json("calls")["lines"])) == (second.encode(), 1)
