from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from worker.tools import keepstream_tool
from worker.tools.functions.decorator import Options, options_of


def test_the_function_stays_as_it_is_and_what_is_said_of_it_is_kept() -> None:
    @keepstream_tool
    def plain(a: int) -> int:
        return a

    @keepstream_tool(name="other", repeatable=True, approve=True, seconds=3, bytes=2_048, owners=["ann"])
    async def said() -> None: ...

    assert plain(3) == 3
    assert options_of(plain) == Options()
    assert options_of(said) == Options("other", True, True, 3, 2_048, ("ann",))  # noqa: FBT003
    assert options_of(len) is None


@pytest.mark.parametrize(
    "options",
    [{"name": "a b"}, {"name": ""}, {"name": "a" * 129}, {"seconds": 0}, {"seconds": float("nan")}, {"seconds": 1e9},
     {"bytes": 0}, {"bytes": 2**40}],
    ids=str,
)  # fmt: skip
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        keepstream_tool(**options)


def test_one_text_is_no_list_of_owners() -> None:
    with pytest.raises(TypeError, match="list"):
        keepstream_tool(owners="ann")


def test_only_functions_can_be_tools() -> None:
    def row() -> Iterator[int]:
        yield 1

    for what in (row, 3, type("Thing", (), {})):
        with pytest.raises(TypeError, match="function"):
            keepstream_tool(what)  # type: ignore[call-overload]
