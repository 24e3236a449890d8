"""Files that go along: chosen, dropped, pasted, made smaller, refused."""

from __future__ import annotations

import base64
import random
import re
import struct
import zlib
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Page, expect

from tests.long import long
from tests.page.visiting import (
    NOW,
    Site,
    answered,
    articles,
    box,
    button,
    say,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def png(width: int, height: int) -> bytes:
    """A picture of noise: nothing makes it much smaller but fewer pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    noise = random.Random(7)  # noqa: S311 - the same picture each time
    rows = b"".join(b"\0" + noise.randbytes(3 * width) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


async def attach(page: Page, name: str, kind: str, data: bytes) -> None:
    file = FilePayload(name=name, mimeType=kind, buffer=data)
    await page.get_by_label("Choose files").set_input_files(file)


async def test_a_picture_and_a_pdf_go_along(site: Site) -> None:
    page = await site.visit()
    await attach(page, "small.png", "image/png", png(8, 8))
    await attach(page, "paper.pdf", "application/pdf", PDF)
    chips = page.locator("#files .chip")
    await expect(chips).to_have_count(2)
    await attach(page, "other.png", "image/png", png(9, 9))
    await button(chips.nth(2), "Remove other.png").click()
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


@long
async def test_a_picture_from_a_phone_is_made_smaller(site: Site) -> None:
    page = await site.visit()
    await attach(page, "large.png", "image/png", png(3136, 100))
    await box(page).fill(f"[[sim: {NOW}]]")
    await expect(page.locator("#files img")).to_have_js_property("naturalWidth", 1568)
    await expect(page.locator("#files img")).to_have_js_property("naturalHeight", 50)
    await box(page).press("Enter")
    await answered(page)


async def test_each_file_that_cannot_go_along_says_why_and_the_others_do(site: Site) -> None:
    page = await site.visit()
    await box(page).fill("Still here")
    chips, notice = page.locator("#files .chip"), page.get_by_role("status")
    await page.get_by_label("Choose files").set_input_files(
        [
            FilePayload(name="good.png", mimeType="image/png", buffer=png(8, 8)),
            FilePayload(name="report.docx", mimeType="application/zip", buffer=b"PK\x03\x04\0\0\xff\xfe"),
            FilePayload(name="paper.pdf", mimeType="", buffer=PDF),
            FilePayload(name="broken.png", mimeType="image/png", buffer=b"no picture"),
            FilePayload(name="nothing.txt", mimeType="text/plain", buffer=b""),
            FilePayload(name="notes.md", mimeType="", buffer="# Größe\n".encode()),
        ]
    )
    await expect(notice.locator(".line")).to_have_text(
        [
            re.compile("^“report.docx” can.t be attached. Save it as PDF or as text, then attach that.$"),
            re.compile("^“broken.png” can.t be opened as a picture. Save it as PNG or JPEG, then attach that.$"),
            "“nothing.txt” is empty.",
        ]
    )
    await expect(chips).to_have_count(3)
    for name, data, told in (
        ("song.mp3", b"\xff\xfb\0\0", "Claude reads pictures, PDF, and text, and can"),
        ("all.zip", b"PK\x03\x04\0\0\xff\xfe", "Unpack it, then attach the files in it."),
        ("wide.png", png(8, 8)[:16] + struct.pack(">II", 40_000, 40_000), "is too large: 40,000"),
    ):
        await attach(page, name, "audio/mpeg" if "mp3" in name else "image/png" if "png" in name else "", data)
        await expect(notice).to_contain_text(f"“{name}”")
        await expect(notice).to_contain_text(told)
    await expect(chips).to_have_count(3)
    await expect(box(page)).to_have_value("Still here")
    await say(page, "Read them", NOW)
    await answered(page)
    await expect(notice).to_be_hidden()
    content = (await site.messages(page))[0]["content"]
    assert [block.get("title") for block in content] == [None, "paper.pdf", "notes.md", None]
    assert content[2]["source"] == {"type": "text", "media_type": "text/plain", "data": "# Größe\n"}
    await articles(page).first.get_by_text("notes.md").click()
    await expect(articles(page).first.locator(".folded")).to_have_text("# Größe")


@long
async def test_what_is_too_large_is_known_before_it_is_sent(site: Site, tmp_path: Path) -> None:
    page = await site.visit()
    chips, notice = page.locator("#files .chip"), page.get_by_role("status")
    file = tmp_path / "large.pdf"
    for megabytes, left in ((33, 0), (25, 0), (13, 1), (12, 1)):  # as Base64 a file is a third larger
        with file.open("wb") as sparse:
            sparse.write(b"%PDF-1.4\n")
            sparse.truncate(megabytes * 1024 * 1024)
        await page.get_by_label("Choose files").set_input_files(file)
        if megabytes != 13:
            why = f"is too large: {megabytes} MB." if not left else "(12 MB) doesn"
            await expect(notice).to_contain_text(f"“large.pdf” {why}")
            await expect(notice).to_contain_text("Files in one message can be 23 MB together.")
        await expect(chips).to_have_count(left)
        await expect(chips.get_by_text("Reading")).to_have_count(0)


PICTURES = """async () => {
  const drawn = (width, height, draw) => {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    draw(canvas.getContext("2d"));
    return canvas;
  };
  const bytes = async (canvas, type) => {
    const blob = await new Promise((done) => canvas.toBlob(done, type, 1));
    return new Uint8Array(await blob.arrayBuffer());
  };
  const jpeg = await bytes(drawn(60, 20, (context) => {
    for (const [colour, left] of [["#f00", 0], ["#00f", 30]]) {
      context.fillStyle = colour;
      context.fillRect(left, 0, 30, 20);
    }
  }), "image/jpeg");
  // An Exif segment of one field: the orientation is 6, the right side of the file is its bottom.
  const exif = [0xff, 0xe1, 0, 34, ...[..."Exif"].map((letter) => letter.charCodeAt(0)), 0, 0,
    0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0];
  const clear = await bytes(drawn(2000, 40, (context) => context.fillRect(0, 0, 1000, 40)), "image/png");
  const wide = await bytes(drawn(3000, 20, (context) => context.fillRect(0, 0, 3000, 20)), "image/webp");
  const dataTransfer = new DataTransfer();
  for (const [name, type, ...parts] of [
    ["turned.jpg", "image/jpeg", jpeg.subarray(0, 2), new Uint8Array(exif), jpeg.subarray(2)],
    ["clear.png", "image/png", clear],
    ["wide.webp", "image/webp", wide],
  ]) dataTransfer.items.add(new File(parts, name, { type }));
  document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer }));
}"""
SEEN = """pictures => Promise.all(pictures.map(async (picture) => {
  await picture.decode();
  const { naturalWidth: width, naturalHeight: height } = picture;
  const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
  context.drawImage(picture, 0, 0);
  const [red, , blue, alpha] = context.getImageData(width - 1, height - 1, 1, 1).data;
  return [picture.src.slice(5, 15), width, height, blue > red, alpha];
}))"""


async def test_a_picture_stands_upright_and_what_is_seen_through_stays_so(site: Site) -> None:
    page = await site.visit()
    await page.evaluate(PICTURES)
    pictures = page.locator("#files img")
    await expect(pictures).to_have_count(3)
    assert await pictures.evaluate_all(SEEN) == [
        ["image/jpeg", 20, 60, True, 255],
        ["image/png;", 1568, 31, False, 0],
        ["image/png;", 1568, 10, False, 255],
    ]
    turned = await pictures.first.get_attribute("src") or ""
    assert b"Exif" not in base64.b64decode(turned.partition(",")[2]), "where it was taken stays at home"


async def test_a_long_text_that_is_pasted_is_folded_and_can_be_opened(site: Site) -> None:
    page = await site.visit()
    chips, long = page.locator("#files .chip"), "\n".join(f"line {n}" for n in range(600))
    paste = """([text]) => {
        const data = new DataTransfer();
        data.setData("text/plain", text);
        const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
        document.querySelector("#message").dispatchEvent(event);
        return event.defaultPrevented;
    }"""
    assert not await page.evaluate(paste, ["a short one"])
    await expect(button(page, "Send")).to_be_disabled()
    assert await page.evaluate(paste, [long])
    await expect(chips).to_contain_text("Pasted text")
    await expect(button(page, "Send")).to_be_enabled()
    dialog = page.get_by_role("dialog", name="Pasted text")
    await chips.get_by_title("Open").click()
    await expect(dialog.get_by_role("textbox")).to_have_value(long)
    await dialog.get_by_role("textbox").fill("changed")
    await button(dialog, "Save").click()
    await box(page).fill("before ")
    await chips.get_by_title("Open").click()
    await button(dialog, "Paste as text").click()
    await expect(chips).to_have_count(0)
    await expect(box(page)).to_have_value("before changed")
    await expect(box(page)).to_be_focused()
    await page.evaluate(paste, [long])
    await expect(chips).to_have_count(1)
    await box(page).fill(f"[[sim: {NOW}]]")
    await box(page).press("Enter")
    await answered(page)
    content = (await site.messages(page))[0]["content"]
    assert [(block.get("title"), block.get("source", {}).get("data")) for block in content] == [
        ("Pasted text", long),
        (None, None),
    ]


@long
async def test_files_that_are_held_over_the_page_are_shown_where_they_go(site: Site) -> None:
    page = await site.visit()
    over = """(name) => {
        const files = new DataTransfer();
        files.items.add(new File(["text"], "a.txt", { type: "text/plain" }));
        document.body.dispatchEvent(new DragEvent(name, { bubbles: true, cancelable: true, dataTransfer: files }));
        return document.body.classList.contains("dropping");
    }"""
    assert await page.evaluate(over, "dragover")
    await expect(page.locator("body")).not_to_have_class("dropping")  # they were taken elsewhere
    assert await page.evaluate(over, "dragover")
    assert not await page.evaluate(over, "drop")
    await expect(page.locator("#files .chip")).to_have_count(1)
    await button(page, "Settings").click()
    await expect(page.get_by_role("dialog", name="Settings")).to_be_visible()
    assert not await page.evaluate(over, "dragover"), "not into a dialog"


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
