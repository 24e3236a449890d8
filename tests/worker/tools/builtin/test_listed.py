from __future__ import annotations

from worker.tools.builtin.listed import built_in


def test_two_are_built_in_and_may_run_twice() -> None:
    assert [(one.tool.name, one.tool.repeatable) for one in built_in()] == [("clock", True), ("calculator", True)]
