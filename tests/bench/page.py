"""What a person feels of the chat page, in a real Chromium: pixels, long tasks, memory, coming back, weight.

    python -m tests.bench.page

Real processes on this machine, a page that is used as a person uses it. Prints a Markdown table; exits 1 where a figure
is not reached. `--only` takes some of: pixels long shapes memory reload weight pieces.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import statistics
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

from playwright.async_api import Browser, CDPSession, Page, async_playwright

from app.dev.simulator.answer.answers import pieces
from app.dev.simulator.answer.texts import TEXTS
from tests.harness.relay import Relay

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--enable-precise-memory-info"),
]
PROBE = Path(__file__).with_name("page.js")
PATIENCE_SECONDS = 120

FRAME_MS = 1000 / 60
LONG_TASK_MS = 50
RELOAD_MS = 300
WEIGHT_BYTES = 60_000
# A heap is flat when ten answers that were left behind have not made it larger than so much of what one of them held.
FLAT_BYTES = 1_000_000


# --- the answers


def numbered(tokens: int) -> str:
    """Markdown of about so many tokens, each word a number of its own: what stands on a page tells how far it is."""
    numbers, parts, rest = count(1), [], tokens

    def words(many: int) -> str:
        return " ".join(f"{next(numbers):05}" for _ in range(many))

    shapes: list[Callable[[], str]] = [
        lambda: f"## About {words(3)}",
        lambda: f"{words(20)} **{words(3)}** {words(30)}, then `{words(2)}` and {words(10)}",
        lambda: "\n".join(f"- {words(9)} *{words(2)}* {words(4)}" for _ in range(4)),
        lambda: "\n".join(f"{n}. {words(12)}" for n in range(1, 4)),
        lambda: "```python\n" + "\n".join(f"values = [{words(5).replace(' ', ', ')}]" for _ in range(6)) + "\n```",
        lambda: f"> {words(25)}",
    ]
    while rest > 0:
        part = shapes[len(parts) % len(shapes)]()
        parts.append(part)
        rest -= len(pieces(part)) + 1
    return "\n\n".join(parts)


MIXED = "\n\n".join(text.markdown for text in TEXTS)
SHAPES = {
    name: head + "\n".join(line(n) for n in range(1, many)) + tail
    for name, head, line, tail, many in [
        ("one list", "", lambda n: f"{n}. Item **{n}** of a list that does not end, with `code_{n}` in it", "", 500),
        ("one table", "| n | square | what |\n|--:|--:|---|\n", lambda n: f"| {n} | {n * n} | *row* {n} |", "", 500),
        ("one code block", "```python\n", lambda n: f"def f{n}(x: int) -> int: return x * {n}  # {n}", "\n```", 500),
        ("nested lists", "", lambda n: f"{'  ' * (n % 4)}- level {n % 4} of **{n}**, with a few words", "", 700),
        ("one quote", "", lambda n: f"> line {n} of a quotation that somebody did not want to end", "", 700),
        ("one paragraph", "A paragraph without an end, *emphasis* and `code` included. " * 700, str, "", 2),
    ]
}


def asking(text: str, *, rate: float, tokens: int | None = None) -> str:
    kept = "" if tokens is None else f" tokens={tokens}"
    return f"[[sim: first=0.2 rate={rate}{kept} text={json.dumps(text)}]]"


# --- the page


class Chat:
    """One page, used like a person would."""

    def __init__(self, page: Page, devtools: CDPSession, url: str) -> None:
        self.page, self.devtools, self.url = page, devtools, url
        self.wrong: list[str] = []
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("console", lambda message: message.type == "error" and self.wrong.append(message.text))

    async def open(self, conversation: str = "") -> None:
        await self.page.goto(f"{self.url}/{conversation}")
        await self.shown("html[data-ready]")

    async def say(self, prompt: str) -> None:
        await self.page.get_by_label("Message", exact=True).fill(prompt)
        await self.page.keyboard.press("Enter")
        await self.shown("article.running")

    async def ended(self) -> None:
        await self.shown("article.assistant:not(.running) .numbers")
        await self.page.wait_for_timeout(600)  # colours come after the text

    async def shown(self, selector: str) -> None:
        # Not `wait_for_selector`: the handle that it returns keeps what it found in memory.
        await self.page.locator(selector).wait_for(state="attached")

    async def new(self) -> None:
        await self.page.get_by_role("link", name="New chat").first.click()
        await self.page.wait_for_function("!document.querySelector('#log').childElementCount")

    async def probe(self, name: str) -> Any:
        return await self.page.evaluate(f"probe.{name}")

    async def long_tasks(self) -> tuple[int, float]:
        """How many there were since the last time, and the longest one's milliseconds."""
        await self.page.wait_for_timeout(100)
        tasks, frames = await self.probe("tasks"), await self.probe("frames")
        for start, duration, blocked, scripts in frames:
            note(f"    a frame of {duration:.0f} ms at {start:.0f} ms, {blocked:.0f} ms blocked: {scripts}")
        await self.page.evaluate("probe.clear()")
        return len(tasks), max((duration for _, duration in tasks), default=0.0)

    async def heap(self) -> dict[str, float]:
        for _ in range(3):
            await self.devtools.send("HeapProfiler.collectGarbage")
        metrics = await self.devtools.send("Performance.getMetrics")
        return {metric["name"]: metric["value"] for metric in metrics["metrics"]}


@asynccontextmanager
async def chat(browser: Browser, url: str) -> AsyncIterator[Chat]:
    context = await browser.new_context(viewport={"width": 1200, "height": 820})
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_SECONDS * 1000)
    await page.add_init_script(path=PROBE)
    devtools = await context.new_cdp_session(page)
    await devtools.send("Performance.enable")
    try:
        opened = Chat(page, devtools, url)
        yield opened
        assert not opened.wrong, opened.wrong
    finally:
        await context.close()


# --- what is measured: each gives rows of (what, measured, target, reached)

Rows = list[tuple[str, str, str, bool]]
Measure = Callable[[Browser, str, argparse.Namespace], Coroutine[Any, Any, Rows]]


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


AT_END = """(() => {
  const { scrollTop, clientHeight, scrollHeight } = document.querySelector("#scroll");
  return scrollTop + clientHeight >= scrollHeight - 5;
})()"""


async def scroll(page: Chat) -> None:
    await page.page.evaluate("document.querySelector('#scroll').scrollTop = 0")
    await page.page.wait_for_timeout(300)
    await page.page.mouse.move(700, 400)
    for _ in range(500):
        await page.page.mouse.wheel(0, 300)
        if await page.page.evaluate(AT_END):
            return
        await page.page.wait_for_timeout(16)


def tasks(what: str, many: int, longest: float) -> tuple[str, str, str, bool]:
    return what, f"{many} long tasks" + (f", the longest {longest:.0f} ms" if many else ""), "none", many == 0


async def memory(browser: Browser, url: str, options: argparse.Namespace) -> Rows:
    """What is left of long answers in chats that one has gone away from."""
    rows: Rows = []
    async with chat(browser, url) as page:
        await page.open()
        at: dict[int, dict[str, float]] = {0: await page.heap()}
        for n in range(1, options.answers + 1):
            await page.say(asking(MIXED, rate=0, tokens=10_000))
            await page.ended()
            await page.new()
            await page.page.evaluate("probe.clear()")
            at[n] = await page.heap()
        shown = [n for n in at if n in (0, 1, 5, options.answers)]
        grown = at[options.answers]["JSHeapUsedSize"] - at[1]["JSHeapUsedSize"]
        for name, unit, per in (("JSHeapUsedSize", " MB", 1e6), ("Nodes", "", 1), ("JSEventListeners", "", 1)):
            values = ", ".join(f"{at[n][name] / per:.{2 if unit else 0}f}{unit}" for n in shown)
            what = f"{name} after {', '.join(map(str, shown))} answers of 10,000 tokens"
            rows.append((what, values, "flat", not unit or grown < FLAT_BYTES))
    return rows


async def reload(browser: Browser, url: str, options: argparse.Namespace) -> Rows:
    """From the start of a navigation in the middle of an answer to text that is whole and grows."""
    times: dict[str, list[float]] = {}
    async with chat(browser, url) as page:
        await page.page.add_init_script("probe.numbers = true")
        done = 0
        while done < options.reloads:
            await page.open()
            await page.new()
            await page.say(asking(numbered(2000), rate=80))
            await page.page.wait_for_timeout(6000)
            for _ in range(min(10, options.reloads - done)):
                await page.page.wait_for_timeout(random.randint(600, 1000))  # noqa: S311 - not a secret
                for name, ms in (await come_back(page)).items():
                    times.setdefault(name, []).append(ms)
                done += 1
            await page.page.get_by_role("button", name="Stop").click()
            await page.page.locator("article.running").wait_for(state="detached")
    live = times.pop("live")
    parts = ", ".join(f"{name} {statistics.median(values):.0f}" for name, values in times.items())
    return [
        (f"reload mid-stream of 2,000 tokens, whole and live again ({len(live)} reloads)",
         f"p50 {statistics.median(live):.0f} ms, max {max(live):.0f} ms", f"{RELOAD_MS} ms", max(live) < RELOAD_MS),
        ("… where the time goes, ms since the navigation's start, medians", parts, "", True),
    ]  # fmt: skip


async def come_back(page: Chat) -> dict[str, float]:
    """Milliseconds since the navigation's start, of one reload."""
    before = await page.page.evaluate("probe.highest()")
    await page.page.reload(wait_until="commit")
    # The first read that brings as little as live ones do, once what had been sent before has come.
    found = await page.page.wait_for_function(
        """(before) => {
          const whole = probe.reads.findIndex((read) => read[1] >= before);
          const live = whole < 0 ? null : probe.reads.slice(whole + 1).find((read) => read[2] <= 3);
          const paint = live && probe.paints.find((paint) => paint[2] >= live[1]);
          return paint && { live: paint[1], text: document.querySelector("#log .markdown").textContent };
        }""",
        arg=before,
    )
    seen = await found.json_value()
    numbers = numbers_in(seen["text"])
    assert numbers == list(range(1, len(numbers) + 1)), "not whole"
    calls = await page.probe("calls")
    timing = await page.page.evaluate(
        """() => {
          const [navigation] = performance.getEntriesByType("navigation");
          const modules = performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(".js"));
          return { page: navigation.responseEnd, modules: Math.max(...modules.map((entry) => entry.responseEnd)),
            drawn: probe.paints[0][1] };
        }"""
    )
    conversation = next(call for call in calls if "/v1/conversations/" in call["url"] and "/events" not in call["url"])
    stream = next(call for call in calls if "/v1/streams/" in call["url"])
    return {
        "page": timing["page"],
        "modules": timing["modules"],
        "conversation asked": conversation["start"],
        "conversation there": conversation["first"] if "first" in conversation else conversation["head"],
        "stream asked": stream["start"],
        "first event": stream["first"],
        "drawn": timing["drawn"],
        "live": seen["live"],
    }


def numbers_in(text: str) -> list[int]:
    """All numbers of five digits; where a block ends nothing stands between two."""
    digits = re.findall(r"\d+", text)
    return [int(run[at : at + 5]) for run in digits for at in range(0, len(run), 5)]


async def weight(browser: Browser, url: str, _: argparse.Namespace) -> Rows:
    """Everything that is loaded for a chat, with colours for code."""
    async with chat(browser, url) as page:
        await page.open()
        await page.say(asking(MIXED, rate=0))
        await page.ended()
        sizes = await page.page.evaluate(
            """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
              .filter(({ name }) => !name.includes("/v1/"))
              .map(({ name, encodedBodySize }) => [name, encodedBodySize])"""
        )
    total = sum(size for _, size in sizes)
    languages = sum(size for name, size in sizes if "/speed-highlight/" in name)
    elsewhere = [name for name, _ in sizes if not name.startswith(url)]
    assert not elsewhere, elsewhere
    what = f"everything that is loaded, {len(sizes)} files, gzipped ({languages:,} bytes of it colour code)"
    return [(what, f"{total:,} bytes", f"{WEIGHT_BYTES:,} bytes", total < WEIGHT_BYTES)]


async def pieces_equal(browser: Browser, url: str, options: argparse.Namespace) -> Rows:
    """Markdown that came in pieces of any size looks as if it had been written at once."""
    async with chat(browser, url) as page:
        await page.open()
        texts = [MIXED, numbered(300), *(text[:3000] for text in SHAPES.values())]
        texts += [shuffled(random.Random(seed)) for seed in range(options.texts)]  # noqa: S311 - not a secret
        different = await page.page.evaluate(
            """async (texts) => {
              const { Markdown } = await import("/chat/markdown.js");
              const of = (parts, often) => {
                const root = document.createElement("div");
                document.body.append(root);
                const markdown = new Markdown(root);
                for (const part of parts) {
                  markdown.write(part);
                  while (Math.random() < often && markdown.draw(0)) ;
                }
                markdown.end();
                while (markdown.draw(performance.now() + 8)) ;
                root.normalize();
                root.remove();
                return root.innerHTML;
              };
              const broken = (text) => {
                const [parts, most] = [[], [3, 20, 200][Math.floor(Math.random() * 3)]];
                for (let at = 0; at < text.length; ) {
                  const to = at + 1 + Math.floor(Math.random() * most);
                  parts.push(text.slice(at, to));
                  at = to;
                }
                return parts;
              };
              return texts.flatMap((text) => {
                const [whole, grown] = [of([text], 0), of(broken(text), 0.7)];
                return whole === grown ? [] : [[text, whole, grown]];
              });
            }""",
            texts,
        )
    for text, whole, grown in sorted(different, key=len)[:9]:
        note(f"--- text\n{text}\n--- at once\n{whole}\n--- in pieces\n{grown}\n---")
    return [(f"{len(texts)} texts in random pieces look as at once", f"{len(different)} differ", "none", not different)]


LINES = (
    *("# Title", "Some *text* with **more**", "and `code` in it", "", "", "", "- item", "  - inner", "- [ ] to do"),
    *("1. one", "2. two", "   deeper", "| a | b |", "|---|--:|", "| 1 | 2 |", "> quoted", "> > twice", "---", "==="),
    *("```python", "def f(): pass", "```", "~~~", "    indented", "[a link](https://example.org)", "[ref][r]"),
    *("[r]: https://example.org", "<b>html</b>", "<div>", "a\\*b _c_ ~~d~~", "![p](https://example.org/p.png)"),
    *("https://example.org/x", "**open", "`open", "* * *", "&amp; &lt;", "ordinary words that go on", "+ plus", "\t"),
    *(
        "#tag",
        "***both*** at a line's start",
        "1.5 metres",
        "-5 degrees",
        "*begun* so",
        "+1",
        "<3 of it",
        "1) one",
        "=5",
    ),
    *("```code``` in a line", "~~gone~~ is gone", "# ", "| x", "***", "_so_ too", "    ", "- ", "2.", "<!-- note -->"),
)


def shuffled(dice: random.Random) -> str:
    return "\n".join(dice.choice(LINES) for _ in range(dice.randint(3, 40)))


MEASURES: dict[str, Measure] = {
    "pixels": pixels,
    "long": long,
    "shapes": shapes,
    "memory": memory,
    "reload": reload,
    "weight": weight,
    "pieces": pieces_equal,
}


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def note(text: str) -> None:
    sys.stderr.write(text + "\n")


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
