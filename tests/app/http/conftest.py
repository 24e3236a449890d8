"""An application that answers when it may; and bounds that are soon reached."""

from __future__ import annotations

import pytest

from app.http.connection import bounds
from tests.app.http.speaking import (
    SOON,
    Application,
)


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "REST_SECONDS", "LINGER_SECONDS"):
        monkeypatch.setattr(bounds, name, SOON)
