"""Drafts with their files: there again after a reload, a refusal and a crash; and what a forbidden store costs."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.long import long, some_of
from tests.page.composing.test_files import PDF, attach, png
from tests.page.visiting import (
    NOW,
    Site,
    answered,
    articles,
    box,
    button,
    conversation_of,
    eventually,
    ready,
    say,
    status,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")
FORBIDDEN = "IDBFactory.prototype.open = () => { throw new DOMException('forbidden', 'SecurityError') };"
ARE_STORED = """names => new Promise((resolve) => {
    const asked = indexedDB.open("keepstream");
    asked.onsuccess = () => {
        const all = asked.result.transaction("drafts").objectStore("drafts").getAll();
        all.onsuccess = () => {
            asked.result.close();
            resolve(all.result.flat().map((file) => file.name).sort().join() === names);
        };
    };
})"""


def chips(page: Page) -> Locator:
    return page.locator("#files .chip")


async def kept(page: Page, *places: str) -> None:
    """Waits until the browser keeps files for these drafts, and for no others."""
    await page.wait_for_function(
        "places => Object.keys(JSON.parse(localStorage['keepstream.draft-files'] ?? '{}')).sort().join() === places",
        arg=",".join(sorted(places)),
    )


async def stored(page: Page, *names: str) -> None:
    """Waits until these files are what the browser keeps, for whichever drafts: that a draft has some says nothing of
    the next one's way there.
    """
    await eventually(lambda: page.evaluate(ARE_STORED, ",".join(sorted(names))))


async def test_a_draft_and_its_files_are_there_after_a_reload_and_belong_to_their_conversation(site: Site) -> None:
    page = await site.visit()
    await say(page, "Hello", NOW)
    await answered(page)
    link = conversation_of(page)
    await attach(page, "old.pdf", "application/pdf", PDF)
    await kept(page, link)
    await page.get_by_role("link", name="New chat").click()
    await expect(chips(page)).to_have_count(0)
    await box(page).fill("With files")
    await attach(page, "new.png", "image/png", png(8, 8))
    await attach(page, "new.md", "text/markdown", b"# New")
    await stored(page, "old.pdf", "new.png", "new.md")
    await kept(page, link, "new")
    await page.reload()
    await ready(page)
    await expect(chips(page)).to_have_count(2)
    await expect(chips(page).get_by_role("img")).to_have_js_property("naturalWidth", 8)
    await expect(box(page)).to_have_value("With files")
    await expect(button(page, "Send")).to_be_enabled()
    await say(page, "With files", NOW)
    await answered(page)
    content = (await site.messages(page))[0]["content"]
    assert [block["type"] for block in content] == ["image", "document", "text"]
    await expect(chips(page)).to_have_count(0)
    await kept(page, link)
    await page.goto(f"{site.address}#{link}")
    await expect(chips(page)).to_contain_text("old.pdf")
    await expect(box(page)).to_have_value("")
    # Its conversation takes it along.
    await page.locator("#menu summary").click()
    await page.locator("[data-do=delete]").click()
    await button(page.get_by_role("dialog"), "Delete").click()
    await kept(page)
    await stored(page)


@pytest.mark.parametrize("first", some_of([True, False], 1))
async def test_what_was_refused_is_all_there_again(site: Site, first: bool) -> None:  # noqa: FBT001
    site.allow(status(402))
    page = await site.visit()
    place = "new"
    if not first:
        await say(page, "Hello", NOW)
        await answered(page)
        place = conversation_of(page)

    async def refuse(route: Route) -> None:
        error = {"type": "billing_error", "message": "usd_per_day: nothing is left"}
        await route.fulfill(status=402, json={"type": "error", "error": error})

    await page.route("**/messages", refuse)
    before = await articles(page).count()
    await attach(page, "paper.pdf", "application/pdf", PDF)
    await say(page, "Read it")
    await expect(page.get_by_role("status")).to_have_text("Not enough is left of your budget. Nothing is left.")
    await kept(page, place)
    for _ in range(2):
        await expect(chips(page)).to_contain_text("paper.pdf")
        await expect(box(page)).to_have_value("Read it")
        await expect(articles(page)).to_have_count(before)
        await page.reload()
        await ready(page)
    await page.unroute("**/messages")
    await say(page, "Read it", NOW)
    await answered(page, before // 2 + 1)
    await kept(page)


@long
async def test_what_comes_while_a_message_is_sent_is_for_the_next_one(site: Site) -> None:
    page = await site.visit()
    gate = asyncio.Event()

    async def held(route: Route) -> None:
        await gate.wait()
        await route.continue_()

    await page.route("**/messages", held)
    await attach(page, "first.pdf", "application/pdf", PDF)
    async with page.expect_request("**/messages"):
        await say(page, "Read it", NOW)
    await attach(page, "second.pdf", "application/pdf", PDF)
    await expect(chips(page)).to_have_count(2)
    gate.set()
    await answered(page)
    await expect(chips(page)).to_have_count(1)
    await expect(chips(page)).to_contain_text("second.pdf")
    await kept(page, conversation_of(page))


async def test_a_store_that_is_forbidden_is_said_once_and_typing_goes_on(site: Site) -> None:
    context = await site.context()
    await context.add_init_script(FORBIDDEN)
    page = await site.visit(context=context)
    notice = page.get_by_role("status")
    await attach(page, "one.pdf", "application/pdf", PDF)
    await expect(notice).to_contain_text(re.compile("keep your files if the page is closed. Send your message before"))
    await attach(page, "two.pdf", "application/pdf", PDF)
    await expect(chips(page)).to_have_count(2)
    await expect(notice).to_be_hidden()
    await say(page, "Both", NOW)
    await answered(page)
    assert len((await site.messages(page))[0]["content"]) == 3


@long
async def test_text_that_cannot_be_kept_is_said_once(site: Site) -> None:
    context = await site.context()
    await context.add_init_script("Storage.prototype.setItem = () => { throw new DOMException('full') }")
    page = await site.visit(context=context)
    notice = page.get_by_role("status")
    await box(page).fill("Hello")
    await expect(notice).to_contain_text("keep what you type if the page is closed.")
    await say(page, "Hello", NOW)
    await answered(page)
    await box(page).fill("Again")
    await expect(notice).to_be_hidden()


@long
async def test_what_files_need_and_cannot_be_loaded_costs_nobody_the_text(site: Site) -> None:
    """A tab of before an upgrade, or a lost connection."""
    site.allow(status(404))
    page = await site.visit()
    await box(page).fill("Still here")
    await page.route("**/tray.js", lambda route: route.fulfill(status=404))
    await attach(page, "one.pdf", "application/pdf", PDF)
    await expect(page.get_by_role("status")).to_contain_text("load what files need.")
    await expect(box(page)).to_have_value("Still here")
    await say(page, "Without it", NOW)
    await answered(page)


async def test_two_tabs_on_one_draft_show_the_same_until_both_type(site: Site) -> None:
    context = await site.context()
    page = await site.visit(context=context)
    other = await site.visit(context=context)
    await box(page).press_sequentially("Hello")
    await expect(box(other)).to_have_value("Hello")
    await box(other).press_sequentially(" there")
    await expect(box(page)).to_have_value("Hello there")
    assert await page.evaluate("localStorage['keepstream.draft.new']") == "Hello there"
