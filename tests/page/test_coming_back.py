"""Coming back: whatever happens to the tab, the network or the front, the whole answer is there, live, and once."""

from __future__ import annotations

import re
import signal

import pytest
from playwright.async_api import Page, expect

from tests.long import long, some_of
from tests.page.visiting import (
    CUT,
    Site,
    answered,
    articles,
    body,
    box,
    button,
    conversation_of,
    eventually,
    numbered,
    ready,
    say,
    status,
    words_of,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS, STEADILY = numbered(400, rate=100)


async def begin(site: Site, page: Page) -> None:
    """Asks, and holds Claude back when a part of the answer is there."""
    await say(page, "All of them", STEADILY)
    await expect(body(page)).to_contain_text("w30 ")
    site.cluster.claude.stall()


async def whole(site: Site, page: Page) -> None:
    """Claude goes on, the answer ends, and each word of it is there once."""
    site.cluster.claude.flow()
    await answered(page)
    await expect(articles(page)).to_have_count(2)
    assert await words_of(page) == WORDS
    message = (await site.messages(page))[-1]
    assert message["outcome"] == "completed"
    assert message["content"][0]["text"].split() == WORDS


async def still_running(page: Page) -> None:
    await expect(button(page, "Stop")).to_be_visible()
    await expect(body(page)).to_contain_text("w30 ")
    assert WORDS[-1] not in await body(page).inner_text(), "it was held back too late"


async def test_a_reload_in_the_middle(site: Site) -> None:
    page = await site.visit()
    await begin(site, page)
    for _ in range(2):
        await page.reload()
        await ready(page)
        await still_running(page)
    await whole(site, page)
    await page.reload()
    await whole(site, page)


@long
async def test_closing_the_tab_and_opening_it_again(site: Site) -> None:
    context = await site.context()
    page = await site.visit(context=context)
    await begin(site, page)
    link = conversation_of(page)
    await page.close()
    page = await site.visit(context=context)
    await page.get_by_role("navigation", name="Chats").get_by_role("link").first.click()
    assert conversation_of(page) == link
    await still_running(page)
    await whole(site, page)


@long
async def test_another_device_with_the_link(site: Site) -> None:
    page = await site.visit()
    await begin(site, page)
    other = await site.visit(conversation_of(page), viewport={"width": 390, "height": 780}, is_mobile=True)
    await still_running(other)
    await whole(site, page)
    await whole(site, other)
    assert await body(page).inner_html() == await body(other).inner_html()


@long
async def test_two_tabs_show_the_same_at_the_same_time(site: Site) -> None:
    context = await site.context()
    one = await site.visit(context=context)
    await begin(site, one)
    two = await site.visit(conversation_of(one), context=context)
    await still_running(two)
    await expect(body(two)).to_have_text(await body(one).inner_text(), use_inner_text=True)
    await whole(site, one)
    await whole(site, two)


@long
async def test_five_tabs_leave_room_for_another_request(site: Site) -> None:
    context = await site.context()
    first = await site.visit(context=context)
    await say(first, "All of them", numbered(1000, rate=20)[1])
    await expect(body(first)).to_contain_text("w30 ")
    tabs = [first, *[await site.visit(conversation_of(first), context=context) for _ in range(4)]]
    for page in tabs:
        await expect(body(page)).to_contain_text("w30 ")
    # A browser opens six connections to a server. That one is left is seen by what gets through.
    await button(tabs[-1], "Stop").click()
    for page in tabs:
        await expect(page.locator(".ending")).to_contain_text("Stopped.")
    assert len({await body(page).inner_text() for page in tabs}) == 1
    await say(tabs[2], "Go on", "tokens=5 rate=0 first=0")
    for page in tabs:
        await answered(page, 2)
        await expect(articles(page)).to_have_count(4)


async def test_a_front_that_is_killed(site: Site) -> None:
    site.allow(CUT)
    page = await site.visit()
    await begin(site, page)
    site.cluster.fronts[0].send(signal.SIGKILL)
    await site.cluster.fronts[0].wait()
    await expect(page.locator("#connection")).to_have_text(re.compile(r"Reconnecting( in \d+ s)?"))
    site.cluster.fronts[0] = await site.cluster.front(0)
    await expect(page.locator("#connection")).to_be_hidden()
    await whole(site, page)
    await say(page, "Still there?", "tokens=5 rate=0 first=0")
    await answered(page, 2)


@long
async def test_connections_that_are_cut_again_and_again(site: Site) -> None:
    site.allow(CUT)
    page = await site.visit()
    await begin(site, page)
    site.cluster.claude.flow()
    for word in (100, 200, 300):
        await expect(body(page)).to_contain_text(f"w{word} ")
        site.cluster.front_proxies[0].reset()
    await whole(site, page)


async def test_a_network_that_is_switched_off_and_on(site: Site) -> None:
    site.allow(CUT)
    context = await site.context()
    page = await site.visit(context=context)
    await begin(site, page)
    await context.set_offline(True)
    site.cluster.front_proxies[0].reset()
    await expect(page.locator("#connection")).to_have_text(re.compile("Reconnecting"))
    await expect(page.locator(".status")).to_have_text(re.compile("Connection lost"))
    await context.set_offline(False)
    await expect(page.locator("#connection")).to_be_hidden()
    await whole(site, page)


@long
async def test_who_was_away_when_it_ended_finds_it_whole(site: Site) -> None:
    site.allow(CUT)
    context = await site.context()
    page = await site.visit(context=context)
    await begin(site, page)
    await context.set_offline(True)
    site.cluster.front_proxies[0].reset()
    site.cluster.claude.flow()
    link = conversation_of(page)

    async def over() -> bool:
        return len((await site.api.call("GET", f"/v1/conversations/{link}")).json()["messages"]) == 2

    await eventually(over)
    await context.set_offline(False)
    await whole(site, page)


async def test_a_tab_that_nobody_sees_lets_go_and_comes_back(site: Site) -> None:
    page = await site.visit()
    await page.clock.install()
    await begin(site, page)
    await page.evaluate("""
        globalThis.seen = true;
        Object.defineProperty(document, "hidden", { get: () => !seen });
        globalThis.turn = (on) => { seen = on; document.dispatchEvent(new Event("visibilitychange")); };
        turn(false);
    """)
    connections = site.cluster.front_proxies[0].connections
    await page.clock.fast_forward(6000)

    async def let_go() -> bool:
        return site.cluster.front_proxies[0].connections < connections

    await eventually(let_go)
    site.cluster.claude.flow()
    await page.evaluate("turn(true)")
    await whole(site, page)


# A machine that sleeps: its timers stand still, its clock does not, and its connections are dead without a word.
SLEEP = """(seconds) => {
    const now = Date.now.bind(Date);
    globalThis.slept = (globalThis.slept ?? 0) + seconds * 1000;
    Date.now = () => now() + globalThis.slept;
}"""
WOKEN = {
    "its page is seen": "document.dispatchEvent(new Event('visibilitychange'))",
    "its page is shown": "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))",
    "its network is there": "dispatchEvent(new Event('online'))",
    "nothing is told": "0",
}


@pytest.mark.parametrize("told", some_of(WOKEN, 1))
async def test_a_machine_that_slept_is_back_at_once(site: Site, told: str) -> None:
    site.allow(CUT)
    page = await site.visit()
    await begin(site, page)
    site.cluster.front_proxies[0].sleep()
    site.cluster.claude.flow()
    await page.evaluate("() => (globalThis.at = performance.now())")
    await page.evaluate(SLEEP, 600)
    await page.evaluate(WOKEN[told])
    await whole(site, page)
    took = await page.evaluate("() => performance.now() - globalThis.at")
    assert took < 28_000, "who is not woken up finds out after 30 s of silence"


@long
async def test_what_happens_in_one_tab_happens_in_the_others(site: Site) -> None:
    context = await site.context()
    one = await site.visit(context=context)
    await say(one, "Hello", "tokens=5 rate=0 first=0")
    await answered(one)
    two = await site.visit(conversation_of(one), context=context)
    await answered(two)
    await say(two, "From the other tab", "tokens=5 rate=0 first=0")
    await answered(one, 2)
    await expect(articles(one).nth(2)).to_contain_text("From the other tab")
    await articles(one).nth(0).hover()
    await button(articles(one).nth(0), "Edit message").click()
    await one.get_by_role("textbox", name="Edit message").fill("Again [[sim: tokens=5 rate=0 first=0]]")
    await one.get_by_role("textbox", name="Edit message").press("Enter")
    for page in (one, two):
        await expect(articles(page)).to_have_count(2)
        await expect(articles(page).first).to_contain_text("Again")
    site.allow(status(410))
    await one.get_by_label("More", exact=True).click()
    await button(one, "Delete").click()
    await button(one.get_by_role("dialog"), "Delete").click()
    await expect(one.get_by_role("heading", name="New chat")).to_be_visible()
    await expect(two.get_by_text("This chat was deleted.")).to_be_visible()
    await expect(box(two)).to_be_enabled()


async def test_two_who_send_at_once_both_end_up_with_the_same(site: Site) -> None:
    one = await site.visit()
    await say(one, "Hello", "tokens=5 rate=0 first=0")
    await answered(one)
    two = await site.visit(conversation_of(one))  # on another device: two tabs have one draft
    await answered(two)
    site.allow(status(409))
    await box(one).fill("Mine [[sim: tokens=5 rate=0 first=1]]")
    await box(two).fill("No, mine [[sim: tokens=5 rate=0 first=1]]")
    await one.evaluate("document.querySelector('#composer').requestSubmit()")
    await two.evaluate("document.querySelector('#composer').requestSubmit()")
    for page in (one, two):
        await answered(page, 2)
        await expect(articles(page)).to_have_count(4)
    left = [await box(page).input_value() for page in (one, two)]
    assert sorted(map(bool, left)) == [False, True], "the refused one is still in its box"
