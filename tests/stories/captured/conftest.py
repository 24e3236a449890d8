"""As a user has it: the fixture of the client's distribution."""

from __future__ import annotations

from keepstream.testing import keepstream, keepstream_settings

__all__ = ["keepstream", "keepstream_settings"]
