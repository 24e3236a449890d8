"""What is done while something else is under way: it concerns what was open then, once, and takes nobody's focus."""

from __future__ import annotations

import asyncio
from typing import Self

import pytest
from playwright.async_api import Page, Route, expect

from tests.long import long
from tests.page.visiting import NOW, Site, answered, articles, box, button, conversation_of, say

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Held:
    """Calls of one kind wait until they are let go; they are counted."""

    def __init__(self, page: Page, address: str) -> None:
        self.count = 0
        self._page, self._address = page, address
        self._come, self._go = asyncio.Event(), asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._page.route(self._address, self._hold)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.let_go()
        await self._page.unroute(self._address)

    async def come(self) -> None:
        await self._come.wait()

    async def let_go(self) -> None:
        self._go.set()

    async def _hold(self, route: Route) -> None:
        if route.request.method == "GET":
            await route.continue_()
            return
        self.count += 1
        self._come.set()
        await self._go.wait()
        await route.continue_()


async def chats(site: Site) -> tuple[Page, str, str]:
    """A page, and two chats with an answer each; the second one is open."""
    page = await site.visit()
    await say(page, "The first", NOW)
    await answered(page)
    first = conversation_of(page)
    await page.evaluate("() => (location.hash = '')")
    await expect(articles(page)).to_have_count(0)
    await say(page, "The second", NOW)
    await answered(page)
    return page, first, conversation_of(page)


async def to(page: Page, chat: str) -> None:
    await page.evaluate("(chat) => (location.hash = chat)", chat)
    await answered(page)


async def test_what_was_asked_for_in_another_chat_is_done_there_alone_and_once(site: Site) -> None:
    page, first, second = await chats(site)
    async with Held(page, "**/messages") as held:
        await button(page, "Regenerate").last.dblclick()
        await held.come()
        await to(page, first)
        async with page.expect_response("**/messages"):
            await held.let_go()
        await expect(articles(page)).to_have_count(2)
        await expect(button(page, "Stop")).to_be_hidden()
        assert held.count == 1
    async with Held(page, "**/fork") as held:
        await button(page, "Branch from here").last.dblclick()
        await held.come()
        await to(page, second)
        async with page.expect_response("**/fork"):
            await held.let_go()
        assert held.count == 1
    await page.evaluate("() => fetch('/page.json')")
    assert conversation_of(page) == second
    async with Held(page, f"**/conversations/{second}") as held:
        await button(page, "Settings").click()
        await page.get_by_label("System prompt for this chat").fill("Of the second")
        await button(page, "Save").click()
        await held.come()
        await to(page, first)
        async with page.expect_response(f"**/conversations/{second}"):
            await held.let_go()
    await button(page, "Settings").click()
    await expect(page.get_by_label("System prompt for this chat")).to_have_value("")
    await button(page, "Cancel").click()


@long
async def test_an_answer_goes_on_while_its_chat_is_renamed_and_one_searches(site: Site) -> None:
    page = await site.visit()
    await say(page, "At length", "tokens=100000 rate=50 first=0")
    await expect(button(page, "Stop")).to_be_visible()
    search = page.get_by_role("searchbox", name="Search chats")
    await search.fill("length")
    await search.press("Escape")
    await page.locator("#menu summary").click()
    await page.locator("#menu").get_by_role("button", name="Rename").click()
    title = page.get_by_role("textbox", name="Title")
    await title.fill("Another")
    api = site.api
    running = (await api.call("GET", f"/v1/conversations/{conversation_of(page)}")).json()
    await api.call("POST", f"/v1/streams/{running['stream_id']}/cancel")
    await expect(button(page, "Stop")).to_be_hidden()
    await expect(page.locator(".ending")).to_have_text("Stopped.ContinueRetry")
    await expect(title).to_have_value("Another")
    await title.press("Enter")
    await expect(page.locator("#title")).to_have_text("Another")
    async with Held(page, "**/messages") as held:
        await say(page, "More", NOW)
        await held.come()
        await search.focus()
        async with page.expect_response("**/messages"):
            await held.let_go()
        await expect(box(page)).to_have_value("")
    await answered(page, 2)
    await expect(search).to_be_focused()


@long
async def test_what_was_copied_twice_is_copied_once_more(site: Site) -> None:
    page = await site.visit()
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await say(page, "Copy me", NOW)
    await answered(page)
    copies = button(page, "Copy as Markdown").last
    await copies.dblclick()
    await expect(button(page, "Copied")).to_be_visible()
    await expect(page.locator("article .icon-check")).to_have_count(0)
    await expect(copies).to_be_visible()
