"""A Message that is whole, as it was stored: what is said of it without having gathered it.

Pure. The rule: its bytes are the truth, and are taken apart no further than asked.
"""

from __future__ import annotations

from app.stream.ledger.usage import Brought
from worker.rawjson import json_text
from worker.rawjson.codec import NotJSONError, loads


class WholeMessage:
    """`data` is what `GatheredMessage.json` made of it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._members = json_text.members(data)

    @property
    def stop_reason(self) -> str | None:
        return self._text("stop_reason")

    def json(self) -> bytes:
        return self._data

    def brought(self, *, whole: bool = True) -> Brought:
        """What its call has brought."""
        usage = self._members.get("usage")
        return Brought(self._text("model"), usage, self.stop_reason, counted=True, whole=whole)

    def _text(self, name: str) -> str | None:
        try:
            found = loads(self._members.get(name, b"null"))
        except NotJSONError:
            return None
        return found if isinstance(found, str) else None
