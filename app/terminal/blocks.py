"""Where Markdown that grows at its end can no longer change.

Pure. The rule: only the last block of a text can still become something else; every block before it stands.
"""

from __future__ import annotations

from itertools import pairwise

from markdown_it import MarkdownIt

# The same dialect as rich's, which draws the blocks.
_PARSER = MarkdownIt().enable("strikethrough").enable("table")


def standing(text: str) -> list[str]:
    """The blocks of `text` but the last one, as parts of it: joined they are where the last block begins."""
    starts = [token.map[0] for token in _PARSER.parse(text) if token.level == 0 and token.nesting >= 0 and token.map]
    lines = text.split("\n")
    borders = [0, *starts[1:]]
    return ["\n".join(lines[a:b]) + "\n" for a, b in pairwise(borders)]
