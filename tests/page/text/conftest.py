"""A tab for the page's modules alone, which the tests of a file share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.page.visiting import Site


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def standing(everything: Site) -> AsyncIterator[Page]:
    context = await everything.browser.new_context()
    page = await context.new_page()
    everything.watch(page)
    await page.goto(everything.address)
    yield page
    await context.close()


@pytest.fixture
def page(standing: Page, site: Site) -> Page:  # noqa: ARG001 - the watch on what goes wrong
    """A tab for the modules alone; all tests share it."""
    return standing
