"""The list of conversations, and what one does with one: name it, find it, delete it, change it, take it along."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import re
import struct
import zlib
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Locator, Page, expect

from tests.page.visiting import (
    NOW,
    Site,
    answer,
    answered,
    articles,
    body,
    box,
    button,
    conversation_of,
    eventually,
    quoted,
    say,
    status,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def png(width: int, height: int) -> bytes:
    """A picture of noise: nothing makes it much smaller but fewer pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    noise = random.Random(7)  # noqa: S311 - the same picture each time
    rows = b"".join(b"\0" + noise.randbytes(3 * width) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def chats(page: Page) -> Locator:
    return page.get_by_role("navigation", name="Chats")


def row(page: Page, title: str) -> Locator:
    return chats(page).get_by_role("listitem").filter(has_text=title)


async def menu(page: Page, name: str) -> None:
    await page.get_by_label("More", exact=True).click()
    await button(page.locator("#menu"), name).click()


async def talk(site: Site, text: str, directive: str = NOW, **options: object) -> Page:
    page = await site.visit(**options)  # type: ignore[arg-type]
    await say(page, text, directive)
    await answered(page)
    return page


async def test_the_last_used_stands_first_and_the_open_one_is_marked(site: Site) -> None:
    page = await talk(site, "The older one")
    await button(page, "New chat").or_(page.get_by_role("link", name="New chat")).click()
    await expect(articles(page)).to_have_count(0)
    await say(page, "The newer one", NOW)
    await answered(page)
    titles = chats(page).get_by_role("link")
    await expect(titles.nth(0)).to_contain_text("The newer one")
    await expect(titles.nth(1)).to_contain_text("The older one")
    await expect(titles.nth(0)).to_have_attribute("aria-current", "page")
    await titles.nth(1).click()
    await expect(titles.nth(1)).to_have_attribute("aria-current", "page")
    await expect(articles(page).first).to_contain_text("The older one")
    await page.go_back()
    await expect(articles(page).first).to_contain_text("The newer one")


async def test_rename_in_the_list_in_the_menu_and_for_everybody(site: Site) -> None:
    page = await talk(site, "Its first name")
    other = await site.visit(conversation_of(page))
    item = row(page, "Its first name")
    await item.hover()
    await item.get_by_role("button", name=re.compile("^Rename")).click()
    await page.get_by_role("textbox", name="Title").fill("Second name <b>&amp;")
    await page.keyboard.press("Enter")
    await expect(row(page, "Second name <b>&amp;")).to_be_visible()
    for tab in (page, other):
        await expect(tab.get_by_role("heading", level=1)).to_have_text("Second name <b>&amp;")
    await menu(page, "Rename")
    title = page.get_by_role("textbox", name="Title")
    await title.fill("Not this")
    await title.press("Escape")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Second name <b>&amp;")
    await menu(page, "Rename")
    await title.fill("Third name")
    await title.press("Enter")
    for tab in (page, other):
        await expect(tab.get_by_role("heading", level=1)).to_have_text("Third name")
    await expect(page).to_have_title("Third name")


async def test_search_finds_by_title(site: Site) -> None:
    page = await talk(site, "About giraffes")
    await page.goto(site.address)
    search = page.get_by_role("searchbox", name="Search chats")
    await search.fill("GIRAFFE")
    await expect(chats(page).get_by_role("link")).to_have_count(1)
    await expect(chats(page).get_by_role("link")).to_contain_text("About giraffes")
    await search.fill("unicorn")
    await expect(chats(page).get_by_text("No chat has such a title.")).to_be_visible()
    await search.fill("")
    await expect(row(page, "About giraffes")).to_be_visible()


async def test_search_looks_through_all_pages_of_the_list(site: Site) -> None:
    made = []
    for number in range(60):
        new = await site.api.call("POST", "/v1/conversations", json={"title": f"Old number {number}."})
        made.append(new.json()["id"])
    page = await site.visit()
    await expect(button(page, "Show more")).to_be_visible()
    await page.get_by_role("searchbox").fill("old number 3.")
    await expect(chats(page).get_by_role("link")).to_have_count(1)
    await page.get_by_role("searchbox").fill("")
    for one in made:
        await site.api.call("DELETE", f"/v1/conversations/{one}")


async def test_delete_asks_first(site: Site) -> None:
    page = await talk(site, "Short-lived")
    link = conversation_of(page)
    item = row(page, "Short-lived")
    await item.hover()
    await item.get_by_role("button", name=re.compile("^Delete")).click()
    dialog = page.get_by_role("dialog", name=re.compile("^Delete “Short-lived"))
    await expect(button(dialog, "Keep it")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(item).to_be_visible()
    await item.hover()
    await item.get_by_role("button", name=re.compile("^Delete")).click()
    await button(dialog, "Delete").click()
    await expect(item).to_have_count(0)
    await expect(articles(page)).to_have_count(0)
    await expect(page).to_have_url(re.compile(r"/#?$"))
    assert (await site.api.call("GET", f"/v1/conversations/{link}")).status_code == 410


async def test_edit_and_resend_replaces_what_follows(site: Site) -> None:
    page = await talk(site, "One")
    await say(page, "Two", NOW)
    await answered(page, 2)
    await articles(page).first.hover()
    await button(articles(page).first, "Edit message").click()
    edit = page.get_by_role("textbox", name="Edit message")
    await expect(edit).to_have_value(f"One [[sim: {NOW}]]")
    await expect(page.get_by_text("What follows is replaced.")).to_be_visible()
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
    await expect(settings.get_by_label("System prompt of this chat")).to_be_hidden()
    await settings.get_by_label("System prompt of new chats").fill("Be a lighthouse keeper.")
    await button(settings, "Save").click()
    await say(page, "Who?", f"echo {NOW}")
    await answered(page)
    await expect(body(page)).to_contain_text("Be a lighthouse keeper.")
    await button(page, "Settings").click()
    await expect(settings.get_by_label("System prompt of this chat")).to_have_value("Be a lighthouse keeper.")
    await settings.get_by_label("System prompt of this chat").fill("Be a pirate.")
    await button(settings, "Save").click()
    await say(page, "And now?", f"echo {NOW}")
    await answered(page, 2)
    await expect(body(page)).to_contain_text("Be a pirate.")
    await button(page, "Settings").click()
    await settings.get_by_label("System prompt of new chats").fill("Never saved")
    await page.keyboard.press("Escape")
    await page.reload()
    await button(page, "Settings").click()
    await expect(settings.get_by_label("System prompt of new chats")).to_have_value("Be a lighthouse keeper.")


async def attach(page: Page, name: str, kind: str, data: bytes) -> None:
    file = FilePayload(name=name, mimeType=kind, buffer=data)
    await page.get_by_label("Attach files").set_input_files(file)


async def test_a_picture_and_a_pdf_go_along(site: Site) -> None:
    page = await site.visit()
    await attach(page, "small.png", "image/png", png(8, 8))
    await attach(page, "paper.pdf", "application/pdf", PDF)
    chips = page.locator("#files .chip")
    await expect(chips).to_have_count(2)
    await attach(page, "other.png", "image/png", png(9, 9))
    await button(chips.nth(2), "Remove file").click()
    await expect(chips).to_have_count(2)
    await say(page, "What is this?", NOW)
    await answered(page)
    await expect(chips).to_have_count(0)
    content = (await site.messages(page))[0]["content"]
    assert [block["type"] for block in content] == ["image", "document", "text"]
    assert base64.b64decode(content[1]["source"]["data"]) == PDF
    for _ in range(2):
        picture = articles(page).first.get_by_role("img", name="Attached picture")
        await expect(picture).to_be_visible()
        assert await picture.evaluate("picture => picture.naturalWidth") == 8
        await expect(articles(page).first).to_contain_text("paper.pdf")
        await page.reload()


async def test_a_picture_from_a_phone_is_made_smaller(site: Site) -> None:
    page = await site.visit()
    await attach(page, "large.png", "image/png", png(3136, 100))
    await box(page).fill(f"[[sim: {NOW}]]")
    await expect(page.locator("#files img")).to_have_js_property("naturalWidth", 1568)
    await expect(page.locator("#files img")).to_have_js_property("naturalHeight", 50)
    await box(page).press("Enter")
    await answered(page)


@pytest.mark.parametrize(
    ("name", "kind", "data", "told"),
    [
        (
            "notes.txt",
            "text/plain",
            b"hello",
            "“notes.txt” cannot be attached: pictures (PNG, JPEG, GIF, WebP) and PDF can.",
        ),
        ("page.svg", "image/svg+xml", b"<svg/>", "“page.svg” cannot be attached"),
        ("broken.png", "image/png", b"no picture", "“broken.png” is not a picture that can be read."),
    ],
)
async def test_a_file_that_cannot_go_along_says_why(site: Site, name: str, kind: str, data: bytes, told: str) -> None:
    page = await site.visit()
    await box(page).fill("Still here")
    await attach(page, name, kind, data)
    await expect(page.get_by_role("status")).to_contain_text(told)
    await expect(page.locator("#files .chip")).to_have_count(0)
    await expect(box(page)).to_have_value("Still here")


async def test_a_file_that_is_too_large_says_so_and_nothing_is_lost(site: Site, tmp_path: Path) -> None:
    page = await site.visit()
    file = tmp_path / "large.pdf"
    for megabytes in (33, 26):
        file.write_bytes(b"%PDF-1.4\n" + bytes(megabytes * 1024 * 1024))
        await page.get_by_label("Attach files").set_input_files(file)
        if megabytes == 33:
            await expect(page.get_by_role("status")).to_contain_text("“large.pdf” is too large: 33 MB, and 32 MB is")
            await expect(page.locator("#files .chip")).to_have_count(0)
    await expect(page.locator("#files .chip")).to_have_count(1)
    site.allow(status(413))  # a file is sent as Base64, which makes it a third larger
    await say(page, "Read this")
    await expect(page.get_by_role("status")).to_contain_text("That is too large to be sent.")
    await expect(box(page)).to_have_value("Read this")
    await expect(page.locator("#files .chip")).to_have_count(1)
    await expect(articles(page)).to_have_count(0)


async def test_a_file_can_be_dropped_and_pasted(site: Site) -> None:
    page = await site.visit()
    for kind, target in (("drop", "body"), ("paste", "#message")):
        await page.locator(target).evaluate(
            """(target, [kind, data]) => {
              const files = new DataTransfer();
              const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
              files.items.add(new File([bytes], "a.png", { type: "image/png" }));
              const init = { bubbles: true, cancelable: true };
              target.dispatchEvent(kind === "drop"
                ? new DragEvent(kind, { ...init, dataTransfer: files })
                : new ClipboardEvent(kind, { ...init, clipboardData: files }));
            }""",
            [kind, base64.b64encode(png(8, 8)).decode()],
        )
    await expect(page.locator("#files .chip img")).to_have_count(2)
