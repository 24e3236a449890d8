"""Which tools a prompt may ask for: what the workers offer, as it was a moment ago.

The rule: a name that is not found is looked for once more before it is refused, because a worker may have come; and a
tool that is another's is refused in the same words as one that is nobody's. Workers that were there a moment ago come
back, or others do: what they offered is asked for in good faith, and waits for them in the line like any prompt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from app.intake.raw_json import InvalidPromptError, Raw, elements, fields_of, kind_of, members, read
from app.stream.workers.offers import Offer, Offers

# What was read so long ago is as good as new.
FRESH_SECONDS = 1.0
# Of a name that is unknown, the same: a herd of wrong prompts asks Redis so often and no more.
AGAIN_SECONDS = 0.1
# Above what an outage of Redis, or a restart of all workers, takes.
LATELY_SECONDS = 60.0


class Offered:
    """What one front knows of it."""

    def __init__(self, offers: Offers, clock: Callable[[], float] = time.monotonic) -> None:
        self._offers = offers
        self._clock = clock
        self._known: list[Offer] = []
        self._at = float("-inf")
        # Until when what was offered is still asked for in good faith.
        self._lately: dict[tuple[str, tuple[str, ...] | None], tuple[float, Offer]] = {}

    async def to(self, owner: str) -> list[Offer]:
        """What this owner may use, by name, each once. Raises Redis' errors."""
        return _each_once(offer for offer in await self._fresh(FRESH_SECONDS) if offer.may(owner))

    async def check(self, tools: Iterable[str], body: bytes, owner: str) -> None:
        """Raises `InvalidPromptError` where a prompt may not ask for these, and Redis' errors."""
        missing = [name for name in tools if name not in await self._names(owner, FRESH_SECONDS)]
        if missing:
            there = await self._names(owner, AGAIN_SECONDS)
            now_there = {offer.name for offer in self._known}
            lately = (offer for _, offer in self._lately.values() if offer.name not in now_there)
            there |= {offer.name for offer in lately if offer.may(owner)}
            for name in missing:
                if name not in there:
                    raise InvalidPromptError(f"relay.tools: no worker offers you a tool {name}; see GET /v1/tools")
        theirs = set(_named_in(body))
        for name in tools:
            if name in theirs:
                raise InvalidPromptError(f"tools: {name} is also one of relay.tools: call yours otherwise")

    async def _names(self, owner: str, seconds: float) -> set[str]:
        return {offer.name for offer in await self._fresh(seconds) if offer.may(owner)}

    async def _fresh(self, seconds: float) -> list[Offer]:
        now = self._clock()
        if now - self._at > seconds:
            self._known, self._at = await self._offers.all(), now
            known = {(offer.name, offer.owners): (now + LATELY_SECONDS, offer) for offer in self._known}
            self._lately = {key: one for key, one in self._lately.items() if one[0] > now} | known
        return self._known


def _each_once(offers: Iterable[Offer]) -> list[Offer]:
    return list({offer.name: offer for offer in offers}.values())


def _named_in(body: bytes) -> Iterator[str]:
    """The names of the tools in a request; what is none is for the upstream to judge."""
    tools = fields_of(body).get("tools")
    if tools is None or kind_of(tools) != "array":
        return
    for tool in elements(tools):
        name: Raw | None = members(tool).get("name") if kind_of(tool) == "object" else None
        if name is not None and kind_of(name) == "string":
            yield read(name)
