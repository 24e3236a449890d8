"""The refusal of what an owner may not at all, however little of it."""

from __future__ import annotations

from app.stream.errors import KeepstreamError


class NotAllowedError(KeepstreamError):
    """The client's fault: its owner's limits do not allow it. The message names the field and what is allowed."""
