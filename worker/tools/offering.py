"""What a worker says that it offers: with its renewals, and at once when something changes.

The rule: what is said is what can be called now; whoever does not say it any more is not asked for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping

import orjson

from app.stream.observing import tell
from app.stream.redis.refusals import NO_ANSWER
from app.stream.workers.offers import Offer, Offers, written
from app.watch.events import of_processes
from worker.tools.tool import Tool


class Offering:
    """Of `worker`, every `seconds`, and when `changed` is set."""

    def __init__(
        self,
        worker: str,
        offered: Callable[[], Mapping[str, Tool]],
        offers: Offers,
        seconds: float,
        changed: asyncio.Event,
    ) -> None:
        self._worker = worker
        self._offered = offered
        self._offers = offers
        self._seconds = seconds
        self._changed = changed
        self._left_out: list[str] = []

    async def say(self) -> None:
        """Raises Redis' errors."""
        self._changed.clear()
        definitions, left_out = written(map(_offer_of, self._offered().values()))
        if left_out != self._left_out:
            self._left_out = left_out
            for name in left_out:
                tell(of_processes.ToolLeftOut(name, "there is no room for its definition"))
        await self._offers.say(self._worker, definitions)

    async def keep(self) -> None:
        """For as long as the process lives; raises when Redis does not answer."""
        while True:
            await self.say()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    await self._changed.wait()

    async def end(self) -> None:
        """Nobody is to ask for them any more; where Redis does not hear it, it is forgotten in a while."""
        with contextlib.suppress(*NO_ANSWER):
            await self._offers.forget(self._worker)


def _offer_of(tool: Tool) -> Offer:
    schema = orjson.loads(tool.input_schema)
    return Offer(tool.name, tool.description, schema, tool.approve, tool.repeatable, tool.owners)
