"""One page, used as a person uses it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, CDPSession, Page

from tests.bench.page.answers import numbers_in
from tests.bench.page.rows import note

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--enable-precise-memory-info"),
]
PROBE = Path(__file__).with_name("probe.js")
PATIENCE_SECONDS = 120


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
