"""What a person feels of the chat page, in a real Chromium: pixels, long tasks, memory, coming back, weight.

    python -m tests.bench.page

Real processes on this machine, a page that is used as a person uses it. Prints a Markdown table; exits 1 where a figure
is not reached. `--only` takes some of: load pixels long shapes memory reload weight pieces.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from playwright.async_api import Browser, async_playwright

from tests.bench.page.begin import load
from tests.bench.page.chat import CHROMIUM, FLAGS
from tests.bench.page.kept import memory, pieces_equal, reload, weight
from tests.bench.page.live import long, pixels, shapes
from tests.bench.page.rows import Rows, note
from tests.harness.relay import Relay

Measure = Callable[[Browser, str, argparse.Namespace], Coroutine[Any, Any, Rows]]


MEASURES: dict[str, Measure] = {
    "load": load,
    "pixels": pixels,
    "long": long,
    "shapes": shapes,
    "memory": memory,
    "reload": reload,
    "weight": weight,
    "pieces": pieces_equal,
}


async def measure(url: str, options: argparse.Namespace) -> bool:
    rows: Rows = []
    async with async_playwright() as playwright:
        for name in options.only:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            before = os.getloadavg()[0]
            note(f"{name} (load {before:.1f})")
            try:
                for row in await MEASURES[name](browser, url, options):
                    note(f"  {row[0]}: {row[1]}")
                    rows.append(row)
            finally:
                await browser.close()
    lines = ["| what | measured | target | |", "| --- | --- | --- | --- |"]
    lines += [f"| {what} | {found} | {target} | {'' if good else 'missed'} |" for what, found, target, good in rows]
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    sys.stdout.write("\n".join(lines) + f"\n\nLoad of the machine's {os.cpu_count()} CPUs at the end: {load}.\n")
    return all(reached for *_, reached in rows)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.page", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES))
    parser.add_argument("--tokens", type=int, default=1200, help="tokens at 80/s (default: 1200)")
    parser.add_argument("--rates", type=float, nargs="+", default=[0, 2000], help="tokens/s of long answers")
    parser.add_argument("--answers", type=int, default=10, help="long answers for the heap (default: 10)")
    parser.add_argument("--reloads", type=int, default=15, help="(default: 15)")
    parser.add_argument("--texts", type=int, default=300, help="random texts in pieces (default: 300)")
    parser.add_argument("--url", help="a Keepstream that runs already")
    options = parser.parse_args()
    if options.url:
        return 0 if asyncio.run(measure(options.url, options)) else 1
    with Relay(KEEPSTREAM_LOG_LEVEL="warning", KEEPSTREAM_MAX_TOKENS="60000") as relay:
        return 0 if asyncio.run(measure(relay.url, options)) else 1


if __name__ == "__main__":
    sys.exit(main())
