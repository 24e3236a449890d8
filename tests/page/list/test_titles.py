"""What a chat is called once its first answer is there."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.page.list.rows import talk
from tests.page.visiting import NOW, Site, answered, conversation_of, say

pytestmark = pytest.mark.asyncio(loop_scope="session")
SETTINGS = {"titles": 1}


async def test_the_first_answer_gives_it_a_title_in_every_tab_and_no_later_one_does(site: Site) -> None:
    page = await talk(site, "Why are there two tides a day, and not one?")
    other = await site.visit(conversation_of(page))
    for tab in (page, other):
        await expect(tab.get_by_role("heading", level=1)).to_have_text("Why are there two tides a")
    await expect(page.get_by_role("link", name="Why are there two tides a")).to_have_attribute("aria-current", "page")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/title") else None)
    await say(page, "And the Moon?", NOW)
    await answered(page, 2)
    assert asked == []
