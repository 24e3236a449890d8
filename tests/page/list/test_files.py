"""Files that go along: chosen, dropped, pasted, made smaller, refused."""

from __future__ import annotations

import base64
import random
import struct
import zlib
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Page, expect

from tests.page.visiting import (
    NOW,
    Site,
    answered,
    articles,
    box,
    button,
    say,
    status,
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
