"""Where Markdown that grows at its end can no longer change.

Pure. The rule: only the last block of a text can still become something else; every block before it stands. A line that
is not complete decides nothing: a lone `*` after a list begins another one, and `**` goes on with what was there.
"""

from __future__ import annotations

from itertools import pairwise

from markdown_it import MarkdownIt

# The same dialect as rich's, which draws the blocks.
_PARSER = MarkdownIt().enable("strikethrough").enable("table")


def blocks(text: str) -> list[str]:
    """The blocks of `text`, as parts of it: joined they are the text."""
    lines = text.split("\n")
    starts = [token.map[0] for token in _PARSER.parse(text) if token.level == 0 and token.nesting >= 0 and token.map]
    borders = [0, *starts[1:], len(lines)]
    parts = ["\n".join(lines[a:b]) + "\n" for a, b in pairwise(borders)]
    return [*parts[:-1], parts[-1][:-1]]


def standing(text: str) -> list[str]:
    """The blocks that stand already: joined they are where the last one begins."""
    return blocks("\n".join(text.split("\n")[:-1]))[:-1]
