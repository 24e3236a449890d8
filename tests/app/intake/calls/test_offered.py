"""Which tools a prompt may ask for."""

from __future__ import annotations

import orjson
import pytest

from app.intake.calls.offered import AGAIN_SECONDS, FRESH_SECONDS, LATELY_SECONDS, Offered
from app.intake.prompt import InvalidPromptError
from app.stream.workers.offers import Offer

CLOCK = Offer("clock", "", {})
MAIL = Offer("mail", "", {}, owners=("ann", "team/bob"))


class Said:
    """What workers say, and how often somebody asked."""

    def __init__(self, *offers: Offer) -> None:
        self.offers = list(offers)
        self.asked = 0
        self.now = 100.0

    async def all(self) -> list[Offer]:
        self.asked += 1
        return list(self.offers)


def offered(said: Said) -> Offered:
    return Offered(said, lambda: said.now)  # type: ignore[arg-type]


async def refused(found: Offered, *tools: str, body: bytes = b"{}", owner: str = "ann") -> str:
    with pytest.raises(InvalidPromptError) as refusal:
        await found.check(tools, body, owner)
    return str(refusal.value)


async def test_each_owner_is_told_what_it_may_use() -> None:
    found = offered(Said(CLOCK, MAIL, CLOCK))
    told = {owner: [offer.name for offer in await found.to(owner)] for owner in ("ann", "bob", "team", "team/bob")}
    assert told == {"ann": ["clock", "mail"], "bob": ["clock"], "team": ["clock"], "team/bob": ["clock", "mail"]}


async def test_what_was_read_a_moment_ago_is_not_asked_again() -> None:
    said = Said(CLOCK)
    found = offered(said)
    for now in (100.0, 100.0 + FRESH_SECONDS):
        said.now = now
        await found.check(["clock"], b"{}", "ann")
    assert said.asked == 1
    said.now += 0.1
    await found.to("ann")
    assert said.asked == 2


async def test_a_name_that_nobody_offers_is_refused_by_name_after_another_look() -> None:
    said = Said(CLOCK)
    found = offered(said)
    assert "a tool mail; see" in await refused(found, "clock", "mail")
    said.now += AGAIN_SECONDS + 0.01
    said.offers.append(MAIL)
    await found.check(["clock", "mail"], b"{}", "ann")
    assert said.asked == 2


async def test_anothers_tool_is_refused_as_if_there_was_none() -> None:
    found = offered(Said(CLOCK, MAIL))
    assert await refused(found, "mail", owner="bob") == (await refused(found, "teleport")).replace("teleport", "mail")


async def test_a_tool_of_the_clients_with_the_same_name_is_refused() -> None:
    found = offered(Said(CLOCK, MAIL))
    body = orjson.dumps({"tools": [1, {"name": 3}, {"type": "web_search"}, {"name": "clock"}]})
    assert "tools: clock is also" in await refused(found, "mail", "clock", body=body)
    await found.check(["mail"], body, "ann")
    await found.check(["mail"], b'{"tools":3}', "ann")


async def test_what_was_offered_until_a_moment_ago_may_be_asked_for() -> None:
    """No worker is there, or none can say so: a prompt waits for one, and is not refused for good."""
    said = Said(CLOCK, MAIL)
    found = offered(said)
    await found.check(["clock", "mail"], b"{}", "ann")
    said.offers = []
    said.now += FRESH_SECONDS + 0.1
    await found.check(["clock", "mail"], b"{}", "ann")
    assert await found.to("ann") == []
    assert "a tool mail; see" in await refused(found, "mail", owner="bob")
    said.offers = [Offer("mail", "", {}, owners=("bob",))]
    said.now += AGAIN_SECONDS + 0.1
    assert "a tool mail; see" in await refused(found, "mail")
    said.now += LATELY_SECONDS
    assert "a tool clock; see" in await refused(found, "clock")
