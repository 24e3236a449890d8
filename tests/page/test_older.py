"""Browsers from Safari 15.0 on: the page needs nothing that they lack, and works where it is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.long import some_of
from tests.page.visiting import NOW, Site, answered, articles, body, box, button, quoted, ready, say

WEB = Path(__file__).parents[2] / "app" / "web"
# What came to Safari after 15.0, and is more than a looks: pattern, and since when.
NEWER = {
    r"light-dark\(": "17.5",
    r"\(\?<[=!]": "16.4",
    r"\bOffscreenCanvas\b": "16.4",
    r"\bstructuredClone\b": "15.4",
    r"\btoWellFormed\b|\bisWellFormed\b": "16.4",
    r"\brandomUUID\b": "15.4",
    r"\bAbortSignal\.any\b": "17.4",
    r"\bstatic \{": "16.4",
    r"\bArray\.fromAsync\b|\.toSorted\(|\.toReversed\(|\.findLastIndex\(|\bObject\.groupBy\b|\bwithResolvers\b": "15.4",
    r"\bcolor-mix\(|@layer|@container|\boklch\(": "15.4",
    r"&:|^\s*& ": "16.5",
    r"for await \(.* of \w+\.body\)": "26",
}
CLIENT = WEB.parent / "clients" / "js"
OWN = [
    file
    for file in sorted((*WEB.rglob("*"), *CLIENT.glob("*.js")))
    if file.suffix in (".js", ".css") and "vendor" not in file.parts
]
TAKE_AWAY = """
    for (const [object, names] of [
        [Array.prototype, ["at", "findLast", "findLastIndex", "toSorted"]],
        [String.prototype, ["at", "isWellFormed", "toWellFormed"]],
        [Object, ["hasOwn", "groupBy"]],
        [AbortSignal, ["timeout", "any"]],
        [HTMLFormElement.prototype, ["requestSubmit"]],
        [HTMLDialogElement.prototype, ["show", "showModal", "close"]],
        [CSS, ["highlights"]],
        [globalThis, ["OffscreenCanvas", "structuredClone", "Highlight"]],
        [crypto.constructor.prototype, ["randomUUID"]],
    ]) for (const name of names) { delete object[name]; if (name in object) throw new Error(`${name} is still there`); }
"""


@pytest.mark.parametrize("file", OWN, ids=lambda file: file.name)
def test_nothing_is_used_that_safari_15_lacks(file: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", file.read_text(), flags=re.DOTALL)
    found = {pattern: since for pattern, since in NEWER.items() if re.search(pattern, text, re.MULTILINE)}
    assert found == {}


@pytest.mark.asyncio(loop_scope="session")
async def test_the_page_works_without_what_came_later(site: Site) -> None:
    context = await site.context()
    await context.add_init_script(TAKE_AWAY)
    page = await site.visit(context=context)
    await say(page, "Hello", f"{quoted('Good **evening**, $x^2$.')} {NOW}")
    await answered(page)
    await expect(body(page).locator("strong")).to_have_text("evening")
    await expect(body(page).get_by_role("math")).to_have_count(1)
    await say(page, "Some code", quoted("```python\nprint(1)\n```") + f" {NOW}")
    await answered(page, 2)
    await expect(body(page).locator("code")).to_have_text(re.compile(r"print\(1\)"))
    await articles(page).nth(2).hover()
    await button(articles(page).nth(2), "Edit message").click()
    await page.get_by_role("textbox", name="Edit message").fill(f"Other code [[sim: {NOW}]]")
    await page.get_by_role("textbox", name="Edit message").press("Enter")
    await expect(articles(page).nth(2)).to_contain_text("Other code")
    await answered(page, 2)
    await button(page, "Settings").click()
    dialog = page.locator("#settings")
    await expect(dialog).to_be_visible()
    await dialog.get_by_label("Appearance").select_option("dark")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_be_hidden()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.reload()
    await ready(page)
    await expect(articles(page)).to_have_count(4)
    await box(page).press("Escape")


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("scheme", some_of(["light", "dark"], 1))
@pytest.mark.parametrize("chosen", ["auto", "light", "dark"])
async def test_the_colours_are_those_of_the_system_or_those_that_were_chosen(
    site: Site, scheme: str, chosen: str
) -> None:
    page = await site.visit(color_scheme=scheme)
    theme = None if chosen == "auto" else chosen
    await page.evaluate("(theme) => theme && (document.documentElement.dataset.theme = theme)", theme)
    paper = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    dark = (scheme if chosen == "auto" else chosen) == "dark"
    assert paper == ("rgb(23, 24, 27)" if dark else "rgb(250, 248, 245)")
