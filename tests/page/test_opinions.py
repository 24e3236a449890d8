"""An empty page has something to begin with, says when nobody thinks, and an answer is given a word by who read it."""

from __future__ import annotations

import pytest
from playwright.async_api import Route, expect

from tests.page.visiting import NOW, Site, answer, answered, box, button, say, status

pytestmark = pytest.mark.asyncio(loop_scope="session")

WHY = "What was wrong with it?"


async def test_an_idea_is_one_press_away_and_a_draft_is_not_in_its_way(site: Site) -> None:
    page = await site.visit()
    ideas = page.locator("#ideas button")
    await expect(page.locator("#simulated")).to_have_text("Simulated")
    await expect(ideas).to_have_count(3)
    await box(page).fill("something of mine")
    await expect(ideas.first).to_be_hidden()
    # Where the style sheet cannot hide them, a press is none.
    await ideas.first.dispatch_event("click")
    await expect(box(page)).to_have_value("something of mine")
    await box(page).fill("")
    idea = await ideas.nth(1).inner_text()
    await ideas.nth(1).press("Enter")
    await answered(page)
    await expect(page.get_by_role("article", name="You")).to_contain_text(idea)
    await expect(ideas.first).to_be_hidden()
    tools = answer(page).locator(".tools")
    await expect(tools.locator(".model")).to_have_text("Claude Sonnet 5")
    await expect(tools.locator(".spent")).to_contain_text("$0.00")


async def test_a_word_on_an_answer_survives_a_reload_and_what_was_not_taken_stays(site: Site) -> None:
    page = await site.visit()
    site.allow(status(503))
    await say(page, "Hello", f"tokens=9 {NOW}")
    await answered(page)
    up, down = button(page, "Good answer"), button(page, "Bad answer")
    await up.press("Enter")
    await expect(up).to_have_attribute("aria-pressed", "true")

    async def refuse(route: Route) -> None:
        error = {"type": "error", "error": {"type": "api_error", "message": "Redis is full"}}
        await route.fulfill(status=503, json=error)

    await page.route("**/feedback", refuse)
    await down.press("Enter")
    why = page.get_by_role("textbox", name=WHY)
    await expect(why).to_be_focused()
    await expect(page.locator("#notice")).to_contain_text("Redis is full")
    await expect(up).to_have_attribute("aria-pressed", "true")
    await why.fill("too long")
    await why.press("Enter")
    await expect(why).to_have_value("too long")
    await page.unroute("**/feedback")
    await why.press("Enter")
    await expect(page.get_by_text("Thanks for your feedback.")).to_be_visible()
    await expect(down).to_be_focused()

    await page.reload()
    await answered(page)
    await expect(down).to_have_attribute("aria-pressed", "true")
    await expect(up).to_have_attribute("aria-pressed", "false")
    [_, said] = await site.messages(page)
    assert said["feedback"] == {"rating": -1, "note": "too long"}
    await down.click()
    await expect(why).to_have_value("too long")
    # What was not sent is not thrown away by another press.
    await why.fill("too long, and dull")
    await down.click()
    await expect(why).to_have_value("too long, and dull")
    await expect(why).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("textbox", name=WHY)).to_be_hidden()
    await expect(down).to_be_focused()


async def test_a_page_of_yesterday_says_so_and_what_was_typed_is_kept(site: Site) -> None:
    site.allow(status(404), "dynamically imported module")
    page = await site.visit()
    await say(page, "Hello", f"tokens=9 {NOW}")
    await answered(page)
    await box(page).fill("typed before")
    # What the server has become has no such module any more.
    await page.route("**/chat/answer/note.js", lambda route: route.fulfill(status=404))
    await button(page, "Bad answer").click()
    notice = page.locator("#notice")
    await expect(notice).to_contain_text("Keepstream was updated. Reload to continue.")
    await button(notice, "Reload").click()
    await answered(page)
    await expect(box(page)).to_have_value("typed before")
