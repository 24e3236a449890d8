"""What the page says while an answer does not come, and how it ended: the truth, quietly, and what one can do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Locator, Page, expect

from tests.long import long
from tests.page.visiting import (
    CUT,
    NOW,
    Site,
    answer,
    answered,
    articles,
    body,
    box,
    button,
    numbered,
    quoted,
    say,
    status,
    words_of,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

SETTINGS = {"worker_streams": 1, "queue_limit": 2}
WORDS, AT_ONCE = numbered(60, rate=0)


def state(page: Page) -> Locator:
    return answer(page).locator(".status")


def ending(page: Page) -> Locator:
    return answer(page).locator(".ending")


@asynccontextmanager
async def others_before(site: Site, count: int) -> AsyncIterator[list[str]]:
    """Streams of others that stand in the line; each goes when it is cancelled."""
    streams = []
    for _ in range(count):
        stream = await site.api.submit("[[sim: stall-after=1 tokens=5 rate=0 first=0]]")
        streams.append(stream)
        while len(streams) == 1 and (await site.api.show(stream))["state"] == "queued":
            await asyncio.sleep(0.02)  # the first one does not wait
    yield streams
    for stream in streams:
        await site.api.cancel(stream)


async def test_the_place_in_the_line(site: Site) -> None:
    page = await site.visit()
    async with others_before(site, 2) as others:
        await say(page, "Is it my turn?", NOW)
        await expect(state(page)).to_have_text("Number 2 in line")
        await expect(button(page, "Stop")).to_be_visible()
        await site.api.cancel(others[1])
        await expect(state(page)).to_have_text("Next in line")
        await page.reload()
        await expect(state(page)).to_have_text("Next in line")
        await site.api.cancel(others[0])
        await answered(page)
    await expect(state(page)).to_be_hidden()


@long
async def test_who_waits_in_the_line_can_leave_it(site: Site) -> None:
    page = await site.visit()
    async with others_before(site, 1):
        await say(page, "Is it my turn?", f"tag=never {NOW}")
        await expect(state(page)).to_contain_text("in line")
        await button(page, "Stop").click()
        await expect(ending(page)).to_contain_text("Stopped.")
    assert await site.calls("never") == {}


async def test_a_line_that_is_full_is_waited_for_and_nothing_typed_is_lost(site: Site) -> None:
    site.allow(status(429))
    page = await site.visit()
    async with others_before(site, 3) as others:
        await say(page, "Me too", NOW)
        notice = page.get_by_role("status")
        await expect(notice).to_have_text(
            re.compile(r"^Many requests are waiting right now\. Sending yours again in \d+ s\.$")
        )
        await expect(box(page)).to_have_value(f"Me too [[sim: {NOW}]]")
        seen = await notice.inner_text()
        await expect(notice).not_to_have_text(seen)
        for other in others:
            await site.api.cancel(other)
        await answered(page)
    await expect(articles(page)).to_have_count(2)
    await expect(box(page)).to_have_value("")
    await expect(notice).to_be_hidden()


@long
async def test_a_full_line_need_not_be_waited_for(site: Site) -> None:
    site.allow(status(429))
    page = await site.visit()
    async with others_before(site, 3):
        await say(page, "Me too")
        await expect(page.get_by_role("status")).to_contain_text("Sending yours again in")
        await box(page).press("Escape")
        await expect(page.get_by_role("status")).to_be_hidden()
        await expect(articles(page)).to_have_count(0)
        await expect(box(page)).to_have_value("Me too")
        await expect(box(page)).to_be_editable()


@long
async def test_what_takes_long_is_said_with_its_time(site: Site) -> None:
    page = await site.visit()
    await page.clock.install()
    await say(page, "Think first", "first=2 tokens=5 rate=0")
    await expect(state(page)).to_have_text("Thinking")
    await page.clock.fast_forward(8000)
    await expect(state(page)).to_have_text(re.compile(r"^Thinking · \d+(\.\d)? s$"))
    await answered(page)
    await expect(state(page)).to_be_hidden()


async def test_a_rate_limit_is_waited_for_with_a_countdown(site: Site) -> None:
    page = await site.visit()
    await say(page, "Now, please", f"status=429 retry-after=3 times=1 {AT_ONCE}")
    for seconds in (3, 2, 1):
        await expect(state(page)).to_have_text(re.compile(f"slow down. (Continuing|Trying again) in {seconds} s"))
    await answered(page)
    assert await words_of(page) == WORDS


@long
async def test_an_overloaded_claude_is_named(site: Site) -> None:
    page = await site.visit()
    await say(page, "Now, please", f"status=529 retry-after=2 times=1 {AT_ONCE}")
    await expect(state(page)).to_have_text(re.compile(r"^Claude is overloaded\. Trying again in \d s$"))
    await answered(page)


async def test_a_new_attempt_fades_the_partial_text_and_there_is_one_copy(site: Site) -> None:
    page = await site.visit()
    await say(page, "Twice", f"cut-after=30 call=1 {numbered(60, rate=100)[1].replace('first=0', 'first=1')}")
    stale = answer(page).locator(".body.stale")
    await expect(state(page)).to_have_text("The answer was interrupted. Starting over")
    await expect(stale).to_contain_text("w20")
    await expect(stale).to_have_attribute("aria-hidden", "true")
    await expect(stale).to_have_css("animation-name", "fade")
    assert await words_of(page) == [], "never glued to what there was"
    await answered(page)
    await expect(stale).to_have_count(0)
    assert (await answer(page).locator(".answer").inner_text()).split() == WORDS


@long
async def test_an_answer_that_was_cut_at_its_limit_can_be_continued(site: Site) -> None:
    page = await site.visit()
    await say(page, "At length", f"max-tokens {quoted('As I was say')} {NOW}")
    await expect(ending(page)).to_contain_text("The answer reached its length limit.")
    await button(ending(page), "Continue").click()
    await answered(page, 2)
    await expect(articles(page).locator("visible=true")).to_have_count(3)  # what asked for it is not shown
    await expect(log_endings(page).locator("button:visible")).to_have_count(0)
    await page.reload()
    await answered(page, 2)
    await expect(articles(page).locator("visible=true")).to_have_count(3)
    await expect(articles(page).nth(1).locator(".ending")).to_contain_text("The answer reached its length limit.")


def log_endings(page: Page) -> Locator:
    return articles(page).locator(".ending")


@long
async def test_a_conversation_as_long_as_the_model_can_take(site: Site) -> None:
    page = await site.visit()
    await say(page, "More", f"context-window {quoted('No more')} {NOW}")
    await expect(ending(page)).to_contain_text("This chat is as long as the model can read.")


@long
async def test_a_refusal_leads_to_the_message_and_not_to_the_same_again(site: Site) -> None:
    page = await site.visit()
    await say(page, "Something bad", f"refusal {NOW}")
    await expect(ending(page)).to_contain_text("Claude declined to answer this.")
    await expect(button(ending(page), "Retry")).to_have_count(0)
    await button(ending(page), "Edit the message").click()
    edit = page.get_by_role("textbox", name="Edit message")
    await expect(edit).to_be_focused()
    await edit.fill(f"Something good [[sim: {NOW}]]")
    await edit.press("Enter")
    await expect(ending(page)).to_have_count(0)
    await answered(page)
    await expect(articles(page)).to_have_count(2)


async def test_a_failure_says_what_happened_and_can_be_tried_again(site: Site) -> None:
    page = await site.visit()
    await say(page, "Fail once", f'status=400 message="no such luck" times=1 {AT_ONCE}')
    await expect(ending(page)).to_have_text(re.compile("The answer failed: no such luck"))
    await page.reload()
    await expect(ending(page)).to_have_text(re.compile("The answer failed: no such luck"))
    await button(ending(page), "Retry").click()
    await expect(ending(page)).to_have_count(0)
    await answered(page)
    assert await words_of(page) == WORDS
    await expect(articles(page)).to_have_count(2)


@long
async def test_a_failure_after_some_text_leaves_what_was_read_and_says_that_it_is_not_the_whole(site: Site) -> None:
    page = await site.visit()
    await say(page, "Fail each time", f"error-after=10 {AT_ONCE}")
    told = re.compile("Claude is overloaded right now.* This answer is incomplete.")
    await expect(ending(page)).to_have_text(told)
    shown = await words_of(page)
    assert shown
    assert shown == WORDS[: len(shown)]
    await expect(answer(page).locator(".stale")).to_have_count(0)
    await page.reload()
    await expect(ending(page)).to_have_text(told)
    assert await words_of(page) == shown


async def test_the_numbers_beneath_a_finished_answer(site: Site) -> None:
    page = await site.visit()
    await say(page, "Count", "tokens=60 rate=120 first=0.2")
    await answered(page)
    numbers = answer(page).locator(".numbers")
    await expect(numbers).to_have_text(re.compile(r"^60 tokens · first after \d+(\.\d+)? s · \d+ tokens/s$"))
    shown = await numbers.inner_text()
    await page.reload()
    await expect(numbers).to_have_text(shown)


async def test_a_lost_connection_is_counted_down(site: Site) -> None:
    site.allow(CUT)
    page = await site.visit()
    await say(page, "Hold", "stall-after=3 tokens=9 rate=0 first=0")
    await expect(body(page)).to_have_text(re.compile(r"\w"))
    proxy = site.cluster.front_proxies[0]
    there, proxy.target = proxy.target, ("127.0.0.1", 1)  # nobody is there
    proxy.reset()
    try:
        for seconds in (2, 1):
            text = re.compile(rf"Reconnecting in {seconds} s")
            await expect(page.locator("#connection")).to_have_text(text)
            await expect(state(page)).to_have_text(text)
    finally:
        proxy.target = there
    await expect(page.locator("#connection")).to_be_hidden()
    await expect(state(page)).to_be_hidden()
    await button(page, "Stop").click()
    await expect(ending(page)).to_contain_text("Stopped.")
