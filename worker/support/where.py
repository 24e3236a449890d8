"""Where an error was raised."""

from __future__ import annotations

import traceback


def where(error: BaseException) -> str:
    """The place of an error, without its text, which may quote a prompt."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.name} ({last.filename}:{last.lineno})"
