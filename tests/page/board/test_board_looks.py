"""The board in light and dark, on a phone, for who wants nothing to move; what axe says of it, and what it weighs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from app.http.static import FILES
from tests.harness.boards import made_up
from tests.long import long
from tests.page.board.conftest import Board
from tests.page.test_looks import WEB, violations

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEAVIEST = 25_000
DESKTOP: dict[str, Any] = {"viewport": {"width": 1200, "height": 800}}
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
SCENES: tuple[Callable[[], made_up.Shown], ...] = (
    *(made_up.empty, made_up.calm, made_up.loaded, made_up.dead_worker, made_up.redis_away),
)


async def shows(board: Board, page: Page, scene: Callable[[], made_up.Shown]) -> None:
    shown = made_up.judged(scene())
    streams = made_up.streams_of(shown)
    streams = [*streams[:3], *streams[-2:]]
    await board.playing.show(scene(), streams)
    headline = shown["attention"][0]["what"] if shown["attention"] else "All is well"
    await expect(page.locator("#headline")).to_have_text(headline)
    await expect(page.locator("#rows button")).to_have_count(len({stream["id"] for stream in streams}))


async def test_axe_finds_nothing(board: Board, axe: str) -> None:
    page = await board.visit(color_scheme="light", **DESKTOP)
    for scene in (made_up.loaded, made_up.redis_away):
        await shows(board, page, scene)
        assert await violations(page, axe) == [], scene.__name__
    await page.locator("#rows button").first.click()
    await expect(page.locator("#timeline li")).to_have_count(7)
    await page.locator("#cancel").click()
    assert await violations(page, axe) == [], "opened"


@long
async def test_axe_finds_nothing_on_a_phone_in_the_dark(board: Board, axe: str) -> None:
    page = await board.visit(color_scheme="dark", **PHONE)
    await shows(board, page, made_up.dead_worker)
    assert await violations(page, axe) == [], "a worker is gone"
    await page.evaluate("document.querySelector('#sign-in').showModal()")
    assert await violations(page, axe) == [], "signing in"


async def test_a_phone_needs_no_scrolling_sideways(board: Board) -> None:
    page = await board.visit(**PHONE)
    for scene in SCENES:
        await shows(board, page, scene)
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, scene.__name__
    await page.locator("#rows button").first.click()
    await expect(page.locator("#cancel")).to_be_in_viewport(ratio=1)


async def test_who_wants_nothing_to_move_sees_nothing_move(board: Board) -> None:
    page = await board.visit(reduced_motion="reduce")
    for scene in (made_up.loaded, made_up.dead_worker, made_up.calm):
        await shows(board, page, scene)
        assert await page.evaluate("document.getAnimations().length") == 0
        assert await page.locator(".flight").count() == 0


async def test_all_of_it_weighs_less_than_twenty_five_kilobytes(board: Board) -> None:
    page = await (await board.context()).new_page()
    board.watch(page)
    loaded: set[str] = set()
    page.on("response", lambda response: loaded.add(response.url.removeprefix(board.playing.url)))
    await page.goto(board.address)
    await page.wait_for_selector("html[data-ready]", state="attached")
    await expect(page.locator("#rows button")).not_to_have_count(0)
    files = (loaded & set(FILES)) | {"/ops", "/favicon.svg"}
    assert loaded - files == {"/ops/events", "/ops/streams"}
    weights = {}
    async with httpx.AsyncClient(base_url=board.playing.url) as http:
        for path in files:
            weights[path] = int((await http.get(path, headers={"accept-encoding": "gzip"})).headers["content-length"])
    assert sum(weights.values()) < HEAVIEST, weights


async def test_the_page_names_its_modules_and_all_of_them_are_served() -> None:
    text = (WEB / "ops.html").read_text()
    preloaded = set(re.findall(r'rel="modulepreload" href="([^"]+)"', text))
    modules = {f"/ops/{file.stem}.js" for file in (WEB / "ops").glob("*.js")}
    assert preloaded == {*modules, "/chat/dom.js"}, "one trip for all modules"
    assert modules == {path for path in FILES if path.startswith("/ops/")}


async def test_no_text_stands_in_a_text() -> None:
    """What takes the comments out before a module is sent takes blanks out of a template that stands in another one."""
    for file in [*(WEB / "ops").rglob("*.js"), WEB / "ops.js"]:
        assert not re.search(r"`[^`\n]*\$\{[^}`\n]*`[^`\n]*`", file.read_text()), file
