"""Two streams that ask the same, of which the second reads the first one along."""

from __future__ import annotations

from tests.worker.workshop import Stream, Workshop

# Half a second to write.
SLOW = "[[sim: tokens=200 rate=400 first=0 tag={tag}]]"
ASKS: dict[str, str | bytes] = {"cache": "60", "cache_key": "d"}


async def both(shop: Workshop, prompt: str, **fields: str | bytes) -> tuple[str, str]:
    """Two streams, of which the second follows the first, and has seen something of it."""
    first = await shop.submit(prompt, **ASKS)
    await shop.until(first, lambda stream: bool(stream.text))
    second = await shop.submit(prompt, **{**ASKS, **fields})
    await shop.until(second, lambda stream: bool(stream.text))
    return first, second


def end(stream: Stream) -> dict[str, object]:
    found: dict[str, object] = stream.data("relay.end")[0]
    return found
