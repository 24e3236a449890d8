"""Where Markdown that grows at its end can no longer change.

Pure. The rule: only the last block of a text can still become something else; every block before it stands. A line that
is not complete decides nothing: a lone `*` after a list begins another one, and `**` goes on with what was there.
"""

from __future__ import annotations

from itertools import pairwise

from markdown_it import MarkdownIt

# The same dialect as rich's, which draws the blocks.
_PARSER = MarkdownIt().enable("strikethrough").enable("table")


def standing(text: str) -> list[str]:
    """The blocks of `text` but the last one, as parts of it: joined they are where the last block begins."""
    lines = text.split("\n")[:-1]
    tokens = _PARSER.parse("\n".join(lines))
    starts = [token.map[0] for token in tokens if token.level == 0 and token.nesting >= 0 and token.map]
    borders = [0, *starts[1:]]
    return ["\n".join(lines[a:b]) + "\n" for a, b in pairwise(borders)]
