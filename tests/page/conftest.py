"""One browser, and a cluster for all files that ask for the same. A test fails on whatever went wrong in any tab,
unless it said it would.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.harness.shared import Shared
from tests.page.visiting import CHROMIUM, Site, launch

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = pytest.mark.skip(reason="the page is tested in a real browser: install the package chromium")
    for item in items:
        if not CHROMIUM and HERE in item.path.parents:
            item.add_marker(missing)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as driver:
        browser = await launch(driver)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cluster(request: pytest.FixtureRequest, shared: Shared) -> Cluster:
    """With the settings that the file asks for in `SETTINGS`. Titles are made only for who asks for them: each is
    a call more of the upstream.
    """
    return await shared.like(**{"titles": 0, **getattr(request.module, "SETTINGS", {})})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def everything(cluster: Cluster, browser: Browser) -> AsyncIterator[Site]:
    api = Api(cluster)
    api.http.headers["connection"] = "close"  # what a test cuts is the page's, not ours
    yield Site(cluster, browser, api)
    await api.close()


@pytest_asyncio.fixture(loop_scope="session")
async def site(everything: Site) -> AsyncIterator[Site]:
    yield everything
    everything.cluster.claude.flow()
    await everything.leave()
