"""A slow machine's browser, for whoever looks for tests that pass on a fast one alone: `SLOW=5 pytest tests/page`.

Each tab computes so many times slower, and what a browser reads beside the page's own work (files, its database, what
it fetches) comes later by as many hundredths of a second.
"""

from __future__ import annotations

import asyncio
import os

from playwright.async_api import BrowserContext, Error, Page

RATE = float(os.environ.get("SLOW", "1"))
LATE = """(() => {
    const { setTimeout } = window;
    const later = (value) => new Promise((resolve) => setTimeout(resolve, MS, value));
    for (const [owner, name] of [[Blob.prototype, "arrayBuffer"], [Blob.prototype, "text"], [window, "fetch"]]) {
        const real = owner[name];
        owner[name] = async function (...given) {
            await later();
            return real.apply(this, given);
        };
    }
    for (const [owner, name, only] of [
        [IDBRequest, "onsuccess", (asked) => asked instanceof IDBOpenDBRequest],
        [IDBTransaction, "oncomplete", () => true],
    ]) {
        const real = Object.getOwnPropertyDescriptor(owner.prototype, name);
        Object.defineProperty(owner.prototype, name, { ...real, set(heard) {
            real.set.call(this, heard && only(this) ? (event) => setTimeout(() => heard.call(this, event), MS) : heard);
        } });
    }
})()"""
_slowing: set[asyncio.Task[None]] = set()


async def slowed(context: BrowserContext) -> None:
    """Makes the tabs slow that are opened from now on."""
    if RATE <= 1:
        return

    def opened(page: Page) -> None:
        task = asyncio.ensure_future(_slow(page))
        _slowing.add(task)
        task.add_done_callback(_slowing.discard)

    context.on("page", opened)
    await context.add_init_script(LATE.replace("MS", str(10 * RATE)))


async def _slow(page: Page) -> None:
    try:
        session = await page.context.new_cdp_session(page)
        await session.send("Emulation.setCPUThrottlingRate", {"rate": RATE})
    except Error:
        pass  # it was closed already
