"""One arrangement for all edges that are tested before it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.stories.edge.arranged import Arranged
from tests.stories.edge.caddy import Edge, caddy


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def arranged() -> AsyncIterator[Arranged]:
    async with Arranged() as all_of_it:
        yield all_of_it


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def edge(arranged: Arranged) -> AsyncIterator[Edge]:
    async with caddy(arranged.directory / "caddy", arranged.names.port) as standing:
        yield standing
