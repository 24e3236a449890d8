"""Two streams that ask the same, of which the second reads the first one along."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.harness.network.proxy import Proxy
from tests.worker.workshop import Stream, Workshop

# Half a second to write.
SLOW = "[[sim: tokens=200 rate=400 first=0 tag={tag}]]"
ASKS: dict[str, str | bytes] = {"cache": "60", "cache_key": "d"}


@asynccontextmanager
async def on_the_way(shop: Workshop) -> AsyncIterator[tuple[Proxy, str]]:
    """What stands before the simulated Claude, and its address: while it stalls, no stream comes to its end."""
    claude = urlsplit(shop.claude)
    async with Proxy(str(claude.hostname), int(claude.port or 0)) as way:
        yield way, f"http://127.0.0.1:{way.port}"


async def both(
    shop: Workshop,
    prompt: str,
    way: Proxy | None = None,
    *,
    first: dict[str, str | bytes] | None = None,
    **fields: str | bytes,
) -> tuple[str, str]:
    """Two streams, of which the second follows the first, and has seen something of it. Both are only begun for as long
    as the `way` to the upstream stalls, as it does from here on. What each asks for alone is in `first` and `fields`.
    """
    one = await shop.submit(prompt, **{**ASKS, **(first or {})})
    await shop.until(one, lambda stream: bool(stream.text))
    if way is not None:
        way.stall()
    other = await shop.submit(prompt, **{**ASKS, **fields})
    await shop.until(other, lambda stream: bool(stream.text))
    return one, other


def end(stream: Stream) -> dict[str, object]:
    found: dict[str, object] = stream.data("relay.end")[0]
    return found
