"""While an answer comes: when its words are seen, and for how long the page does nothing else."""

from __future__ import annotations

import argparse
import statistics
from time import monotonic

from playwright.async_api import Browser

from app.dev.simulator.answer.answers import pieces
from tests.bench.page.answers import MIXED, SHAPES, asking, numbered
from tests.bench.page.chat import chat, scroll, tasks
from tests.bench.page.rows import Rows, note, quantile

FRAME_MS = 1000 / 60


async def pixels(browser: Browser, url: str, options: argparse.Namespace) -> Rows:
    """From the bytes of a token at the page to the end of the frame that shows it."""
    async with chat(browser, url) as page:
        await page.open()
        await page.page.evaluate("probe.numbers = true")
        await page.say(asking(numbered(options.tokens), rate=80))
        await page.ended()
        reads, paints = await page.probe("reads"), await page.probe("paints")
    pairs = paired(reads, paints)
    late = [paint[1] - read[0] for read, paint in pairs]
    # The display's own wait for its next frame is nobody's: what the page adds is what comes after that frame began.
    made = [paint[1] - max(paint[3], read[0]) for read, paint in pairs]
    missed = sum(paint[3] - read[0] > FRAME_MS for read, paint in pairs) / len(pairs)
    p50, p99 = statistics.median(late), quantile(late, 0.99)
    return [
        (
            f"bytes at the page to painted, {len(late)} tokens at 80/s (up to 16.7 ms wait for the display's frame)",
            f"p50 {p50:.1f} ms, p99 {p99:.1f} ms",
            "p50 below 16.7 ms",
            p50 < FRAME_MS,
        ),
        (
            "… of it from the beginning of the frame, which the page can do something about",
            f"p50 {statistics.median(made):.1f} ms, p99 {quantile(made, 0.99):.1f} ms",
            "16.7 ms",
            quantile(made, 0.99) < FRAME_MS,
        ),
        ("… not in the next frame", f"{missed:.1%}", "", True),
    ]


def paired(reads: list[list[float]], paints: list[list[float]]) -> list[tuple[list[float], list[float]]]:
    """Each read with the first painting that has all of it."""
    found, at = [], 0
    for read in reads:
        while at < len(paints) and (paints[at][2] < read[1] or paints[at][0] < read[0]):
            at += 1
        if at < len(paints):
            found.append((read, paints[at]))
    return found


async def long(browser: Browser, url: str, options: argparse.Namespace) -> Rows:
    """Long tasks of an answer of 10,000 tokens: as it comes, as it is found again, as it is scrolled through."""
    rows: Rows = []
    for rate in options.rates:
        async with chat(browser, url) as page:
            await page.open()
            await page.long_tasks()
            await page.say(asking(MIXED, rate=rate, tokens=10_000))
            await page.ended()
            pace = f"{rate:g} tokens/s" if rate else "as fast as possible"
            rows.append(tasks(f"10,000 tokens of mixed Markdown, {pace}", *await page.long_tasks()))
            if rate != options.rates[-1]:
                continue
            await page.page.reload()
            await page.ended()
            rows.append(tasks("… reloaded", *await page.long_tasks()))
            await scroll(page)
            rows.append(tasks("… scrolled from its top to its end", *await page.long_tasks()))
    return rows


async def shapes(browser: Browser, url: str, options: argparse.Namespace) -> Rows:
    """The same of answers that are one block, which stands open to its end."""
    rows: Rows = []
    for name, text in SHAPES.items():
        async with chat(browser, url) as page:
            await page.open()
            await page.long_tasks()
            began = monotonic()
            await page.say(asking(text, rate=options.rates[-1]))
            await page.ended()
            took = monotonic() - began
            what = f"{name}, {len(pieces(text)):,} tokens at {options.rates[-1]:g}/s"
            rows.append(tasks(what, *await page.long_tasks()))
            note(f"    {took:.1f} s")
            await page.page.reload()
            await page.ended()
            rows.append(tasks("… reloaded", *await page.long_tasks()))
    return rows
