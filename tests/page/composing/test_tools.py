"""Tools on the page: a card for each call, the choice of them, and a person's word on one that asks."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.long import long
from tests.page.visiting import NOW, Site, answer, answered, body, button, offered, say

pytestmark = pytest.mark.asyncio(loop_scope="session")

# An answer that is told what a stream would tell, and what was decided on it.
TAUGHT = """async (events) => {
  const { Answer } = await import("/chat/answer/answer.js");
  const made = new Answer();
  window.made = made;
  window.decided = [];
  window.refuses = null;
  made.onVerdict = async (id, verdict) => {
    if (window.refuses) throw window.refuses;
    window.decided.push([id, verdict]);
  };
  document.querySelector("#log").replaceChildren(made.element);
  document.querySelector("#welcome").hidden = true;
  for (const [type, data] of events) made.take(type, data);
}"""


def cards(page: Page) -> Locator:
    return page.locator(".card")


async def choose(page: Page, *names: str) -> None:
    await button(page, "Tools").click()
    for name in names:
        await page.locator("#toolbox").get_by_role("checkbox", name=re.compile(rf"^{name}")).check()
    await page.keyboard.press("Escape")
    await expect(page.locator("#tools")).to_be_focused()


def call(key: str, name: str = "pay", given: str = '{"usd":5}') -> list[tuple[str, dict[str, Any]]]:
    return [
        ("message_start", {"message": {"model": "claude-sonnet-5"}}),
        (
            "content_block_start",
            {"index": 0, "content_block": {"type": "tool_use", "id": key, "name": name, "input": {}}},
        ),
        ("content_block_delta", {"index": 0, "delta": {"type": "input_json_delta", "partial_json": given}}),
        ("content_block_stop", {"index": 0}),
        ("message_stop", {}),
    ]


def asks(key: str) -> tuple[str, dict[str, Any]]:
    return "relay.approval", {"tool_use_id": key, "name": "pay", "input": {"usd": 5}}


async def test_tools_that_are_chosen_are_cards_of_the_answer_and_stay_chosen_in_the_chat(site: Site) -> None:
    await offered(site)
    page = await site.visit()
    await choose(page, "calculator", "clock")
    sums = r"calculator{\"expression\":\"6*7\"},calculator{\"expression\":\"2**x\"}"
    # The second turn breaks once: what the first one gave stays.
    await say(page, "Both", f'text="One moment." tools="{sums}" {NOW}]] [[sim: cut-after=2 turn=2 times=1')
    await answered(page)
    right, wrong = cards(page).nth(0), cards(page).nth(1)
    await expect(right.locator(".brief")).to_have_text("expression: 6*7 → 42")
    await expect(right).to_have_attribute("data-state", "done")
    await expect(right.locator("pre").last).to_be_hidden()
    await right.locator("summary").click()
    await expect(right.locator("pre").last).to_have_text("42")
    await expect(wrong.locator(".wrong")).to_be_visible()
    await expect(wrong).to_have_attribute("data-state", "failed")
    await expect(body(page)).to_contain_text("One moment.")
    await expect(answer(page).locator(".stale")).to_have_count(0)
    await page.reload()
    await answered(page)
    await expect(right.locator(".brief")).to_have_text("expression: 6*7 → 42")
    await expect(wrong.locator(".wrong")).to_be_visible()
    await expect(body(page)).to_contain_text("One moment.")
    await expect(page.locator("#tools")).to_have_accessible_name("Tools: calculator, clock")
    await button(page, "New chat").or_(page.get_by_role("link", name="New chat")).first.click()
    await button(page, "Tools: calculator, clock").click()
    await page.locator("#toolbox").get_by_role("checkbox", name=re.compile("^clock")).uncheck()
    await page.keyboard.press("Escape")
    await expect(page.locator("#tools")).to_have_accessible_name("Tools: calculator")
    await page.go_back()
    await expect(page.locator("#tools")).to_have_accessible_name("Tools: calculator, clock")


async def test_a_person_is_asked_and_what_was_said_goes_along(site: Site) -> None:
    page = await site.visit()
    await page.evaluate(TAUGHT, [*call("t1"), asks("t1")])
    await expect(page.locator(".status")).to_have_text("Waiting for your approval")
    await expect(cards(page).locator("pre").first).to_have_text(re.compile(r'"usd": 5'))
    mark = cards(page).locator(".mark")
    await expect(mark).to_have_accessible_name("Asks you")
    await button(page, "Refuse").click()
    await expect(page.get_by_label("Reason")).to_be_focused()
    await expect(button(page, "Approve")).to_be_hidden()
    await page.keyboard.press("Escape")  # it was the wrong one of the two
    await expect(button(page, "Refuse")).to_be_focused()
    await expect(page.get_by_label("Reason")).to_be_hidden()
    await button(page, "Refuse").click()
    await button(page, "Back").click()
    await expect(button(page, "Approve")).to_be_visible()
    await expect(button(page, "Back")).to_be_hidden()
    await button(page, "Refuse").click()
    await page.get_by_label("Reason").fill("Too much")
    await page.get_by_label("Reason").dispatch_event("keydown", {"key": "Enter", "keyCode": 229})  # a composition's
    await page.keyboard.press("Enter")
    await expect(cards(page)).to_contain_text("Refused")
    await expect(cards(page).locator("summary")).to_be_focused()
    assert await page.evaluate("decided") == [["t1", {"approve": False, "reason": "Too much"}]]
    gone = {"tool_use_id": "t1", "name": "pay", "content": "A person refused this call: Too much", "is_error": True}
    await page.evaluate("data => made.take('relay.tool', data)", gone)
    await expect(cards(page).locator(".wrong")).to_have_text("A person refused this call: Too much")
    await expect(mark).to_have_accessible_name("Failed")

    await page.evaluate(TAUGHT, [*call("t2"), asks("t2")])
    await page.evaluate("refuses = Object.assign(new Error('later'), { status: 503 })")
    await button(page, "Approve").click()
    await expect(cards(page).get_by_role("alert")).to_have_text("Something went wrong on the server: later")
    await page.evaluate("refuses = null")
    await button(page, "Approve").click()
    await expect(cards(page)).to_contain_text("Approved")
    await expect(page.locator(".status")).to_have_text("Using pay")
    assert await page.evaluate("decided") == [["t2", {"approve": True}]]

    await page.evaluate(TAUGHT, [*call("t3"), asks("t3")])
    await page.evaluate("refuses = Object.assign(new Error('over'), { status: 409 })")
    await button(page, "Approve").click()
    await expect(cards(page)).to_contain_text("This was decided elsewhere, or the answer was stopped.")


async def test_what_came_of_a_call_before_its_approval_was_answered_stays(site: Site) -> None:
    page = await site.visit()
    for key, told, is_error in ("t1", "A person refused this call: No", True), ("t2", "paid", False):
        await page.evaluate(TAUGHT, [*call(key), asks(key)])
        gone = {"tool_use_id": key, "name": "pay", "content": told, "is_error": is_error}
        await page.evaluate("gone => (made.onVerdict = async () => made.take('relay.tool', gone))", gone)
        if is_error:
            await button(page, "Refuse").click()
            await page.keyboard.press("Enter")
            await expect(cards(page).locator(".wrong")).to_have_text(told)
        else:
            await button(page, "Approve").click()
            await expect(cards(page).locator(".brief")).to_have_text("usd: 5 → paid")
        await expect(cards(page).locator("summary")).to_be_focused()
        await expect(cards(page).locator(".note")).to_have_count(0)


@long
async def test_an_answer_that_was_stopped_at_a_call_is_not_offered_to_go_on(site: Site) -> None:
    page = await site.visit()
    offers = "(end) => import('/chat/words.js').then(({ ending }) => ending(end).actions)"
    called, said = [{"type": "tool_use", "id": "t1", "name": "pay", "input": {}}], [{"type": "text", "text": "Well,"}]
    assert await page.evaluate(offers, {"outcome": "cancelled", "content": called}) == ["regenerate"]
    assert await page.evaluate(offers, {"outcome": "truncated", "content": called}) == ["regenerate"]
    assert await page.evaluate(offers, {"outcome": "cancelled", "content": said}) == ["continue", "regenerate"]
    assert await page.evaluate(offers, {"outcome": "truncated", "content": said}) == ["continue"]
    assert await page.evaluate(offers, {"outcome": "cancelled"}) == ["continue", "regenerate"]


async def test_a_call_that_nobody_answered_says_so_when_the_answer_ends_and_a_turn_may_begin_again(site: Site) -> None:
    page = await site.visit()
    noon = {"tool_use_id": "t1", "name": "pay", "content": [{"type": "text", "text": "paid"}], "elapsed_ms": 400}
    whole = [*call("t1"), ("relay.tool", noon), *call("t2"), ("relay.reset", {"turn": 2}), *call("t3"), asks("t3")]
    await page.evaluate(TAUGHT, whole)
    await expect(cards(page).first.locator(".took")).to_have_text("0.4 s")
    await expect(page.locator(".answer > .body:not(.stale) > .card")).to_have_count(2)
    await page.evaluate("made.end()")
    await expect(cards(page).last).to_contain_text("It was not run: the answer ended before.")
    await expect(button(page, "Approve")).to_have_count(0)
    # Of an answer that is shown when it is whole there is nothing yet but what is asked.
    await page.evaluate(TAUGHT, [asks("t4"), asks("t4")])
    await expect(button(page, "Approve")).to_have_count(1)
    await page.evaluate("events => events.forEach((event) => made.take(...event))", call("t4"))
    await expect(cards(page)).to_have_count(1)
    await page.evaluate(TAUGHT, [("relay.status", {"state": "running", "elapsed_ms": 2000, "output_tokens": 1412})])
    await expect(page.locator(".status")).to_have_text("Writing · 1,412 tokens · 2 s")
