"""What keeps passes in Redis is tested on the real one and on fakeredis, as all stores are."""

from __future__ import annotations

from tests.app.stream.conftest import pytest_generate_tests, server

__all__ = ["pytest_generate_tests", "server"]
