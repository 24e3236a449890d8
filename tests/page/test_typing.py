"""What people type with: input methods, touch keyboards, the clipboard, several files at once."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import FilePayload, Locator, Page, expect

from tests.long import long, some_of
from tests.page.visiting import NOW, Site, answered, articles, box, button, conversation_of, say

pytestmark = pytest.mark.asyncio(loop_scope="session")

# A picture of one pixel.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cfc0f01f0005000"
    "1ff89993d1d0000000049454e44ae426082"
)
PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
# As an input method's browser says it; Safari's last key of a composition has the code alone.
COMPOSING = [{"isComposing": True}, {"keyCode": 229}]

PASTE = """([text, names, bytes]) => {
    const data = new DataTransfer();
    if (text) data.setData("text/plain", text);
    for (const name of names) data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
    const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
    document.querySelector("#message").dispatchEvent(event);
    return event.defaultPrevented;
}"""


def chips(page: Page) -> Locator:
    return page.locator("#files .chip")


async def press(page: Page, where: str, key: str, how: dict[str, object]) -> None:
    """A key as an input method's browser tells of it."""
    event = "new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...how })"
    script = f"([where, key, how]) => document.querySelector(where).dispatchEvent({event})"
    await page.evaluate(script, [where, key, how])


@pytest.mark.parametrize("how", some_of(COMPOSING, 1))
async def test_an_enter_of_a_composition_sends_nothing(site: Site, how: dict[str, object]) -> None:
    page = await site.visit()
    await box(page).fill("にほん")
    await press(page, "#message", "Enter", how)
    await expect(articles(page)).to_have_count(0)
    await expect(box(page)).to_have_value("にほん")


@pytest.mark.parametrize("how", some_of(COMPOSING, 1))
async def test_an_escape_of_a_composition_stops_nothing(site: Site, how: dict[str, object]) -> None:
    page = await site.visit()
    await say(page, "At length", "tokens=2000 rate=50 first=0")
    await expect(button(page, "Stop")).to_be_visible()
    await press(page, "#message", "Escape", how)
    await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    await expect(page.locator(".ending")).to_have_count(0)
    await press(page, "#message", "Escape", {})
    await expect(page.locator(".ending")).to_have_text(re.compile("Stopped"))


@pytest.mark.parametrize("how", some_of(COMPOSING, 1))
@pytest.mark.parametrize("key", some_of(["Enter", "Escape"], 1))
async def test_a_key_of_a_composition_leaves_a_title_and_an_edited_message_open(
    site: Site, key: str, how: dict[str, object]
) -> None:
    page = await site.visit()
    await say(page, "Hello", NOW)
    await answered(page)
    await page.locator("#menu summary").click()
    await page.locator("[data-do=rename]").click()
    await expect(page.locator("input.title")).to_be_focused()
    await press(page, "input.title", key, how)
    await expect(page.locator("input.title")).to_be_visible()
    await press(page, "input.title", "Escape", {})
    await expect(page.locator("input.title")).to_have_count(0)
    await articles(page).first.hover()
    await button(articles(page).first, "Edit message").click()
    await expect(page.locator(".edit textarea")).to_be_visible()
    await press(page, ".edit textarea", key, how)
    await expect(page.locator(".edit textarea")).to_be_visible()
    await press(page, ".edit textarea", "Escape", {})
    await expect(page.locator(".edit textarea")).to_have_count(0)


async def test_enter_on_a_phone_begins_a_line_and_the_button_sends(site: Site) -> None:
    page = await site.visit(**PHONE)
    await box(page).tap()
    await box(page).press_sequentially("one")
    await box(page).press("Enter")
    await box(page).press_sequentially("two")
    await expect(box(page)).to_have_value("one\ntwo")
    await expect(articles(page)).to_have_count(0)
    await expect(box(page)).to_have_attribute("enterkeyhint", "enter")
    await button(page, "Send").tap()
    await answered(page)
    assert (await site.messages(page))[0]["content"][0]["text"] == "one\ntwo"


async def test_with_control_or_command_enter_sends_everywhere(site: Site) -> None:
    page = await site.visit(**PHONE)
    await box(page).fill(f"Hello [[sim: {NOW}]]")
    await box(page).press("Control+Enter")
    await answered(page)


async def test_text_that_comes_with_a_picture_of_itself_is_text(site: Site) -> None:
    page = await site.visit()
    await box(page).focus()
    prevented = await page.evaluate(PASTE, ["two\tcells", ["image.png"], list(PIXEL)])
    assert not prevented, "the browser is to put the text in"
    await expect(chips(page)).to_have_count(0)


@pytest.mark.parametrize(
    "text", some_of(["", "holiday.png\nhome.png", "/Users/me/holiday.png\r\n/Users/me/home.png"], 1)
)
async def test_files_that_are_pasted_are_files_also_where_their_names_come_along(site: Site, text: str) -> None:
    page = await site.visit()
    await box(page).focus()
    assert await page.evaluate(PASTE, [text, ["holiday.png", "home.png"], list(PIXEL)])
    await expect(chips(page)).to_have_count(2)
    await expect(box(page)).to_have_value("")


@long
async def test_several_files_chosen_at_once_are_all_attached(site: Site) -> None:
    page = await site.visit()
    files = [FilePayload(name=f"{n}.png", mimeType="image/png", buffer=PIXEL) for n in range(4)]
    await page.locator("input[type=file]").set_input_files(files)
    await expect(chips(page)).to_have_count(4)
    await say(page, "What are these?", NOW)
    await answered(page)
    content = (await site.messages(page))[0]["content"]
    assert [block["type"] for block in content] == ["image"] * 4 + ["text"]


async def test_enter_keeps_the_settings_and_cancel_gives_them_up(site: Site) -> None:
    page = await site.visit()
    dialog = page.get_by_role("dialog", name="Settings")
    enter = dialog.get_by_label("Enter sends the message")
    for leave, kept in (
        (lambda: enter.press("Enter"), False),
        (lambda: button(dialog, "Cancel").click(), False),
        (lambda: enter.press("Escape"), False),
        (lambda: button(dialog, "Save").click(), True),
    ):
        await button(page, "Settings").click()
        await enter.click()
        await leave()
        await expect(dialog).to_be_hidden()
        # What is saved is saved a moment after the dialog is gone.
        await page.wait_for_function(
            "(kept) => JSON.parse(localStorage.getItem('keepstream.settings') ?? '{}').enter === kept", arg=kept
        )
        if not kept:
            await box(page).fill("one")
            await box(page).press("Enter")
            await expect(box(page)).to_have_value("one\n")


async def test_the_arrow_up_in_an_empty_box_edits_the_last_message(site: Site) -> None:
    page = await site.visit()
    await box(page).press("ArrowUp")
    await say(page, "First", NOW)
    await answered(page)
    await expect(box(page)).to_be_focused()
    await box(page).fill("not empty")
    await box(page).press("ArrowUp")
    await expect(page.get_by_label("Edit message")).to_have_count(1)  # its button
    await box(page).fill("")
    await press(page, "#message", "ArrowUp", {"isComposing": True})
    await expect(page.locator(".edit textarea")).to_have_count(0)
    await box(page).press("ArrowUp")
    await expect(page.locator(".edit textarea")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator(".edit textarea")).to_have_count(0)
    await expect(box(page)).to_be_focused()


@long
async def test_the_box_grows_with_what_is_typed_where_a_style_sheet_cannot_make_it(site: Site) -> None:
    context = await site.context()
    await context.add_init_script("CSS.supports = () => false")
    page = await site.visit(context=context)
    heights = []
    for text in ("one line", "a line that is wrapped " * 20, ""):
        await box(page).fill(text)
        heights.append(await box(page).evaluate("box => parseFloat(box.style.height)"))
    assert heights[1] > 2 * heights[0] == 2 * heights[2]


@long
async def test_the_cursor_is_where_one_goes_on(site: Site) -> None:
    page = await site.visit()
    await expect(box(page)).to_be_focused()
    await box(page).fill("At length [[sim: tokens=2000 rate=50 first=0]]")
    await button(page, "Send").click()
    await button(page, "Stop").click()
    await expect(page.locator(".ending")).to_contain_text("Stopped")
    await expect(box(page)).to_be_focused()
    await page.get_by_role("link", name="New chat").click()
    await expect(box(page)).to_be_focused()
    phone = await site.visit(conversation_of(page) if "#cv_" in page.url else "", **PHONE)
    await expect(box(phone)).not_to_be_focused()
