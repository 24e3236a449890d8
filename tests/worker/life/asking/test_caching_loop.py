"""In a loop of tools each turn reads from the cache what those before it wrote there."""

from __future__ import annotations

import orjson

from tests.worker.workshop import Workshop

PROMPT = "What time is it? [[sim: tools=clock turns=3]]" + " and again" * 1_000


async def test_each_turn_of_a_loop_reads_what_the_one_before_wrote(shop: Workshop) -> None:
    async with shop.worker():
        stream = await shop.run(PROMPT, tools=orjson.dumps(["clock"]), max_turns="9", cache_prompt="5m")
    assert stream.outcome == "completed"
    used = [told["message"]["usage"] for told in stream.data("message_start")]
    kept = [use["cache_read_input_tokens"] + use["cache_creation_input_tokens"] for use in used]
    assert [use["cache_read_input_tokens"] for use in used] == [0, *kept[:-1]]
    assert kept == sorted(set(kept))
