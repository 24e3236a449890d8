"""How an answer reads that has everything: on a phone, with code that is wider than it, and from right to left."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.long import long
from tests.page.text.corpus import DEMO
from tests.page.visiting import NOW, Site, answered, articles, body, button, conversation_of, quoted, say

pytestmark = pytest.mark.asyncio(loop_scope="session")

OVERFLOWS = "(element) => element.scrollWidth > element.clientWidth"
DIRECTION = "(element) => getComputedStyle(element).direction"


@long
async def test_everything_on_a_phone(site: Site) -> None:
    context = await site.context(viewport={"width": 390, "height": 780}, is_mobile=True, has_touch=True)
    page = await site.visit(context=context)
    await say(page, "A long paste. " * 200, f"{quoted(DEMO)} {NOW}")
    await answered(page)

    # A long message shows its beginning.
    mine = articles(page).first
    height = "(element) => element.offsetHeight"
    folded = await mine.locator(".plain").evaluate(height)
    await button(mine, "Show all").tap()
    assert await mine.locator(".plain").evaluate(height) > 2 * folded
    await button(mine, "Show less").tap()
    assert await mine.locator(".plain").evaluate(height) == folded

    # What is written from right to left stands on the right, and code in it does not.
    arabic = body(page).locator("p", has_text="شكرا، هذا").last
    assert await arabic.evaluate(DIRECTION) == "rtl"
    assert await arabic.locator("code").evaluate(DIRECTION) == "ltr"
    assert await body(page).locator("ol").evaluate(DIRECTION) == "rtl"
    assert await body(page).locator("h2").evaluate(DIRECTION) == "ltr"

    # Code in a table is in one piece, and what is wider than the phone can be reached by the keyboard.
    for code in await body(page).locator("td code").all():
        assert await code.evaluate("(element) => element.getClientRects().length") == 1
    for name in ("Table", "Formula", "Code, js"):
        wide = body(page).get_by_role("group", name=name).last
        assert await wide.evaluate(OVERFLOWS), name
        await wide.focus()
        await expect(wide).to_be_focused()

    # Long lines of code are broken for who wants it, here and wherever else there is code, until it is unwanted.
    code = body(page).get_by_role("group", name="Code, js")
    wrap = button(body(page), "Wrap lines")
    await wrap.first.tap()
    assert not await code.evaluate(OVERFLOWS)
    await expect(wrap.last).to_have_attribute("aria-pressed", "true")
    again = await site.visit(conversation_of(page), context=context)
    await answered(again)
    await expect(button(body(again), "Wrap lines").last).to_have_attribute("aria-pressed", "true")
    assert not await body(again).get_by_role("group", name="Code, js").evaluate(OVERFLOWS)
    await again.wait_for_function("() => CSS.highlights.get('code-kwd')?.size > 0")
    await button(body(again), "Wrap lines").last.tap()
    assert await body(again).get_by_role("group", name="Code, js").evaluate(OVERFLOWS)
