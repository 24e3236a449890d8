"""All tests here are about what kubectl builds."""

from __future__ import annotations

import pytest

from tests.deploy.k8s.build import OVERLAYS, lacks


@pytest.fixture(autouse=True, scope="session")
def kubectl() -> None:
    if why := lacks():
        pytest.skip(why)


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> str:
    return str(request.param)
