"""How an answer is asked for: its length, thinking and effort, as far as the model has them and limits leave room."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.async_api import Page, Request, Route, expect

from tests.long import long
from tests.page.visiting import NOW, Site, answered, button, say, status

pytestmark = pytest.mark.asyncio(loop_scope="session")


def asked(page: Page) -> list[dict[str, Any]]:
    """What the page asks with, each as it goes out."""
    bodies: list[dict[str, Any]] = []

    def note(request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/messages"):
            body = json.loads(request.post_data or "{}")
            bodies.append({name: value for name, value in body.items() if name != "content"})

    page.on("request", note)
    return bodies


async def choose(page: Page, **choices: str) -> None:
    if not await page.locator("#tuner").count():
        await page.locator("#tune").click()
    for name, value in choices.items():
        await page.locator(f"#tuner [name={name}]").select_option(value)


@long
async def test_an_answer_may_be_as_long_as_the_model_can_make_it_unless_it_is_to_be_short(site: Site) -> None:
    page = await site.visit()
    bodies = asked(page)
    await say(page, "At length", f"tokens=5000 {NOW}")
    await answered(page)
    await expect(page.locator(".ending")).to_have_count(0)
    await choose(page, length="short")
    await expect(page.locator("#tune")).to_have_text("Short")
    await page.keyboard.press("Escape")
    await expect(page.locator("#tune")).to_be_focused()
    await say(page, "Shorter", f"tokens=5000 {NOW}")
    await answered(page, 2)
    await expect(page.locator(".ending")).to_contain_text("length limit")
    await page.reload()
    await answered(page, 2)
    await button(page, "Regenerate").click()
    await expect(page.locator(".ending")).to_contain_text("length limit")
    await page.wait_for_function("() => document.querySelector('#tune').textContent === 'Short'")
    assert bodies == [{"max_tokens": 128_000}, {"max_tokens": 2048}, {"max_tokens": 2048, "regenerate": True}]


ON = {"type": "adaptive", "display": "summarized"}


WAYS: list[tuple[str, dict[str, str], str, dict[str, Any]]] = [
    (
        "claude-opus-5",
        {"thinking": "on", "effort": "max"},
        "Thinking · Max effort",
        {"max_tokens": 128_000, "thinking": ON, "output_config": {"effort": "max"}},
    ),
    (
        "claude-opus-5",  # without thinking it takes less
        {"thinking": "off"},
        "No thinking · Max effort",
        {"max_tokens": 128_000, "thinking": {"type": "disabled"}, "output_config": {"effort": "high"}},
    ),
    (
        "claude-sonnet-5-5",
        {"effort": ""},
        "No thinking",
        {"max_tokens": 128_000, "thinking": {"type": "between_tools"}},
    ),
    (
        "claude-opus-5-5",  # it always thinks
        {"effort": "low"},
        "Low effort",
        {"max_tokens": 128_000, "output_config": {"effort": "low"}},
    ),
    (
        "claude-haiku-4-5",  # it has no efforts
        {"thinking": "on", "length": "short"},
        "Thinking · Short",
        {"max_tokens": 2048, "thinking": {"type": "enabled", "budget_tokens": 1024}},
    ),
]


async def test_thinking_and_effort_as_each_model_takes_them(site: Site) -> None:
    page = await site.visit()
    bodies = asked(page)
    for number, (model, choices, label, fields) in enumerate(WAYS, 1):
        await page.locator("#model").select_option(model)
        await choose(page, **choices)
        assert await page.locator("#tuner [name=effort]").count() == ("haiku-4" not in model)
        await page.keyboard.press("Escape")
        await expect(page.locator("#tune")).to_have_text(label)
        await say(page, "Think", NOW)
        await answered(page, number)
        assert bodies[-1] == fields


async def test_what_has_no_room_is_asked_for_with_less(site: Site) -> None:
    site.allow(status(402), status(403))
    page = await site.visit()
    bodies = asked(page)
    allowed, room = 100_000, 9_000

    async def limited(route: Route) -> None:
        tokens = json.loads(route.request.post_data or "{}")["max_tokens"]
        error = {"type": "permission_error", "message": f"max_tokens: more than you may (max_tokens: {allowed})"}
        if tokens > allowed:
            await route.fulfill(status=403, json={"type": "error", "error": error})
        elif tokens > room:
            await route.fulfill(status=402, json={"type": "error", "error": error | {"message": "no room"}})
        else:
            await route.continue_()

    await page.route("**/messages", limited)
    await say(page, "At length", NOW)
    await answered(page)
    await expect(page.get_by_role("status")).to_contain_text("Your budget has room for about 6,250 tokens, so this")
    room = allowed
    await say(page, "And on", NOW)
    await answered(page, 2)
    await expect(page.get_by_role("status")).to_be_hidden()
    assert [body["max_tokens"] for body in bodies] == [128_000, 100_000, 25_000, 6_250, 100_000]
