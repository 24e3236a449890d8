"""The board of real processes: what it shows is there, and what is done on it is done."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.page.visiting import PATIENCE_MS, Site, button, ready

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_stream_is_seen_to_run_opened_and_cancelled(site: Site) -> None:
    stream = await site.api.submit("Hold [[sim: tokens=9 stall-after=2 rate=0 first=0]]")
    page = await (await site.context()).new_page()
    site.watch(page)
    await page.goto(f"{site.address}ops")
    await ready(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("All is well")
    square = page.locator(f"#lanes .on[data-id='{stream}']")
    await square.click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text("first content, ")).to_be_visible()
    assert await dialog.get_by_text("Hold").count() == 0
    await button(dialog, "Cancel the stream").click()
    await button(dialog, "Cancel it").click()
    await expect(page.locator("#opened-title")).to_have_text("Cancelled: an operator asked to cancel it")
    await page.keyboard.press("Escape")
    await expect(square).to_have_count(0, timeout=PATIENCE_MS)
    row = page.locator(f"#rows [data-id='{stream}'] .state")
    await expect(row).to_have_text("cancelled")
    assert (await site.api.call("GET", f"/v1/streams/{stream}")).json()["outcome"] == "cancelled"
