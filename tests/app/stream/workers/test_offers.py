"""What workers offer: said with their renewals, gone when they are."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from redis.asyncio import Redis

from app.stream import keys
from app.stream.workers import offers
from app.stream.workers.offers import Offer, Offers, written

CLOCK = Offer("clock", "The time.", {"type": "object"}, repeatable=True)
MAIL = Offer("mail", "Sends.", {"type": "object"}, approve=True, owners=("ann",))
BOTH, _ = written([MAIL, CLOCK])
ONE, _ = written([CLOCK])
LEASE_SECONDS = 10.0


async def names(redis: Redis) -> list[str]:
    return [offer.name for offer in await Offers(redis, LEASE_SECONDS).all()]


async def age(redis: Redis, worker: str) -> None:
    """Makes what a worker said as old as no living one's is."""
    said: bytes = (await redis.hgetall(keys.TOOLS))[worker.encode()]
    at, _, digest = said.decode().partition(" ")
    await redis.hset(keys.TOOLS, worker, f"{int(at) - 61_000} {digest}")


async def test_what_is_said_is_read_as_it_was_and_once(redis: Redis) -> None:
    said = Offers(redis, LEASE_SECONDS)
    assert await said.all() == []
    for worker in ("a", "b", "a"):
        await said.say(worker, BOTH)
    assert await said.all() == [CLOCK, MAIL]
    assert len(await redis.hgetall(keys.TOOL_TEXTS)) == 1
    assert await redis.ttl(keys.TOOLS) > 0
    assert await redis.ttl(keys.TOOL_TEXTS) > 0


async def test_who_leaves_or_says_nothing_any_more_offers_nothing(redis: Redis) -> None:
    said = Offers(redis, LEASE_SECONDS)
    await said.say("a", BOTH)
    await said.say("b", ONE)
    await age(redis, "a")
    assert await names(redis) == ["clock"]
    await said.say("b", ONE)
    assert set(await redis.hgetall(keys.TOOLS)) == {b"b"}
    assert len(await redis.hgetall(keys.TOOL_TEXTS)) == 1
    await said.forget("b")
    assert await names(redis) == []
    assert await redis.hgetall(keys.TOOL_TEXTS) == {}


async def test_who_stood_still_for_less_than_a_minute_still_offers_it(redis: Redis) -> None:
    hurried = Offers(redis, 1.0)
    await hurried.say("a", ONE)
    said: bytes = (await redis.hgetall(keys.TOOLS))[b"a"]
    at, _, digest = said.decode().partition(" ")
    await redis.hset(keys.TOOLS, "a", f"{int(at) - 50_000} {digest}")
    assert await hurried.all() == [CLOCK]


async def test_what_changes_takes_the_place_of_what_was(redis: Redis) -> None:
    said = Offers(redis, LEASE_SECONDS)
    await said.say("a", BOTH)
    await said.say("a", ONE)
    assert await names(redis) == ["clock"]
    assert list((await redis.hgetall(keys.TOOL_TEXTS)).values()) == [ONE]


async def test_definitions_that_were_lost_are_said_again(redis: Redis) -> None:
    said = Offers(redis, LEASE_SECONDS)
    await said.say("a", ONE)
    await redis.delete(keys.TOOL_TEXTS)
    assert await names(redis) == []
    await said.say("a", ONE)
    assert await names(redis) == ["clock"]


@pytest.mark.parametrize("text", [b"no JSON", b"[1]", b"{}", b'[{"name":"a"}]', b"null", b'[{"name":1}]'])
async def test_what_cannot_be_read_is_not_offered(redis: Redis, text: bytes) -> None:
    said = Offers(redis, LEASE_SECONDS)
    await said.say("newer", text)
    await said.say("ours", ONE)
    assert await names(redis) == ["clock"]


async def test_what_another_version_says_besides_is_no_matter(redis: Redis) -> None:
    more = [{**one, "more": 1} for one in orjson.loads(BOTH)]
    await Offers(redis, LEASE_SECONDS).say("newer", orjson.dumps(more))
    assert await names(redis) == ["clock", "mail"]


def test_what_has_no_room_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "OFFER_BYTES_MAX", len(ONE) + 5)
    large = replace(MAIL, description="x" * 1_000)
    assert written([large, CLOCK]) == (ONE, ["mail"])


def test_whose_it_is_is_told_nobody() -> None:
    assert MAIL.shown() == {
        "name": "mail",
        "description": "Sends.",
        "input_schema": {"type": "object"},
        "approve": True,
        "repeatable": False,
    }
    assert [MAIL.may(owner) for owner in ("ann", "bob")] == [True, False]
