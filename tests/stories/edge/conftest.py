"""One arrangement for all edges that are tested before it."""

from __future__ import annotations

import gc
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.stories.edge.arranged import Arranged
from tests.stories.edge.caddy import Edge, caddy

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A client of HTTP/2 over TLS that is cancelled leaves its connection to be found."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))


@pytest.fixture(autouse=True)
def _left_open() -> Iterator[None]:
    """By nobody else."""
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
