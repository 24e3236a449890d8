"""Takes the shelf's pictures of the page anew: `python -m tests.pictures`, with Chromium and an emoji font."""

from __future__ import annotations

import asyncio
import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.harness.cluster import Cluster

PICTURES = Path(__file__).parents[2] / "app" / "docs" / "pictures"
COLOURS = 256
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
EARLIER = "A weekend in Kraków", "What can a table of light and sound tell?", "A poem about the sea"
ASKED = "Write me a bounded worker pool in Python, with asyncio"
MEANT = """\
Here is a pool that never runs more than `limit` jobs at once, and **waits** for all of them when you leave it.

```python
import asyncio
from collections.abc import Awaitable, Callable


class Pool:
    def __init__(self, limit: int) -> None:
        self._slots = asyncio.Semaphore(limit)
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, job: Callable[[], Awaitable[None]]) -> None:
        await self._slots.acquire()  # waits while the pool is full
        task = asyncio.create_task(job())
        self._tasks.add(task)
        task.add_done_callback(self._done)
```

Three things to note:

1. `submit` is where the pressure goes *back* to whoever produces the work.
2. A failed job frees its slot like any other, so one bad job cannot shrink the pool.
3. The set keeps a strong reference: without it a task may be collected while it runs.
"""

TO_PAY = "What is 17% of 2,380 francs? Pay that to Ann, if it is not past noon in Zurich"
PAYS = r"pay{\"chf\":404.6}"


async def ask(page: Page, text: str, *, directive: str) -> None:
    """Sends a message that tells the simulated Claude what to do, and shows it without that."""
    await page.get_by_label("Message", exact=True).fill(f"{text} [[sim: {directive}]]")
    await page.locator("#send").click()  # on a phone Enter alone begins a line
    await page.locator("article.user").last.wait_for()
    await page.locator("article.user .plain").last.evaluate("(shown, text) => { shown.textContent = text }", text)


async def take(page: Page, name: str) -> None:
    taken = Image.open(io.BytesIO(await page.screenshot())).convert("RGB")
    taken.quantize(COLOURS, dither=Image.Dither.NONE).save(PICTURES / name, optimize=True)


async def desktop(browser: Browser, address: str) -> None:
    context = await browser.new_context(viewport={"width": 1120, "height": 780}, device_scale_factor=1.5)
    page = await context.new_page()
    for text in EARLIER:
        await page.goto(address)
        await page.get_by_label("Message", exact=True).fill(text)
        await page.keyboard.press("Enter")
        await page.locator(".numbers").wait_for()
    await page.locator("#new").click()
    await expect(page.locator("article")).to_have_count(0)
    quoted = MEANT.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    await ask(page, ASKED, directive=f'rate=40 text="{quoted}"')
    await page.locator("#log").get_by_text("where the pressure").wait_for()
    await page.mouse.move(700, 400)
    for selector in ("#title", "#conversations a[aria-current] .title"):
        await page.locator(selector).evaluate("(shown, text) => { shown.textContent = text }", ASKED)
    await take(page, "chat.png")
    await context.close()


async def tools(browser: Browser, address: str) -> None:
    """Two tools that have run, one that has failed, and one that a person is asked about."""
    context = await browser.new_context(viewport={"width": 900, "height": 760}, device_scale_factor=1.5)
    page = await context.new_page()
    await page.goto(address)
    await page.locator("#tools").click()
    await page.locator("#toolbox input").first.wait_for()
    for box in await page.locator("#toolbox input").all():
        await box.check()
    await page.keyboard.press("Escape")
    calls = 'clock{"timezone":"Europe/Zurich"},calculator{"expression":"2380 * 0.17"},calculator{"expression":"17 %"}'
    directive = f'rate=0 text="Let me see." tools="{calls.replace(chr(34), chr(92) + chr(34))},{PAYS}"'
    await ask(page, TO_PAY, directive=directive)
    await page.get_by_role("button", name="Approve").wait_for()
    await page.locator(".took").first.wait_for(state="attached")
    for selector in ("#title", "#conversations a[aria-current] .title"):
        await page.locator(selector).evaluate("(shown, text) => { shown.textContent = text }", TO_PAY)
    await take(page, "tools.png")
    await context.close()


async def phone(browser: Browser, cluster: Cluster, address: str) -> None:
    """An answer on a phone that lost its network, and is about to have it again."""
    context = await browser.new_context(
        viewport={"width": 390, "height": 760},
        device_scale_factor=2,
        is_mobile=True,
        has_touch=True,
        color_scheme="dark",
    )
    page = await context.new_page()
    await page.goto(address)
    await ask(page, "A plan for a weekend in Kraków", directive="tokens=900 rate=40")
    await page.locator("#log").get_by_text("Sunday").first.wait_for()
    cluster.front_proxies[0].target = ("127.0.0.1", 1)  # nobody is there
    cluster.front_proxies[0].reset()
    await page.get_by_text("Reconnecting in").first.wait_for()
    await page.evaluate("document.querySelector('#title').textContent = 'A plan for a weekend in Kraków'")
    await take(page, "phone.png")
    await context.close()


async def main() -> None:
    chromium = shutil.which("chromium")
    async with Cluster(tools="tests.stories.terminal.till") as cluster, async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=chromium, args=FLAGS)
        address = f"http://127.0.0.1:{cluster.front_proxies[0].port}/"
        await desktop(browser, address)
        await tools(browser, address)
        await phone(browser, cluster, address)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
