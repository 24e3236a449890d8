"""Each test of a client is one of both: of the one that blocks, and of the one that awaits."""

from __future__ import annotations

from tests.app.clients.python.keepstream.either import make as make  # noqa: PLC0414  # a fixture
