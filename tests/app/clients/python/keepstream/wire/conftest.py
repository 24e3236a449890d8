from __future__ import annotations

import pytest

from app.clients.python.keepstream.core import resuming


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resuming, "RETRY_SECONDS", 0.001)
