"""One arrangement for all edges that are tested before it."""

from __future__ import annotations

import gc
import warnings
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.stories.edge.arranged import Arranged
from tests.stories.edge.caddy import Edge, caddy


@pytest.fixture(autouse=True)
def _left_open() -> Iterator[None]:
    """A client of HTTP/2 over TLS that is cancelled leaves its connection to be found by whichever test is next."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def arranged() -> AsyncIterator[Arranged]:
    async with Arranged() as all_of_it:
        yield all_of_it


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def edge(arranged: Arranged) -> AsyncIterator[Edge]:
    async with caddy(arranged.directory / "caddy", arranged.names.port) as standing:
        yield standing
