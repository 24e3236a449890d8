"""What one does with a conversation: change it, ask again, branch it, take it along, choose who answers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.long import long
from tests.page.list.rows import menu, talk
from tests.page.visiting import (
    NOW,
    Site,
    answer,
    answered,
    articles,
    body,
    button,
    conversation_of,
    eventually,
    quoted,
    say,
    status,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_edit_and_resend_replaces_what_follows(site: Site) -> None:
    page = await talk(site, "One")
    await say(page, "Two", NOW)
    await answered(page, 2)
    await articles(page).first.hover()
    await button(articles(page).first, "Edit message").click()
    edit = page.get_by_role("textbox", name="Edit message")
    await expect(edit).to_have_value(f"One [[sim: {NOW}]]")
    await expect(page.get_by_text("What follows is kept, as an earlier version.")).to_be_visible()
    await edit.press("Escape")
    await expect(edit).to_have_count(0)
    await expect(articles(page)).to_have_count(4)
    await articles(page).first.hover()
    await button(articles(page).first, "Edit message").click()
    await edit.fill(f"Other [[sim: {quoted('Another answer.')} {NOW}]]")
    await button(page, "Send again").click()
    await expect(body(page)).to_have_text("Another answer.")
    await answered(page)
    await expect(articles(page)).to_have_count(2)
    assert [message["role"] for message in await site.messages(page)] == ["user", "assistant"]
    other = await site.visit(conversation_of(page))
    await button(page, "Previous version").click()
    for tab in (page, other):
        await expect(articles(tab)).to_have_count(4)
        await expect(articles(tab).nth(2)).to_contain_text("Two")
        await expect(tab.get_by_role("group", name="Version 1 of 2")).to_be_visible()
    await expect(button(page, "Next version")).to_be_focused()
    await expect(page.locator("#announcer")).to_contain_text("Version 1 of 2")
    await page.keyboard.press("Enter")
    await expect(body(page)).to_have_text("Another answer.")
    await expect(button(page, "Previous version")).to_be_focused()


@long
async def test_what_was_typed_in_an_edit_is_there_again_until_it_is_sent_or_given_up(site: Site) -> None:
    page = await talk(site, "One")
    await say(page, "Two", NOW)
    await answered(page, 2)
    first, second = articles(page).nth(0), articles(page).nth(2)
    edit = page.get_by_role("textbox", name="Edit message")
    await button(first, "Edit message").click()
    await edit.fill("Not lost")
    await button(second, "Edit message").click()
    await expect(edit).to_have_count(1)
    await expect(edit).to_have_value(f"Two [[sim: {NOW}]]")
    await page.reload()
    await answered(page, 2)
    await button(first, "Edit message").click()
    await expect(edit).to_have_value("Not lost")
    await edit.press("Escape")
    await button(first, "Edit message").click()
    await expect(edit).to_have_value(f"One [[sim: {NOW}]]")


async def test_regenerate_asks_again(site: Site) -> None:
    page = await talk(site, "Once more", f"echo {NOW}")
    first = (await site.messages(page))[-1]["id"]
    await button(answer(page), "Regenerate").click()

    async def another() -> bool:
        messages = await site.messages(page)
        return len(messages) == 2 and messages[-1]["id"] != first

    await eventually(another)
    await answered(page)
    await expect(articles(page)).to_have_count(2)
    await expect(answer(page).get_by_role("group", name="Version 2 of 2")).to_be_visible()
    await page.reload()
    await button(answer(page), "Previous version").click()
    await expect(answer(page)).to_have_attribute("data-id", first)
    assert (await site.messages(page))[-1]["id"] == first


@long
async def test_a_branch_leaves_the_old_one_as_it_was(site: Site) -> None:
    page = await talk(site, "The trunk")
    await say(page, "Further up", NOW)
    await answered(page, 2)
    old = conversation_of(page)
    await articles(page).nth(1).hover()
    await button(articles(page).nth(1), "Branch from here").click()
    await expect(articles(page)).to_have_count(2)
    assert conversation_of(page) != old
    await say(page, "Aside", NOW)
    await answered(page, 2)
    await page.goto(f"{site.address}#{old}")
    await expect(articles(page).nth(2)).to_contain_text("Further up")


@long
async def test_it_can_be_taken_along(site: Site) -> None:
    page = await talk(site, "Keep this", f"{quoted('A **fine** answer.')} {NOW}")
    for name, suffix in (("Download Markdown", "md"), ("Download JSON", "json")):
        async with page.expect_download() as download:
            await menu(page, name)
        file = await download.value
        assert file.suggested_filename == f"{conversation_of(page)}.{suffix}"
        text = (await asyncio.to_thread(Path(await file.path()).read_bytes)).decode()
        assert "A **fine** answer." in text
        assert suffix == "md" or json.loads(text)["messages"]


@long
async def test_copy_works_without_a_clipboard_interface(site: Site) -> None:
    """As it is on plain http, from another machine."""
    context = await site.context()
    await context.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page = await site.visit(context=context)
    await page.evaluate("addEventListener('copy', () => { globalThis.copied = document.activeElement.value })")
    await say(page, "Copy me", f"{quoted('A **fine** answer.')} {NOW}")
    await answered(page)
    await button(answer(page), "Copy as Markdown").click()
    await expect(button(answer(page), "Copied")).to_be_focused()
    assert await page.evaluate("copied") == "A **fine** answer."
    await expect(button(answer(page), "Copy as Markdown")).to_be_visible()


@long
async def test_the_model_is_chosen_and_remembered(site: Site) -> None:
    page = await site.visit()
    model = page.get_by_role("combobox", name="Model")
    await expect(model.get_by_role("option")).not_to_have_count(1)
    await model.select_option("claude-haiku-4-5")
    await say(page, "Which one?", f"echo {NOW}")
    await answered(page)
    await expect(body(page)).to_contain_text('"model": "claude-haiku-4-5"')
    await model.select_option("claude-opus-5")
    await say(page, "And now?", f"echo {NOW}")
    await answered(page, 2)
    await expect(body(page)).to_contain_text('"model": "claude-opus-5"')
    await page.reload()
    await answered(page, 2)
    await expect(model).to_have_value("claude-opus-5")


async def test_the_system_prompt_of_this_chat_and_of_new_ones(site: Site) -> None:
    page = await site.visit()
    settings = page.get_by_role("dialog", name="Settings")
    await button(page, "Settings").click()
    await expect(settings.get_by_label("System prompt for this chat")).to_be_hidden()
    await settings.get_by_label("System prompt for new chats").fill("Be a lighthouse keeper.")
    await button(settings, "Save").click()
    await say(page, "Who?", f"echo {NOW}")
    await answered(page)
    await expect(body(page)).to_contain_text("Be a lighthouse keeper.")
    await button(page, "Settings").click()
    await expect(settings.get_by_label("System prompt for this chat")).to_have_value("Be a lighthouse keeper.")
    here = settings.get_by_label("System prompt for this chat")
    await here.fill("Be a pirate.")
    # Where it is refused, nothing that was typed is lost.
    site.allow(status(503))
    error = {"type": "error", "error": {"type": "api_error", "message": "Redis is full"}}
    await page.route("**/v1/conversations/cv_*", lambda route: route.fulfill(status=503, json=error))
    await button(settings, "Save").click()
    await expect(settings.get_by_role("alert")).to_contain_text("Redis is full")
    await expect(here).to_have_value("Be a pirate.")
    await page.unroute("**/v1/conversations/cv_*")
    await button(settings, "Save").click()
    await expect(settings).to_have_count(0)
    await say(page, "And now?", f"echo {NOW}")
    await answered(page, 2)
    await expect(body(page)).to_contain_text("Be a pirate.")
    await button(page, "Settings").click()
    await settings.get_by_label("System prompt for new chats").fill("Never saved")
    await page.keyboard.press("Escape")
    await page.reload()
    await button(page, "Settings").click()
    await expect(settings.get_by_label("System prompt for new chats")).to_have_value("Be a lighthouse keeper.")
    # A tab that stood here before keeps what another one sets.
    other = await site.visit(context=page.context)
    await button(other, "Settings").click()
    await other.get_by_label("System prompt for new chats").fill("Be brief.")
    await button(other.get_by_role("dialog"), "Save").click()
    await page.keyboard.press("Escape")
    await page.wait_for_function("() => localStorage['keepstream.settings'].includes('brief')")
    await button(page, "Settings").click()
    await expect(settings.get_by_label("System prompt for new chats")).to_have_value("Be brief.")
