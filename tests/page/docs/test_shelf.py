"""The shelf in a real browser: each page is whole, leads somewhere, and can be read by everybody."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from app.http.static import PAGES
from tests.app.docs.shelf import SHELF
from tests.harness import node
from tests.long import some_of
from tests.page.test_looks import AXE, DESKTOP, PHONE, SMALL, violations
from tests.page.visiting import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def axe() -> str:
    node.install()
    return AXE.read_text()


async def read(site: Site, path: str, **options: Any) -> Page:
    """A tab with a page of the shelf."""
    page = await (await site.context(**options)).new_page()
    site.watch(page)
    await page.goto(f"{site.address}docs{path}")
    await page.wait_for_selector("html[data-ready]", state="attached")
    return page


@pytest.fixture(scope="module")
def there() -> set[str]:
    """The addresses that are known to be there: most links lead to the same."""
    return set()


@pytest.mark.parametrize("name", some_of(PAGES, 4))
async def test_a_page_is_whole_leads_somewhere_and_axe_finds_nothing(
    site: Site, axe: str, there: set[str], name: str
) -> None:
    page = await read(site, f"/{name}", **DESKTOP)
    await is_what_its_file_says(page, name)
    await leads_somewhere(site, page, there)
    assert await violations(page, axe) == []


async def is_what_its_file_says(page: Page, name: str) -> None:
    main = page.get_by_role("main")
    assert (
        await main.locator(":is(h1, h2, h3, h4)").evaluate_all("all => all.map(({ id }) => id)") == SHELF[name].headings
    )
    assert await main.locator("h1").count() == 1
    assert await page.title() == f"{await main.locator('h1').inner_text()} · Keepstream"
    assert await main.locator("figure.code").count() == len(SHELF[name].shown)
    assert await main.locator(".nolink, .plain").count() == 0
    for picture in await main.locator("img").all():
        await picture.scroll_into_view_if_needed()
        await page.wait_for_function(
            "(one) => one.alt !== '' && one.naturalWidth > 0", arg=await picture.element_handle()
        )
    current = page.get_by_role("navigation").locator("[aria-current=page]")
    assert await current.get_attribute("href") == f"/docs/{name}"


async def leads_somewhere(site: Site, page: Page, there: set[str]) -> None:
    links = await page.locator("a[href]").evaluate_all("all => all.map((one) => [one.href, one.target])")
    assert links
    for href, target in links:
        if not href.startswith(site.address):
            assert (href.startswith("https://"), target) == (True, "_blank")
            continue
        path, _, anchor = href.removeprefix(site.address).partition("#")
        if path not in there:
            assert (await site.api.call("GET", f"/{path}")).status_code == 200, href
            there.add(path)
        assert not anchor or anchor == "main" or anchor in SHELF[path.removeprefix("docs/")].headings, href


@pytest.mark.parametrize(("scheme", "device"), some_of([("light", PHONE), ("dark", DESKTOP)], 1), ids=["phone", "dark"])
async def test_nor_on_a_phone_or_in_the_dark(site: Site, axe: str, device: dict[str, Any], scheme: str) -> None:
    for name in ("/clients", "/settings"):
        page = await read(site, name, color_scheme=scheme, **device)
        assert await violations(page, axe) == [], name
    if device is PHONE:
        await page.locator("summary").tap()
        assert await violations(page, axe) == [], "the list"


async def test_a_small_phone_needs_no_scrolling_sideways(site: Site) -> None:
    page = await read(site, "", **SMALL)
    for name in PAGES:
        await page.goto(f"{site.address}docs/{name}")
        await page.wait_for_selector("html[data-ready]", state="attached")
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, name
    words = page.get_by_role("navigation").get_by_role("link", name="Words", exact=True)
    await expect(words).to_be_hidden()
    await page.locator("summary").tap()
    await words.tap()
    await expect(page).to_have_title("Words · Keepstream")


async def test_an_address_leads_to_its_place(site: Site) -> None:
    page = await read(site, "/clients#python", **DESKTOP)
    await expect(page.locator("#python:target")).to_be_in_viewport()
    await page.get_by_role("navigation").get_by_role("link", name="The terminal").click()
    await expect(page.locator("#the-terminal:target")).to_be_in_viewport()
    await page.go_back()
    await expect(page.locator("#python:target")).to_be_in_viewport()


async def test_it_can_be_read_by_keyboard(site: Site) -> None:
    page = await read(site, "/start", **DESKTOP)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the text")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()
    reached = set()
    for _ in range(40):
        await page.keyboard.press("Tab")
        reached.add(await page.evaluate("document.activeElement.closest('figure, .table, main')?.className"))
    assert {"code", "table"} <= reached


async def test_code_is_copied_and_coloured(site: Site) -> None:
    context = await site.context(permissions=["clipboard-read", "clipboard-write"])
    page = await context.new_page()
    site.watch(page)
    await page.goto(f"{site.address}docs/clients#eventsource")
    shown = "events?after=<event id>"
    code = page.locator("figure.code", has_text=shown)
    await code.get_by_role("button", name="Copy code").click()
    await expect(code.get_by_role("button", name="Copied")).to_be_visible()
    (block,) = (block for block in SHELF["clients"].blocks if shown in block.code)
    assert (await page.evaluate("navigator.clipboard.readText()")).strip() == block.code.strip()
    await page.wait_for_function("() => CSS.highlights.get('code-kwd')?.size > 0")


async def test_what_the_shelf_can_only_name_is_a_link(site: Site) -> None:
    page = await read(site, "")
    await page.get_by_role("main").get_by_role("link", name="/docs/api").click()
    await expect(page.get_by_role("main").get_by_role("heading", name="Streams", exact=True)).to_be_visible()
    await page.get_by_role("link", name="the shelf").click()
    await expect(page).to_have_title(re.compile("Keepstream"))
