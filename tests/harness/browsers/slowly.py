"""A slow machine's browser, for whoever looks for tests that pass on a fast one alone: `SLOW=20 pytest tests/page`.

What a tab asks its server, and what it reads beside its own work (files, its database), comes later by so many
hundredths of a second. Nothing computes for that, so others on the machine lose nothing by it.
"""

from __future__ import annotations

import os

from playwright.async_api import BrowserContext

LATER_MS = 10 * int(os.environ.get("SLOW", "0"))
LATE = """(() => {
    const { setTimeout } = window; // a test's clock may stand still
    for (const [owner, name] of [[Blob.prototype, "arrayBuffer"], [Blob.prototype, "text"], [window, "fetch"]]) {
        const real = owner[name];
        owner[name] = async function (...given) {
            await new Promise((resolve) => setTimeout(resolve, MS));
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


async def slowed(context: BrowserContext) -> None:
    """Makes the tabs slow that are opened from now on."""
    if LATER_MS:
        await context.add_init_script(LATE.replace("MS", str(LATER_MS)))
