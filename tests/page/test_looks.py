"""Light, dark, large and small; what axe says of it; and what the page weighs."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import FilePayload, Page, expect

from app.http.static import CUT, FILES
from tests.harness import node
from tests.long import long, some_of
from tests.page.text.corpus import DEMO
from tests.page.visiting import NOW, Site, answer, answered, articles, body, box, button, conversation_of, quoted, say

pytestmark = pytest.mark.asyncio(loop_scope="session")

WEB = Path(__file__).parents[2] / "app" / "web"
CLIENT = WEB.parent / "clients" / "js" / "keepstream.js"
AXE = node.CLIENTS / "node_modules" / "axe-core" / "axe.min.js"
HEAVIEST = 60_000
DESKTOP: dict[str, Any] = {"viewport": {"width": 1200, "height": 800}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 780}, "is_mobile": True, "has_touch": True}
SMALL: dict[str, Any] = {"viewport": {"width": 320, "height": 640}, "is_mobile": True, "has_touch": True}
EVERYTHING = """\
# Heading

Text with **bold**, `code`, [a link](https://a.example) and averyveryveryveryveryverylongwordwithoutanyplacetobreak.

| a | long | table | that | is | wider | than | a | phone |
|---|---|---|---|---|---|---|---|---|
| column | column | column | column | column | column | column | column | column |

```python
def f(x: int) -> str:  # a comment that is so long that it does not fit on any phone, ever
    return "text" * x
```

> quote

1. one
   - [ ] two
"""


@pytest.fixture(scope="module")
def axe() -> str:
    node.install()
    return AXE.read_text()


async def violations(page: Page, axe: str) -> list[str]:
    """What axe finds, each with the first element it is found on. What moves has come to rest before."""
    await page.evaluate(
        "Promise.all(document.getAnimations().filter((one) => one.playState === 'running' && "
        "one.effect.getTiming().iterations === 1).map((one) => one.finished.catch(() => {})))"
    )
    await page.evaluate(f"() => {{ {axe} }}")
    found = await page.evaluate("axe.run(document, { resultTypes: ['violations'] }).then((told) => told.violations)")
    return [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}" for one in found]


async def is_not_wider_than_the_screen(page: Page) -> None:
    wide = await page.evaluate("""() => {
        const width = document.documentElement.clientWidth;
        const scroller = document.querySelector("#scroll");
        return [document.documentElement.scrollWidth - width, scroller.scrollWidth - scroller.clientWidth];
    }""")
    assert wide == [0, 0]


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", some_of(["light", "dark"], 1))
async def test_axe_finds_nothing(site: Site, axe: str, device: dict[str, Any], scheme: str) -> None:
    page = await site.visit(color_scheme=scheme, **device)
    assert await violations(page, axe) == [], "empty"
    await say(page, "Everything " * 300, f"{quoted(EVERYTHING + DEMO)} thinking {NOW}")
    await answered(page)
    await page.wait_for_function("() => CSS.highlights.get('code-kwd')?.size > 0")
    await expect(body(page).get_by_role("math")).not_to_have_count(0)
    assert await violations(page, axe) == [], "finished"
    await say(page, "And on", f"stall-after=20 {quoted(EVERYTHING)} {NOW}")
    await expect(articles(page)).to_have_count(4)
    await expect(body(page)).to_contain_text("code")
    assert await violations(page, axe) == [], "in the middle"
    await say(page, "Too early")
    await expect(page.get_by_role("status")).to_contain_text("Wait")
    await button(page, "Stop").click()
    await expect(answer(page).locator(".ending")).to_be_visible()
    assert await violations(page, axe) == [], "stopped"
    if device is PHONE:
        await button(page, "Open sidebar").click()
        await expect(button(page, "Close sidebar")).to_be_focused()
        assert await violations(page, axe) == [], "the list"
    await button(page, "Settings").click()
    assert await violations(page, axe) == [], "settings"
    await page.keyboard.press("Escape")
    await page.evaluate("import('/chat/door/door.js').then(({ Door }) => void new Door().opened())")
    await expect(page.get_by_role("form", name="Sign in")).to_be_visible()
    assert await violations(page, axe) == [], "signing in"


async def test_axe_finds_nothing_where_something_went_wrong(site: Site, axe: str) -> None:
    page = await site.visit()
    await say(page, "Fail", f'status=400 message="no" {NOW}')
    await expect(answer(page).locator(".ending.bad")).to_be_visible()
    assert await violations(page, axe) == []
    await articles(page).first.hover()
    await button(articles(page).first, "Edit message").click()
    assert await violations(page, axe) == []
    files = [("paper.pdf", b"%PDF-1.4"), ("notes.md", b"# Notes"), ("all.zip", b"PK\0")]
    await page.locator("input[type=file]").set_input_files(
        [FilePayload(name=name, mimeType="", buffer=data) for name, data in files]
    )
    await expect(page.get_by_role("status")).to_contain_text("all.zip")
    await page.locator("#tune").click()
    await expect(page.locator("#tuner")).to_be_visible()
    assert await violations(page, axe) == [], "files, one of them refused, and how to answer"
    await page.keyboard.press("Escape")
    await page.get_by_title("Open", exact=True).click()
    await expect(page.get_by_role("dialog", name="notes.md")).to_be_visible()
    assert await violations(page, axe) == [], "a text that goes along"
    await page.keyboard.press("Escape")
    await page.get_by_label("More", exact=True).click()
    assert await violations(page, axe) == []
    await button(page.locator("#menu"), "Delete").click()
    assert await violations(page, axe) == []


async def test_a_small_phone_needs_no_scrolling_sideways(site: Site) -> None:
    page = await site.visit(**SMALL)
    await is_not_wider_than_the_screen(page)
    await say(page, f"Everything {'x' * 300}", f"{quoted(EVERYTHING + DEMO)} {NOW}")
    await answered(page)
    await expect(body(page).get_by_role("group", name="Formula")).not_to_have_count(0)
    await is_not_wider_than_the_screen(page)
    await say(page, "Fail", f'status=400 message="{"y" * 200}" {NOW}')
    await expect(answer(page).locator(".ending.bad")).to_be_visible()
    await is_not_wider_than_the_screen(page)
    await articles(page).nth(2).tap()
    await button(articles(page).nth(2), "Edit message").tap()
    await is_not_wider_than_the_screen(page)
    for one in (box(page), button(page, "Send")):
        await expect(one).to_be_in_viewport(ratio=1)
    await button(page, "Open sidebar").tap()
    await expect(page.get_by_role("link", name="New chat")).to_be_in_viewport(ratio=1)
    await is_not_wider_than_the_screen(page)
    await button(page, "Close sidebar").tap()
    await expect(page.get_by_role("link", name="New chat")).not_to_be_in_viewport()
    await button(page, "Open sidebar").tap()
    await page.get_by_role("link", name="New chat").tap()
    await expect(page.get_by_role("link", name="New chat")).not_to_be_in_viewport()
    await expect(articles(page)).to_have_count(0)


@long
async def test_the_look_can_be_chosen(site: Site) -> None:
    page = await site.visit(color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = await page.evaluate(paper)
    await button(page, "Settings").click()
    await page.get_by_label("Appearance").select_option("dark")
    await button(page.get_by_role("dialog"), "Save").click()
    await page.wait_for_function(f"light => {paper} !== light", arg=light)
    await page.reload()
    await page.wait_for_function(f"light => {paper} !== light", arg=light)


async def test_who_wants_nothing_to_move_sees_nothing_move(site: Site) -> None:
    page = await site.visit(reduced_motion="reduce")
    await say(page, "Hold", f"stall-after=2 tokens=9 {NOW}")
    await expect(body(page)).to_have_text(re.compile(r"\w"))
    assert await page.evaluate("document.getAnimations().filter((one) => one.playState === 'running').length") == 0
    await button(page, "Stop").click()


async def test_all_of_it_weighs_less_than_sixty_kilobytes(site: Site) -> None:
    page = await (await site.context()).new_page()
    site.watch(page)
    loaded: set[str] = set()
    page.on("response", lambda response: loaded.add("/" + response.url.removeprefix(site.address)))
    await page.goto(site.address)
    await say(page, "Code", f"{quoted(EVERYTHING)} {NOW}")
    await answered(page)
    await page.wait_for_function("() => CSS.highlights.get('code-kwd')?.size > 0")
    files = {path for path in loaded if path in FILES} | {"/favicon.svg"}
    assert {"/", "/chat.css", "/chat.js", "/keepstream.js", "/vendor/marked.js"} < files
    assert "/vendor/speed-highlight/languages/py.js" in files
    weights = {}
    for path in files:
        got = await site.api.call("GET", path, headers={"accept-encoding": "gzip"})
        assert got.headers["content-encoding"] == "gzip"
        weights[path] = int(got.headers["content-length"])
    assert sum(weights.values()) < HEAVIEST, weights
    unknown = {path for path in loaded - files if not path.startswith(("/v1/", "/#", "/page.json"))}
    assert unknown == set()


async def test_the_icon_and_the_name_are_there(site: Site) -> None:
    page = await site.visit()
    icon = await page.locator("link[rel=icon]").get_attribute("href")
    answer = await site.api.call("GET", icon or "")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/svg+xml"
    await expect(page).to_have_title("Keepstream")


async def test_what_the_page_names_is_served_and_nothing_is_served_that_is_not_there(site: Site) -> None:
    named: dict[str, set[str]] = {}
    for file in (WEB / "index.html", WEB / "chat.js", CLIENT, *(WEB / "chat").rglob("*.js")):
        text = await asyncio.to_thread(file.read_text)
        path = "/keepstream.js" if file == CLIENT else f"/{file.relative_to(WEB)}"
        named[path] = set(re.findall(r"""(?:(?:from|import) |href=|src=)["'](/[\w./-]+)["']""", text))
        assert named[path] | set(re.findall(r"""import\(["'](/[\w./-]+)["']\)""", text)) <= set(FILES)
    assert len(named) > 15
    at_once, more = set[str](), {"/chat.js"}
    while more:  # what is loaded when it is used is nobody's until then
        at_once |= more
        more = set[str]().union(*(named.get(path, set()) for path in more)) - at_once
    modules = {f"/{file.relative_to(WEB)}" for file in (WEB / "chat").rglob("*.js")}
    assert modules == {path for path in FILES if path.startswith("/chat/")}
    preloaded = re.findall(r'rel="modulepreload" href="([^"]+)"', (WEB / "index.html").read_text())
    assert set(preloaded) == at_once - {"/chat.js"}, "one trip for all modules"
    for path in FILES:
        assert (await site.api.call("GET", path)).status_code == 200, path


async def test_what_others_wrote_is_what_they_wrote() -> None:
    vendor = WEB / "vendor"
    told = json.loads((vendor / "vendor.json").read_text())
    known = {vendor / "vendor.json"}
    for one in told.values():
        known.add(vendor / one["licence_file"])
        assert (vendor / one["licence_file"]).stat().st_size > 500
        for name, (_, digest, *ours) in one["files"].items():
            known.add(vendor / name)
            after, before = (line.encode() for line in (*ours, "", "")[:2])  # what makes a module of it
            content = (vendor / name).read_bytes()
            assert content.startswith(before)
            assert content.endswith(after)
            theirs = content.removeprefix(before).removesuffix(after)
            assert hashlib.sha256(theirs).hexdigest() == digest, name
    for name, (end, _) in CUT.items():
        assert (WEB / name).read_bytes().count(end) == 1, name
    assert known == {file for file in vendor.rglob("*") if file.is_file()}


@long
async def test_a_long_answer_on_a_device_with_the_link(site: Site) -> None:
    """A finished conversation is drawn from its messages, and its reader begins at its end."""
    page = await site.visit()
    await say(page, "Long", f"tokens=3000 {NOW}")
    await answered(page)
    other = await site.visit(conversation_of(page), **PHONE)
    await answered(other)
    assert await body(other).inner_html() == await body(page).inner_html()
    await expect(answer(other).locator(".numbers")).to_be_in_viewport()
