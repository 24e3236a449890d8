"""Drafts whose store, whose files and whose code come late: what was sent stays sent, what was not stays."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Route, expect

from tests.long import long
from tests.page.composing.test_drafts import chips, kept, stored
from tests.page.composing.test_files import PDF, attach
from tests.page.visiting import NOW, Site, answered, box, button, conversation_of, ready, say

pytestmark = [pytest.mark.asyncio(loop_scope="session"), long]
# A transaction that goes on until it is let go: what others want of the store waits behind it.
HOLD_THE_STORE = """() => new Promise((resolve) => {
    const asked = indexedDB.open("keepstream", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("drafts");
    asked.onsuccess = () => {
        let held = true;
        window.letGo = () => (held = false);
        const store = asked.result.transaction("drafts", "readwrite").objectStore("drafts");
        const on = () => (held ? (store.get("-").onsuccess = on) : asked.result.close());
        on();
        resolve();
    };
})"""
READ_SLOWLY = """
const gate = new Promise((resolve) => (window.letGo = resolve));
const read = Blob.prototype.arrayBuffer;
Blob.prototype.arrayBuffer = async function () {
    window.reading = true;
    await gate;
    return read.call(this);
};"""


async def test_what_is_being_loaded_or_read_goes_along_and_stays_with_its_conversation(site: Site) -> None:
    context = await site.context()
    await context.add_init_script(READ_SLOWLY)
    page = await site.visit(context=context)
    await say(page, "Hello", NOW)
    await answered(page)
    link = conversation_of(page)
    new = page.get_by_role("link", name="New chat")
    gate = asyncio.Event()

    async def held(route: Route) -> None:
        await gate.wait()
        await route.continue_()

    await page.route("**/tray.js", held)
    await box(page).fill("Read it")
    async with page.expect_request("**/tray.js"):
        await attach(page, "code.pdf", "application/pdf", PDF)
    await expect(button(page, "Send")).to_be_disabled()
    await box(page).press("Enter")
    await expect(page.get_by_role("status")).to_have_text("Your files are still being read.")
    await new.click()
    gate.set()
    # It is read now; who goes and comes back finds it.
    await page.wait_for_function("() => window.reading")
    await expect(chips(page)).to_have_count(0)
    await page.goto(f"{site.address}#{link}")
    await expect(chips(page)).to_contain_text("Reading…")
    await page.evaluate("() => window.letGo()")
    await expect(chips(page)).to_contain_text("kB")
    await expect(box(page)).to_have_value("Read it")
    await say(page, "Read it", NOW)
    await answered(page, 2)
    assert [block["type"] for block in (await site.messages(page))[2]["content"]] == ["document", "text"]
    await expect(chips(page)).to_have_count(0)


async def test_a_slow_store_brings_back_nothing_that_was_sent_and_keeps_what_two_tabs_have(site: Site) -> None:
    context = await site.context()
    page = await site.visit(context=context)
    await say(page, "Hello", NOW)
    await answered(page)
    link = conversation_of(page)
    await attach(page, "first.pdf", "application/pdf", PDF)
    await kept(page, link)
    other = await site.visit(context=context)
    await page.evaluate(HOLD_THE_STORE)
    await say(page, "Sent", NOW)
    await answered(page, 2)
    await attach(page, "second.pdf", "application/pdf", PDF)
    await attach(other, "new.pdf", "application/pdf", PDF)
    for tab in (page, other):
        await expect(chips(tab)).to_have_count(1)
        await expect(button(tab, "Send")).to_be_enabled()
    await say(page, "Sent too", NOW)
    await answered(page, 3)
    await attach(page, "third.pdf", "application/pdf", PDF)
    await expect(button(page, "Send")).to_be_enabled()
    await page.evaluate("() => window.letGo()")
    await stored(page, "third.pdf", "new.pdf")
    await kept(page, link, "new")
    await page.reload()
    await ready(page)
    await expect(chips(page)).to_have_count(1)
    await expect(chips(page)).to_contain_text("third.pdf")


async def test_what_was_sent_at_once_does_not_come_back(site: Site) -> None:
    page = await site.visit()
    await page.evaluate(HOLD_THE_STORE)
    await attach(page, "one.pdf", "application/pdf", PDF)
    await say(page, "Sent", NOW)
    await answered(page)
    await page.evaluate("() => window.letGo()")
    await stored(page)
    await kept(page)
