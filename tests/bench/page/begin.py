"""How soon a page stands: its first paint, and what keeps its thread busy until then; with few chats and many."""

from __future__ import annotations

import argparse
import asyncio
import statistics

import httpx
from playwright.async_api import Browser

from tests.bench.page.chat import chat
from tests.bench.page.rows import Rows

PAINT_MS = 100
TASK_MS = 50
CHATS = 200
# A paint that is late by the display's frame and by what the browser itself does is waited for.
SETTLED_MS = 500
_PAINT = """async () => {
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  return paint.startTime;
}"""


async def load(browser: Browser, url: str, options: argparse.Namespace) -> Rows:
    """Visits, each by a browser that has been here before."""
    rows = await _visited(browser, url, options.reloads, "a page")
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        titles = [f"Chat number {number}" for number in range(CHATS)]
        await asyncio.gather(*(client.post("/v1/conversations", json={"title": title}) for title in titles))
    rows += await _visited(browser, url, options.reloads, f"a page with {CHATS} chats")
    return rows + await _gone_through(browser, url)


async def _gone_through(browser: Browser, url: str) -> Rows:
    """All chats are shown, looked through by typing, and gone through by the arrow keys."""
    async with chat(browser, url) as page:
        await page.open()
        while await page.page.locator("#more").is_visible():
            count = await page.page.locator("#conversations a").count()
            await page.page.locator("#more").click()
            await page.shown(f"#conversations li:nth-child({count + 2})")
        await page.page.get_by_role("searchbox").press_sequentially("number 19")
        await page.page.wait_for_timeout(SETTLED_MS)
        await page.page.get_by_role("searchbox").fill("")
        await page.page.get_by_role("searchbox").press("ArrowDown")
        for _ in range(20):
            await page.page.keyboard.press("ArrowDown")
        many, longest = await page.long_tasks()
    found = f"{many}" + (f", the longest {longest:.0f} ms" if many else "")
    return [(f"tasks over {TASK_MS} ms as {CHATS} chats are gone through", found, "none", many == 0)]


async def _visited(browser: Browser, url: str, times: int, what: str) -> Rows:
    paints: list[float] = []
    longest, many = 0.0, 0
    async with chat(browser, url) as page:
        await page.open()
        for _ in range(times):
            await page.open()
            await page.page.wait_for_timeout(SETTLED_MS)
            paints.append(await page.page.evaluate(_PAINT))
            found, worst = await page.long_tasks()
            many, longest = many + found, max(longest, worst)
    middle = statistics.median(paints)
    return [
        (f"first paint of {what}, {times} visits", f"p50 {middle:.0f} ms, max {max(paints):.0f} ms", f"{PAINT_MS} ms",
         middle < PAINT_MS),
        (f"tasks over {TASK_MS} ms as {what} loads", f"{many}" + (f", the longest {longest:.0f} ms" if many else ""),
         "none", many == 0),
    ]  # fmt: skip
