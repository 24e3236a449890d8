"""Bad input and bad times: each says what happened and what one can do, and nothing typed is lost."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, Route, expect

from tests.harness.network.proxy import Proxy
from tests.long import long, some_of
from tests.page.visiting import (
    CUT,
    NOW,
    Site,
    answered,
    articles,
    body,
    box,
    button,
    conversation_of,
    numbered,
    ready,
    say,
    status,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

SETTINGS = {"max_prompt_bytes": 6000}


@pytest_asyncio.fixture(loop_scope="session")
async def away(site: Site) -> AsyncIterator[Away]:
    away = Away(site.cluster.front_proxies[0])
    site.allow(CUT)
    yield away
    away.back()


class Away:
    """A server that is away, and back."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._there = proxy.target

    def go(self) -> None:
        self._proxy.target = ("127.0.0.1", 1)
        self._proxy.reset()

    def back(self) -> None:
        self._proxy.target = self._there


def notice(page: Page) -> Locator:
    return page.get_by_role("status")


async def begun(site: Site) -> Page:
    page = await site.visit()
    await say(page, "Hello", NOW)
    await answered(page)
    return page


@pytest.mark.parametrize("text", some_of(["", "   ", "\n\n"], 1))
async def test_an_empty_message_is_not_sent(site: Site, text: str) -> None:
    page = await site.visit()
    await box(page).fill(text)
    await expect(button(page, "Send")).to_be_disabled()
    await box(page).press("Enter")
    await expect(box(page)).to_be_focused()
    await expect(articles(page)).to_have_count(0)
    await expect(page).to_have_url(site.address)


@pytest.mark.parametrize("first", some_of([True, False], 1))
async def test_a_message_that_is_too_long_stays_in_the_box(site: Site, first: bool) -> None:  # noqa: FBT001
    site.allow(status(413))
    page = await (site.visit() if first else begun(site))
    listed = page.get_by_role("navigation", name="Chats").get_by_role("listitem")
    before = await articles(page).count()
    await expect(listed.first).to_be_visible()
    chats = await listed.count()
    long = "long " * 2000
    await say(page, long)
    await expect(notice(page)).to_contain_text(
        "too large to send: 10 kB, and a message can be 6 kB. Shorten it, or send it in parts."
    )
    await expect(box(page)).to_have_value(long)
    await expect(box(page)).to_be_editable()
    await expect(articles(page)).to_have_count(before)
    await page.reload()
    await ready(page)
    await expect(box(page)).to_have_value(long)
    await expect(listed).to_have_count(chats)  # no empty chat is left behind
    await say(page, "Shorter", NOW)
    await answered(page, before // 2 + 1)


@pytest.mark.parametrize("why", some_of([404, 410], 1))
async def test_a_conversation_that_is_gone(site: Site, why: int) -> None:
    site.allow(status(why))
    link = "cv_" + "0" * 32
    if why == 410:
        page = await begun(site)
        link = conversation_of(page)
        assert (await site.api.call("DELETE", f"/v1/conversations/{link}")).status_code == 204
        await page.close()
    page = await site.visit(link)
    said = "available to you. It may belong to another account" if why == 404 else "This chat was deleted."
    await expect(page.get_by_text(said)).to_be_visible()
    await page.locator("#gone").get_by_role("link", name="New chat").click()
    await say(page, "A new one", NOW)
    await answered(page)


async def test_a_conversation_that_goes_while_one_types(site: Site) -> None:
    site.allow(status(410))
    page = await begun(site)
    await box(page).fill("Not lost")
    assert (await site.api.call("DELETE", f"/v1/conversations/{conversation_of(page)}")).status_code == 204
    await expect(page.get_by_text("This chat was deleted.")).to_be_visible()
    await expect(box(page)).to_have_value("Not lost")
    await box(page).press("Enter")
    await expect(notice(page)).to_contain_text("This chat was deleted.")
    await expect(box(page)).to_have_value("Not lost")
    await page.locator("#gone").get_by_role("link", name="New chat").click()
    await expect(page.locator("#gone")).to_be_hidden()
    await expect(box(page)).to_have_value("Not lost")


async def test_what_was_typed_survives_a_reload_and_belongs_to_its_conversation(site: Site) -> None:
    page = await begun(site)
    link = conversation_of(page)
    await box(page).fill("To the old one")
    await page.get_by_role("link", name="New chat").click()
    await expect(box(page)).to_have_value("")
    await box(page).fill("To the new one")
    await page.reload()
    await ready(page)
    await expect(box(page)).to_have_value("To the new one")
    await page.goto(f"{site.address}#{link}")
    await expect(box(page)).to_have_value("To the old one")
    await page.go_back()
    await expect(box(page)).to_have_value("To the new one")


async def test_a_server_that_is_away_while_one_sends(site: Site, away: Away) -> None:
    page = await begun(site)
    away.go()
    text = f"Is anybody there? [[sim: {NOW}]]"
    await say(page, text)
    await expect(notice(page)).to_have_text(
        re.compile(r"^Couldn.t reach the server\. Your message is kept\. Trying again (in \d+ s|now)\.$")
    )
    await expect(box(page)).to_have_value(text)
    await expect(articles(page).last).to_contain_text("Is anybody there?")
    away.back()
    await answered(page, 2)
    await expect(box(page)).to_have_value("")
    await expect(notice(page)).to_be_hidden()
    assert len(await site.messages(page)) == 4, "sent once"


@long
async def test_a_reload_while_it_is_being_sent(site: Site, away: Away) -> None:
    page = await site.visit()
    away.go()
    await say(page, "Still mine")
    await expect(notice(page)).to_contain_text("Your message is kept")
    away.back()
    await page.reload()
    await ready(page)
    await expect(box(page)).to_have_value("Still mine")


@long
async def test_a_server_that_comes_back_after_minutes(site: Site, away: Away) -> None:
    page = await begun(site)
    await page.clock.install()
    away.go()
    await say(page, "Patience", NOW)
    for _ in range(6):  # each wait is over at once, and longer than the last
        await expect(notice(page)).to_contain_text("Trying again in")
        await page.clock.fast_forward(40_000)
    away.back()
    await page.clock.fast_forward(40_000)
    await answered(page, 2)
    assert len(await site.messages(page)) == 4


@long
async def test_giving_up_on_a_server_that_is_away(site: Site, away: Away) -> None:
    page = await site.visit()
    away.go()
    await say(page, "Never mind")
    await expect(notice(page)).to_contain_text("Trying again")
    await button(page, "Stop").click()
    await expect(notice(page)).to_be_hidden()
    await expect(articles(page)).to_have_count(0)
    await expect(box(page)).to_have_value("Never mind")
    await expect(button(page, "Send")).to_be_visible()


async def test_a_submit_whose_reply_was_lost_is_one_message(site: Site) -> None:
    site.allow(CUT)
    page = await begun(site)
    lost = False

    async def lose_the_first(route: Route) -> None:
        nonlocal lost
        if lost:
            await route.continue_()
            return
        lost = True
        await route.fetch()  # the server has it
        await route.abort("connectionreset")

    await page.route("**/messages", lose_the_first)
    await say(page, "Once", NOW)
    await answered(page, 2)
    assert lost
    assert len(await site.messages(page)) == 4
    await expect(articles(page)).to_have_count(4)


async def test_a_claude_that_hangs_keeps_no_connection_of_the_page(site: Site) -> None:
    site.allow(CUT)
    site.cluster.claude.stall()
    page = await (await site.context()).new_page()
    async with page.expect_event("requestfailed", lambda request: "/v1/models" in request.url):
        await page.goto(site.address)
    await expect(page.get_by_role("combobox", name="Model")).to_have_value("")


@pytest.mark.parametrize("days", some_of([-400, 400], 1))
async def test_a_clock_that_is_wrong(site: Site, days: int) -> None:
    tab = await (await site.context()).new_page()
    await tab.clock.install(time=datetime.now(UTC) + timedelta(days=days))
    site.watch(tab)
    await tab.goto(site.address)
    await ready(tab)
    words, directive = numbered(60, rate=100)
    await say(tab, f"What time is it, {days} days from here?", f"status=429 retry-after=2 times=1 {directive}")
    await expect(articles(tab).nth(1).locator(".status")).to_have_text(
        re.compile(r"(Continuing|Trying again) in [12] s")
    )
    await answered(tab)
    assert (await body(tab).inner_text()).split() == words
    shown = await articles(tab).first.locator("time").inner_text()
    assert re.fullmatch(r"\d{2}:\d{2}( [AP]M)?", shown), "today, by the server's clock"
    for part in ("first after", "tokens/s"):
        await expect(tab.locator(".numbers")).to_contain_text(part)
    listed = tab.get_by_role("navigation", name="Chats").locator("time")
    await expect(listed.first).to_have_text(re.compile(r"^\d{2}:\d{2}"))


@long
async def test_a_store_that_is_full_costs_nobody_the_text(site: Site) -> None:
    context = await site.context()
    await context.add_init_script("Storage.prototype.setItem = () => { throw new DOMException('full') }")
    page = await site.visit(context=context)
    await say(page, "Hello", NOW)
    await answered(page)
