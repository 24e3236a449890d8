from __future__ import annotations

from worker.tools.tool import Tool


def test_a_tool_is_everybodys_or_its_owners() -> None:
    assert Tool("clock", "", b"{}").may("anybody")
    assert [Tool("ours", "", b"{}", owners=("ann",)).may(who) for who in ("ann", "bob", "")] == [True, False, False]
