"""The operators' page before made-up boards, with the same watch on what a page must never do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from tests.harness import node
from tests.harness.boards.playing import Playing
from tests.page.test_looks import AXE
from tests.page.visiting import Site, ready


class Board(Site):
    def __init__(self, playing: Playing, browser: Browser) -> None:
        self.playing = playing
        self.browser = browser
        self.faults: list[str] = []
        self._allowed: list[str] = []
        self._contexts: list[BrowserContext] = []

    @property
    def address(self) -> str:
        return f"{self.playing.url}/ops"

    async def visit(self, path: str = "", *, context: BrowserContext | None = None, **options: Any) -> Page:
        page = await (context or await self.context(**options)).new_page()
        self.watch(page)
        await page.clock.install()
        await page.goto(self.address + path)
        await ready(page)
        return page


@pytest_asyncio.fixture(loop_scope="session")
async def board(browser: Browser) -> AsyncIterator[Board]:
    async with Playing() as playing:
        board = Board(playing, browser)
        yield board
        await board.leave()


@pytest.fixture(scope="session")
def axe() -> str:
    node.install()
    return AXE.read_text()
