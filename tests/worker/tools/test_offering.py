"""A worker says what it offers, and says it again when that changes."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from app.stream.workers import offers
from app.stream.workers.offers import Offers
from app.watch.events.of_processes import ToolLeftOut
from tests.harness.heard import heard
from worker.tools.offering import Offering
from worker.tools.tool import Tool

SCHEMA = b'{"type":"object"}'


async def test_what_it_offers_is_there_while_it_is_and_changes_with_it(redis: Redis) -> None:
    tools = {"clock": Tool("clock", "", SCHEMA)}
    there = Offers(redis, 600.0)
    changed = asyncio.Event()
    offering = Offering("w", lambda: tools, there, 600.0, changed)
    keeping = asyncio.create_task(offering.keep())
    while not await there.all():
        await asyncio.sleep(0)
    tools["mail"] = Tool("mail", "", SCHEMA, approve=True, owners=("ann",))
    changed.set()
    while len(found := await there.all()) < 2:
        await asyncio.sleep(0)
    assert [(offer.name, offer.approve, offer.owners) for offer in found] == [
        ("clock", False, None),
        ("mail", True, ("ann",)),
    ]
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await offering.end()
    assert await there.all() == []


async def test_what_has_no_room_is_told_once(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "OFFER_BYTES_MAX", 10)
    offering = Offering("w", lambda: {"clock": Tool("clock", "", SCHEMA)}, Offers(redis, 600.0), 600.0, asyncio.Event())
    with heard() as told:
        await offering.say()
        await offering.say()
    assert [event.tool for event in told if isinstance(event, ToolLeftOut)] == ["clock"]
