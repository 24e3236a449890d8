"""Markdown as a model writes it: each paragraph on one line, whatever the width of the file it stands in. Pure."""

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

_FENCE = re.compile(r"\s*(```|\$\$)")
# What begins a line of its own: a heading, a quotation, an item, a row, a rule.
_BEGINS = re.compile(r"\s*(#|>|[-*+] |\d+[.)] |\||---)")


@cache
def flowing(markdown: str) -> str:
    """Without the line breaks that mean nothing; code, formulas, rows and items keep theirs."""
    lines: list[str] = []
    fenced, open_ended = False, False
    for line in markdown.split("\n"):
        if _FENCE.match(line):
            fenced, open_ended = not fenced, False
            lines.append(line)
        elif fenced or not line.strip():
            lines.append(line)
            open_ended = False
        elif open_ended and not _BEGINS.match(line):
            lines[-1] += f" {line.strip()}"
        elif open_ended and line.startswith("> ") and lines[-1].startswith("> "):
            lines[-1] += f" {line[2:]}"
        else:
            lines.append(line)
            open_ended = not line.lstrip().startswith(("#", "|", "---"))
    return "\n".join(lines)


@cache
def verse(markdown: str) -> str:
    """Each line a line: with the two blanks that say so."""
    lines, fenced = markdown.split("\n"), False
    for place, (line, after) in enumerate(pairwise([*lines, ""])):
        fenced ^= bool(_FENCE.match(line))
        if not fenced and line.strip("> ") and after.strip("> "):
            lines[place] = f"{line}  "
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Text:
    """`written` in lines of this file's width, of which a poem's mean something."""

    keywords: tuple[str, ...]
    written: str
    is_verse: bool = False

    @property
    def markdown(self) -> str:
        return verse(self.written) if self.is_verse else flowing(self.written)
