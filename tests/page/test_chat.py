"""Saying something and being answered: by mouse, by keyboard, by ear."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Route, expect

from tests.long import long, some_of
from tests.page.visiting import (
    NOW,
    Site,
    answer,
    answered,
    articles,
    body,
    box,
    button,
    eventually,
    log,
    numbered,
    offered,
    quoted,
    say,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

# A turn of the wheel moves the view in several frames.
AT_REST = """() => {
    const { scrollTop } = document.querySelector("#scroll");
    globalThis.frames_ = scrollTop === globalThis.top_ ? globalThis.frames_ + 1 : 0;
    globalThis.top_ = scrollTop;
    return globalThis.frames_ > 10;
}"""
STALLED = "stall-after=3 tokens=9 rate=0 first=0"


async def test_enter_sends_and_the_answer_stands_beneath(site: Site) -> None:
    page = await site.visit()
    await expect(box(page)).to_be_focused()
    await expect(log(page)).to_be_attached()
    await say(page, "Hello", f"{quoted('Good **evening**.')} {NOW}")
    await answered(page)
    await expect(articles(page)).to_have_count(2)
    await expect(articles(page).first).to_contain_text("Hello")
    await expect(body(page).locator("strong")).to_have_text("evening")
    await expect(box(page)).to_have_value("")
    await expect(box(page)).to_be_focused()
    await say(page, "And now", NOW)
    await answered(page, 2)
    assert [message["role"] for message in await site.messages(page)] == ["user", "assistant"] * 2


@long
async def test_the_button_sends_too(site: Site) -> None:
    page = await site.visit()
    await box(page).fill(f"By mouse [[sim: {NOW}]]")
    await expect(button(page, "Stop")).to_be_hidden()
    await button(page, "Send").click()
    await answered(page)


@long
async def test_shift_enter_breaks_the_line(site: Site) -> None:
    page = await site.visit()
    await box(page).press_sequentially("one")
    await box(page).press("Shift+Enter")
    await box(page).press_sequentially(f"two [[sim: {NOW}]]")
    await expect(articles(page)).to_have_count(0)
    await box(page).press("Enter")
    await answered(page)
    assert (await site.messages(page))[0]["content"][0]["text"].startswith("one\ntwo ")
    assert (await articles(page).first.locator(".plain").inner_text()).startswith("one\ntwo ")


@long
async def test_an_enter_that_only_chooses_a_word_does_not_send(site: Site) -> None:
    page = await site.visit()
    await box(page).fill("にほん")
    await box(page).dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    await expect(articles(page)).to_have_count(0)
    await expect(box(page)).to_have_value("にほん")


async def test_the_first_token_is_seen_as_it_comes(site: Site) -> None:
    page = await site.visit()
    await say(page, "Slowly", f"{quoted('Word after word')} stall-after=1 {NOW}")
    await expect(body(page)).to_have_text("Word")
    await expect(button(page, "Stop")).to_be_visible()
    await expect(button(page, "Send")).to_be_hidden()
    await expect(page).to_have_title(re.compile("^● "))
    await button(page, "Stop").click()
    await expect(page).not_to_have_title(re.compile("●"))


@pytest.mark.parametrize("by", some_of(["button", "escape"], 1))
async def test_stop_really_cancels(site: Site, by: str) -> None:
    page = await site.visit()
    await say(page, "Stop me", f"tag=stopped-by-{by} {STALLED}")
    await expect(body(page)).to_have_text(re.compile(r"\w"))
    standing = await body(page).inner_text()
    assert (await site.calls(f"stopped-by-{by}"))["closed_early"] == 0
    if by == "button":
        await button(page, "Stop").click()
    else:
        await box(page).press("Escape")
    await expect(answer(page).locator(".ending")).to_contain_text("Stopped.")
    await expect(button(page, "Continue")).to_be_visible()
    await expect(button(page, "Send")).to_be_visible()
    assert await body(page).inner_text() == standing
    await eventually(lambda: _closed_early(site, f"stopped-by-{by}"))
    assert (await site.messages(page))[-1]["outcome"] == "cancelled"


async def _closed_early(site: Site, tag: str) -> bool:
    return (await site.calls(tag))["closed_early"] == 1


async def test_who_stops_before_it_was_accepted_has_stopped_it(site: Site) -> None:
    page = await site.visit()
    await say(page, "First", NOW)
    await answered(page)
    gate = asyncio.Event()

    async def held(route: Route) -> None:
        reply = await route.fetch()  # the server has it, and the page does not know yet
        await gate.wait()
        await route.fulfill(response=reply)

    await page.route("**/messages", held)
    async with page.expect_request("**/messages"):
        await say(page, "No, stop", f"tag=too-late {STALLED}")
    await box(page).press("Escape")
    gate.set()
    await expect(answer(page).locator(".ending")).to_contain_text("Stopped.")
    await expect(box(page)).to_have_value("")
    await expect(articles(page)).to_have_count(4)
    assert (await site.messages(page))[-1]["outcome"] == "cancelled"


async def test_who_types_while_an_answer_runs_keeps_what_was_typed(site: Site) -> None:
    page = await site.visit()
    await say(page, "First", STALLED)
    await expect(body(page)).to_have_text(re.compile(r"\w"))
    await say(page, "Second")
    await expect(page.get_by_role("status")).to_contain_text("Claude is still answering. Wait")
    await expect(box(page)).to_have_value("Second")
    await expect(articles(page)).to_have_count(2)
    await button(page, "Stop").click()
    await expect(box(page)).to_have_value("Second")


async def test_everything_can_be_done_by_keyboard(site: Site) -> None:
    await offered(site)
    page = await site.visit()
    await page.keyboard.type(f"By keyboard [[sim: {NOW}]]")
    await page.keyboard.press("Enter")
    await answered(page)
    await page.keyboard.type(f"Stop by keyboard [[sim: {STALLED}]]")
    await expect(button(page, "Tools")).to_be_visible()
    for _ in range(5):  # attach, model, thinking and length, tools, send
        await page.keyboard.press("Tab")
    await expect(button(page, "Send")).to_be_focused()
    await page.keyboard.press("Space")
    await expect(articles(page)).to_have_count(4)
    await expect(body(page)).to_have_text(re.compile(r"\w"))
    await page.keyboard.press("Escape")
    await expect(answer(page).locator(".ending")).to_contain_text("Stopped.")
    await expect(box(page)).to_be_focused()
    reached = set()
    for _ in range(60):
        await page.keyboard.press("Shift+Tab")
        reached.add(
            await page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.textContent.trim()")
        )
        if "Skip to the message box" in reached:
            break
    for name in ("Continue", "Retry", "Copy as Markdown", "Edit message", "Branch from here", "More", "Settings"):
        assert name in reached
    assert {"New chat", "Search chats"} <= reached
    await page.keyboard.press("Enter")
    await expect(box(page)).to_be_focused()


async def test_a_screen_reader_hears_sentences_once(site: Site) -> None:
    page = await site.visit()
    await page.evaluate("""
        globalThis.heard = [];
        new MutationObserver((changes) => {
          for (const { addedNodes } of changes) for (const node of addedNodes) heard.push(node.textContent);
        }).observe(document.querySelector("#announcer"), { childList: true });
    """)
    sentences = [f"This is **sentence** number {number} of the answer." for number in range(30)]
    await say(page, "Read to me", f"{quoted(' '.join(sentences))} rate=150 first=0")
    await answered(page)
    heard: list[str] = await page.evaluate("heard")
    assert " ".join(heard) == f"{' '.join(sentences).replace('*', '')} End of the answer."
    assert len(heard) > 2, "it is told while it comes"
    assert all(said.endswith(".") for said in heard), "whole sentences"
    assert await log(page).get_attribute("aria-live") == "off", "not every token"
    await expect(page.locator("#announcer")).to_have_attribute("aria-live", "polite")


async def test_thinking_is_there_for_who_wants_it(site: Site) -> None:
    page = await site.visit()
    await say(page, "Think", f"thinking {quoted('Because.')} {NOW}")
    await answered(page)
    thoughts = answer(page).get_by_role("group").first
    await expect(thoughts).not_to_have_attribute("open", re.compile(""))
    await answer(page).locator("summary").press("Enter")
    await expect(thoughts.locator(".folded")).to_have_text(re.compile(r"\w{3}"))
    await expect(body(page).locator(".markdown")).to_have_text("Because.")


async def test_the_view_follows_only_who_is_at_the_end(site: Site) -> None:
    page = await site.visit(viewport={"width": 900, "height": 400})
    words, directive = numbered(600, rate=150)
    await say(page, "At length", directive)
    view = page.locator("#scroll")
    at_end = "view => view.scrollHeight - view.scrollTop - view.clientHeight < 40"
    await page.wait_for_function("() => document.querySelector('#scroll').scrollTop > 150")
    assert await view.evaluate(at_end)
    await view.hover()
    await page.mouse.wheel(0, -100)
    await expect(button(page, "Scroll to bottom")).to_be_visible()
    await page.wait_for_function(AT_REST)
    stays = await view.evaluate("view => view.scrollTop")
    height = await view.evaluate("view => view.scrollHeight")
    await page.wait_for_function("(height) => document.querySelector('#scroll').scrollHeight > height + 60", arg=height)
    assert abs(await view.evaluate("view => view.scrollTop") - stays) < 1
    await button(page, "Scroll to bottom").click()
    await expect(button(page, "Scroll to bottom")).to_be_hidden()
    await expect(body(page)).to_contain_text(words[-1])
    assert await view.evaluate(at_end)
    await answered(page)
    assert await view.evaluate(at_end), "what stands beneath a finished answer is seen too"


@long
async def test_what_stands_beneath_an_answer_stays_when_its_message_comes(site: Site) -> None:
    """The stream ends first, then the conversation tells of the message: a focus or a click in between is not lost."""
    page = await site.visit()
    gate = asyncio.Event()

    async def held(route: Route) -> None:
        await gate.wait()
        await route.continue_()

    await say(page, "Stop me", STALLED)
    await expect(body(page)).to_have_text(re.compile(r"\w"))
    await page.route(re.compile("/v1/conversations/[^/]+/events"), held)
    await button(page, "Stop").click()
    await button(page, "Continue").focus()
    await expect(answer(page).locator(".numbers")).not_to_contain_text("first after")
    gate.set()
    await expect(answer(page).locator(".numbers")).to_contain_text("first after")
    await expect(button(page, "Continue")).to_be_focused()
