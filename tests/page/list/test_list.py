"""The list of conversations: name it, find it, delete it."""

from __future__ import annotations

import asyncio
import contextlib
import re

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.harness import node
from tests.long import long
from tests.page.list.rows import menu, talk
from tests.page.test_looks import AXE, violations
from tests.page.visiting import (
    NOW,
    Site,
    answered,
    articles,
    button,
    conversation_of,
    say,
    status,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def axe() -> str:
    node.install()
    return AXE.read_text()


def chats(page: Page) -> Locator:
    return page.get_by_role("navigation", name="Chats")


def row(page: Page, title: str) -> Locator:
    return chats(page).get_by_role("listitem").filter(has_text=title)


async def test_the_last_used_stands_first_and_the_open_one_is_marked(site: Site) -> None:
    page = await talk(site, "The older one")
    await button(page, "New chat").or_(page.get_by_role("link", name="New chat")).click()
    await expect(articles(page)).to_have_count(0)
    await say(page, "The newer one", NOW)
    await answered(page)
    titles = chats(page).get_by_role("link")
    await expect(titles.nth(0)).to_contain_text("The newer one")
    await expect(titles.nth(1)).to_contain_text("The older one")
    await expect(titles.nth(0)).to_have_attribute("aria-current", "page")
    await titles.nth(1).click()
    await expect(titles.nth(1)).to_have_attribute("aria-current", "page")
    await expect(articles(page).first).to_contain_text("The older one")
    await page.go_back()
    await expect(articles(page).first).to_contain_text("The newer one")


async def test_rename_in_the_list_in_the_menu_and_for_everybody(site: Site) -> None:
    page = await talk(site, "Its first name")
    other = await site.visit(conversation_of(page))
    item = row(page, "Its first name")
    await item.hover()
    await item.get_by_role("button", name=re.compile("^Rename")).click()
    await page.get_by_role("textbox", name="Title").fill("Second name <b>&amp;")
    await page.keyboard.press("Enter")
    await expect(row(page, "Second name <b>&amp;")).to_be_visible()
    for tab in (page, other):
        await expect(tab.get_by_role("heading", level=1)).to_have_text("Second name <b>&amp;")
    await menu(page, "Rename")
    title = page.get_by_role("textbox", name="Title")
    await title.fill("Not this")
    await title.press("Escape")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Second name <b>&amp;")
    await menu(page, "Rename")
    await title.fill("Third name")
    await title.press("Enter")
    for tab in (page, other):
        await expect(tab.get_by_role("heading", level=1)).to_have_text("Third name")
    await expect(page).to_have_title("Third name")


async def test_a_list_that_was_asked_for_before_a_rename_is_not_the_last_word(site: Site) -> None:
    page = await talk(site, "Before it")
    await page.get_by_role("link", name="New chat").click()
    held, gate = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        held.set()
        await gate.wait()
        await route.fulfill(response=answer)

    await page.route("**/v1/conversations?*", late)
    while not held.is_set():  # one that was under way was asked for before the route stood
        await page.evaluate("dispatchEvent(new Event('focus'))")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(held.wait(), 1)
    await row(page, "Before it").hover()
    await row(page, "Before it").get_by_role("button", name=re.compile("^Rename")).click()
    await page.get_by_role("textbox", name="Title").fill("After it")
    async with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        await page.keyboard.press("Enter")
    gate.set()
    await expect(row(page, "After it")).to_be_visible()


async def test_search_finds_by_title(site: Site) -> None:
    page = await talk(site, "About giraffes")
    await page.goto(site.address)
    search = page.get_by_role("searchbox", name="Search chats")
    await search.fill("GIRAFFE")
    await expect(chats(page).get_by_role("link")).to_have_count(1)
    await expect(chats(page).get_by_role("link")).to_contain_text("About giraffes")
    await search.fill("unicorn")
    await expect(chats(page).get_by_text("No chats found.")).to_be_visible()
    await search.fill("")
    await expect(row(page, "About giraffes")).to_be_visible()


@long
async def test_search_looks_through_all_pages_of_the_list(site: Site) -> None:
    made = []
    for number in range(60):
        new = await site.api.call("POST", "/v1/conversations", json={"title": f"Old number {number}."})
        made.append(new.json()["id"])
    page = await site.visit()
    more = button(page, "Show more")
    await expect(more).to_be_visible()
    await page.get_by_role("searchbox").fill("old number 3.")
    await expect(chats(page).get_by_role("link")).to_have_count(1)
    await page.get_by_role("searchbox").fill("")
    # Each chat stands there once, however often more are asked for, and stays when the list is read again.
    await more.evaluate("button => (button.click(), button.click())")
    for again in (False, True):
        if again:
            async with page.expect_response("**/v1/conversations?limit=*"):
                await page.evaluate("dispatchEvent(new Event('focus'))")
        for number in (0, 59):
            await expect(chats(page).get_by_role("link", name=f"Old number {number}.")).to_have_count(1)
    # What a search has found is looked for again when another tab says that something has changed.
    search = page.get_by_role("searchbox")
    await search.fill("old number 5")
    found = chats(page).get_by_role("link")
    await expect(found).to_have_count(11)
    await site.api.call("DELETE", f"/v1/conversations/{made.pop()}")
    other = await page.context.new_page()
    await other.goto(f"{site.address}page.json")
    await other.evaluate("new BroadcastChannel('keepstream.conversations').postMessage('changed')")
    await expect(found).to_have_count(10)
    for one in made:
        await site.api.call("DELETE", f"/v1/conversations/{one}")


async def test_delete_asks_first(site: Site) -> None:
    page = await talk(site, "Short-lived")
    link = conversation_of(page)
    item = row(page, "Short-lived")
    await item.hover()
    await item.get_by_role("button", name=re.compile("^Delete")).click()
    dialog = page.get_by_role("dialog", name=re.compile("^Delete “Short-lived"))
    await expect(button(dialog, "Keep it")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(item).to_be_visible()
    await item.hover()
    await item.get_by_role("button", name=re.compile("^Delete")).click()
    await button(dialog, "Delete").click()
    await expect(item).to_have_count(0)
    await expect(articles(page)).to_have_count(0)
    await expect(page).to_have_url(re.compile(r"/#?$"))
    assert (await site.api.call("GET", f"/v1/conversations/{link}")).status_code == 410


async def busy(route: Route) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "too many searches"}}
    await route.fulfill(status=503, json=error, headers={"retry-after": "0"})


@long
async def test_search_finds_what_was_said_and_leads_there(site: Site) -> None:
    page = await talk(site, "Where do okapis live?", f"tokens=900 {NOW}")
    await say(page, "And the zebras?", f"tokens=900 {NOW}")
    await answered(page, 2)
    found = conversation_of(page)
    await page.goto(site.address)
    # A server that is busy is asked again.
    site.allow(status(503))
    await page.route("**/v1/conversations?*query=*", busy, times=1)
    await page.get_by_role("searchbox").fill("OKAPIS  ")
    link = chats(page).get_by_role("link")
    await expect(link).to_have_count(1)
    await page.get_by_role("searchbox").fill("The ZEBRAS")
    await expect(link.locator("mark")).to_have_text("the zebras")
    await link.click()
    await expect(articles(page).nth(2)).to_be_focused()
    await expect(articles(page).nth(2)).to_be_in_viewport()
    assert conversation_of(page) == found


async def test_the_list_is_one_stop_for_the_keyboard_and_the_days_stand_over_it(site: Site) -> None:
    await talk(site, "Keys second")
    page = await talk(site, "Keys first")
    await expect(chats(page).get_by_role("heading", name="Today")).to_be_visible()
    await page.get_by_role("searchbox").focus()
    await page.keyboard.press("Tab")
    current = chats(page).get_by_role("link", name="Keys first")
    await expect(current).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(current).not_to_be_focused()
    assert await page.evaluate("document.activeElement.closest('#conversations')") is None
    await page.keyboard.press("Shift+Tab")
    await expect(page.locator("#conversations[data-roams]")).to_be_visible()
    await page.keyboard.press("ArrowDown")
    await expect(chats(page).get_by_role("link", name="Keys second")).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await expect(chats(page).get_by_role("button", name=re.compile("^Rename Keys second"))).to_be_focused()
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("F2")
    await page.get_by_role("textbox", name="Title").fill("Keys renamed")
    await page.keyboard.press("Enter")
    renamed = chats(page).get_by_role("link", name="Keys renamed")
    await renamed.focus()
    await page.keyboard.press("Delete")
    await button(page.get_by_role("dialog"), "Delete").click()
    await expect(renamed).to_have_count(0)
    await expect(current).to_be_focused()


async def test_commands_by_keys_and_in_the_palette(site: Site, axe: str) -> None:
    page = await talk(site, "For the palette")
    first = conversation_of(page)
    await page.keyboard.press("Alt+Shift+KeyN")
    await expect(articles(page)).to_have_count(0)
    await page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Search chats and commands")
    await expect(palette.get_by_role("combobox")).to_be_focused()
    await expect(palette.get_by_role("option", name="Settings")).to_be_visible()
    assert await violations(page, axe) == []
    await palette.get_by_role("combobox").fill("for the pal")
    await expect(palette.get_by_role("option", name="For the palette")).to_have_attribute("aria-selected", "true")
    # What is chosen stays so when the server's answer comes.
    async with page.expect_request("**/v1/conversations?*query=g"):
        await palette.get_by_role("combobox").fill("g")
        await page.keyboard.press("ArrowDown")
    await expect(palette.locator("mark").first).to_be_attached()
    await expect(palette.get_by_role("option").nth(1)).to_have_attribute("aria-selected", "true")
    await palette.get_by_role("combobox").fill("for the pal")
    await expect(palette.get_by_role("option", name="For the palette")).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Enter")
    await expect(palette).to_have_count(0)
    await expect(articles(page)).to_have_count(2)
    assert conversation_of(page) == first
    await page.keyboard.press("Alt+Shift+KeyS")
    await expect(page.get_by_role("searchbox")).to_be_hidden()
    await page.keyboard.press("Alt+Shift+KeyF")
    await expect(page.get_by_role("searchbox")).to_be_focused()
    await page.keyboard.press("Control+/")
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("Alt+Shift+N")
    assert await violations(page, axe) == []
    await page.keyboard.press("Escape")
    await page.keyboard.press("Alt+Shift+KeyM")
    await expect(page.get_by_role("textbox", name="Message")).to_be_focused()
    await page.keyboard.type("?")
    await expect(page.get_by_role("dialog")).to_have_count(0)


@long
async def test_a_branch_is_told_from_what_it_comes_from(site: Site) -> None:
    page = await talk(site, "A trunk")
    old = conversation_of(page)
    await expect(page.get_by_role("link", name="Original chat")).to_be_hidden()
    await button(articles(page).nth(1), "Branch from here").click()
    branch = chats(page).get_by_role("link", name=re.compile("^A trunk .* · branch"))
    await expect(branch).to_have_attribute("aria-current", "page")
    await page.get_by_role("link", name="Original chat").click()
    await expect(branch).not_to_have_attribute("aria-current", "page")
    assert conversation_of(page) == old
