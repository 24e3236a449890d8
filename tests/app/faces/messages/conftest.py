"""A front, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.app.served import Served
from tests.patience import PATIENCE


@pytest.fixture
async def http(front: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=front.url, timeout=PATIENCE) as http:
        yield http
