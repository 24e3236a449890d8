from __future__ import annotations

from typing import Any

import mcp_types
import pytest

from worker.tools.functions.decorator import NAME, Options
from worker.tools.mcp.config import Granted, Server
from worker.tools.mcp.listing import DESCRIPTION_MAX, TOOLS_MAX, listed, name_of

OBJECT: dict[str, Any] = {"type": "object"}


def tool(name: str, schema: dict[str, Any] | None = None, description: str | None = None) -> mcp_types.Tool:
    return mcp_types.Tool(name=name, input_schema=OBJECT if schema is None else schema, description=description)


@pytest.mark.parametrize(("theirs", "ours"), [("look", "shop__look"), ("a.b/c d", "shop__a_b_c_d"), ("ö", "shop___")])
def test_names_are_those_that_the_api_takes(theirs: str, ours: str) -> None:
    assert name_of("shop", theirs) == ours


def test_long_names_keep_their_beginning_and_differ() -> None:
    first, second = name_of("shop", "x" * 300), name_of("shop", "x" * 300 + "y")
    assert first != second
    assert len(first) == 128
    assert first.startswith("shop__xxx")
    assert NAME.fullmatch(first)


def test_what_the_entry_says_is_what_the_tools_are() -> None:
    server = Server(
        "shop",
        options=Options(seconds=5, bytes=4_096, owners=("ann",)),
        repeatable=Granted(names=frozenset({"look"})),
        approve=Granted(all=True),
        tools=frozenset({"look", "buy"}),
    )
    tools, left_out = listed(server, [tool("look", description="x" * 10_000), tool("buy"), tool("burn")])
    assert list(tools) == ["shop__look", "shop__buy"]
    look, buy = (one.tool for one in tools.values())
    assert (look.repeatable, buy.repeatable, look.approve, buy.approve) == (True, False, True, True)
    assert (look.seconds, look.bytes, look.owners) == (5, 4_096, ("ann",))
    assert len(look.description) == DESCRIPTION_MAX
    assert left_out == {}


def test_what_cannot_be_offered_is_left_out_and_why_is_told() -> None:
    odd = {"type": "object", "properties": {"a": {"type": "strin"}}}
    tools, left_out = listed(
        Server("s"), [tool("a"), tool("a"), tool("b.c"), tool("b/c"), tool("odd", odd), tool("n", {})]
    )
    assert list(tools) == ["s__a", "s__b_c"]
    assert set(left_out) == {"s__a", "s__b_c", "s__odd", "s__n"}
    tools, left_out = listed(Server("s"), [tool(f"t{n}") for n in range(TOOLS_MAX + 10)])
    assert len(tools) == TOOLS_MAX
    assert left_out == {"s": f"the server has more than {TOOLS_MAX} tools"}
