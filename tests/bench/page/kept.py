"""What stays: memory, coming back, weight, and the same page whether a text came whole or in pieces."""

from __future__ import annotations

import argparse
import random
import statistics

from playwright.async_api import Browser

from tests.bench.page.answers import MIXED, SHAPES, asking, numbered, shuffled
from tests.bench.page.chat import chat, come_back
from tests.bench.page.rows import Rows, note

RELOAD_MS = 300
WEIGHT_BYTES = 60_000
# A heap is flat when ten answers that were left behind have not made it larger than so much of what one of them held.
FLAT_BYTES = 1_000_000


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
              const { fetchRare, Markdown } = await import("/chat/markdown/markdown.js");
              await fetchRare();
              await (await import("/chat/markdown/math.js")).fetchTemml();
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
