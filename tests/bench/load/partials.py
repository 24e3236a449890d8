"""What it costs a front that somebody asks what the JSON of a stream says so far: CPU for each event.

    python -m tests.bench.load.partials

By a clock of its own a text of each size comes in deltas of four characters, 80 in a second, as models write; what is
measured is all that is done with an event beyond serving it. The longest is what everybody else on the loop waits.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from types import SimpleNamespace
from typing import Any, cast

from app.fanout.shaping.shape import Shape
from app.main import GC_THRESHOLD
from app.stream.frames import Position, encode_json, origin

PACE = 1 / 80
CHARACTERS = 4
SIZES = (2_000, 20_000, 200_000, 1_000_000)
STREAM = "st_measured"


class Clock(asyncio.SelectorEventLoop):
    """A loop that is told what time it is."""

    now = 0.0

    def time(self) -> float:
        return self.now


def document(size: int) -> str:
    """Records as an extraction has them, of about this size."""
    rows: list[dict[str, Any]] = []
    length = 0
    while length < size:
        n = len(rows)
        rows.append(
            {"id": n, "name": f"person number {n}", "tags": ["a", "b"], "score": n * 1.25, "note": "a word or two"}
        )
        length += len(json.dumps(rows[-1])) + 2
    return json.dumps(rows)


def frames(text: str) -> list[tuple[bytes, Position, Position]]:
    start = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    deltas = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text[at : at + CHARACTERS]}}
        for at in range(0, len(text), CHARACTERS)
    ]
    made, position = [], origin(STREAM)
    for event in (start, *deltas, {"type": "content_block_stop", "index": 0}):
        raw, after = encode_json(str(event["type"]), event, position)
        made.append((raw, position, after))
        position = after
    return made


async def measured(text: str) -> tuple[float, float, int]:
    """Microseconds an event, the longest of them in milliseconds, and how many values there were."""
    loop = cast("Clock", asyncio.get_running_loop())
    shape = Shape(cast("Any", SimpleNamespace(stream_id=STREAM)))
    shape.ready = True
    events = frames(text)
    took: list[float] = []
    for raw, start, end in events:
        loop.now += PACE
        began = time.thread_time()
        shape.take(raw, start, end)
        took.append(time.thread_time() - began)
    return sum(took) / len(took) * 1e6, max(took) * 1e3, shape.blocks.number


def main() -> None:
    gc.collect()  # as a front begins
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
    for size in SIZES:
        with asyncio.Runner(loop_factory=Clock) as runner:
            mean, longest, values = runner.run(measured(document(size)))
        told = f"{size:>9} bytes: {mean:6.1f} µs an event, the longest {longest:5.1f} ms, {values} values\n"
        sys.stdout.write(told)


if __name__ == "__main__":
    main()
