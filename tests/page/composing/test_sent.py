"""What was sent, where the page went away before it heard that it was accepted."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Route, expect

from tests.long import some_of
from tests.page.composing.test_drafts import chips, kept
from tests.page.composing.test_files import PDF, attach
from tests.page.visiting import CUT, NOW, Site, answered, box, button, conversation_of, ready, say

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("accepted", some_of([True, False], 1))
async def test_what_was_sent_and_nobody_was_there_to_hear_accepted_is_no_draft_and_is_said_once(
    site: Site,
    accepted: bool,  # noqa: FBT001
) -> None:
    """Of a new chat, reloaded at once. What comes late is the same message that was sent again."""
    page = await site.visit()
    held: asyncio.Queue[Route] = asyncio.Queue()
    await page.route("**/messages", held.put)
    await attach(page, "paper.pdf", "application/pdf", PDF)
    await say(page, "Read it", NOW)
    route = await held.get()
    sent = route.request
    key, link = await sent.header_value("idempotency-key") or "", conversation_of(page)
    await kept(page, link)

    async def arrives() -> None:
        headers = {"content-type": "application/json", "idempotency-key": key}
        path = f"/v1/conversations/{link}/messages"
        answer = await site.api.call("POST", path, content=sent.post_data_buffer, headers=headers)
        assert answer.status_code == 202, answer.text

    if accepted:
        await arrives()
    site.allow(CUT)
    await page.reload()
    await ready(page)
    await page.unroute("**/messages")  # not before: what is held would be let go
    if not accepted:
        await expect(chips(page)).to_have_count(1)
        await expect(button(page, "Send")).to_be_enabled()
        await box(page).press("Enter")
    await answered(page)
    if not accepted:
        await arrives()
    await expect(box(page)).to_have_value("")
    await expect(chips(page)).to_have_count(0)
    await kept(page)
    assert len(await site.messages(page)) == 2
