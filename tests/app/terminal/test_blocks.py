"""Blocks are parts of their text, and those that stand stay what they are, however the text goes on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.terminal.blocks import blocks, standing

SIGNS = [
    "a",
    "b ",
    "\n",
    "\n\n",
    "*",
    "* ",
    "# ",
    "```",
    "| a | b |\n| - | - |\n",
    "> ",
    "1. ",
    "    ",
    "---",
    "`",
    "**",
]
texts = st.lists(st.sampled_from(SIGNS), max_size=14).map("".join)


@given(texts)
def test_joined_they_are_the_text(text: str) -> None:
    assert "".join(blocks(text)) == text


@given(texts, texts)
def test_what_stands_is_not_changed_by_what_comes(text: str, more: str) -> None:
    stands = standing(text)
    assert text.startswith("".join(stands))
    assert standing(text + more)[: len(stands)] == stands


def test_a_block_stands_when_the_next_one_has_begun() -> None:
    assert standing("# One\n\ntwo") == []
    assert standing("# One\n\ntwo\n") == ["# One\n\n"]
    assert blocks("# One\n\ntwo\n") == ["# One\n\n", "two\n"]
