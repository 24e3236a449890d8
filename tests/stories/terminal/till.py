"""Tools of somebody who keeps a till: a module for `KEEPSTREAM_TOOLS`, with one that a person has to approve."""

from __future__ import annotations

from worker.tools import keepstream_tool


@keepstream_tool(approve=True)
def pay(chf: float) -> str:
    """Pays out of the till."""
    return f"paid {chf:g}"
