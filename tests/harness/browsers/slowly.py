"""A slow machine's browser, for whoever looks for tests that pass on a fast one alone: `SLOW=20 pytest tests/page`.

What a tab asks of the network, and what it reads beside its own work (files, its database), comes later by so many
hundredths of a second. Nothing computes for that, so others on the machine lose nothing by it.
"""

from __future__ import annotations

import asyncio
import os

from playwright.async_api import BrowserContext, Error, Page

LATER_MS = 10 * int(os.environ.get("SLOW", "0"))
LATE = """(() => {
    const { setTimeout } = window;
    const later = (value) => new Promise((resolve) => setTimeout(resolve, MS, value));
    for (const name of ["arrayBuffer", "text"]) {
        const real = Blob.prototype[name];
        Blob.prototype[name] = async function () {
            await later();
            return real.call(this);
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
    if not LATER_MS:
        return

    def opened(page: Page) -> None:
        task = asyncio.ensure_future(_slow(page))
        _slowing.add(task)
        task.add_done_callback(_slowing.discard)

    context.on("page", opened)
    await context.add_init_script(LATE.replace("MS", str(LATER_MS)))


async def _slow(page: Page) -> None:
    try:
        session = await page.context.new_cdp_session(page)
        await session.send("Network.enable")
        none = {"offline": False, "downloadThroughput": -1, "uploadThroughput": -1}
        await session.send("Network.emulateNetworkConditions", {**none, "latency": LATER_MS})
    except Error:
        pass  # it was closed already
