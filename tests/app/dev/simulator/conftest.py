from collections.abc import AsyncIterator

import httpx
import pytest
from anthropic import AsyncAnthropic

from app.dev.simulator import serving
from tests.app.dev.simulator.claude import AT_ONCE


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with serving(pace=AT_ONCE) as url:
        yield url


@pytest.fixture
async def claude(url: str) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=url, api_key="x", max_retries=0) as client:
        yield client


@pytest.fixture
async def http(url: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"x-api-key": "x", "anthropic-version": "2026-10-21"}
    async with httpx.AsyncClient(base_url=url, headers=headers) as client:
        yield client
