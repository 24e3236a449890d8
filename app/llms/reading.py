"""The pages of the shelf as they are read by who makes something of them. The rule: what is not found is an error."""

from __future__ import annotations

import re
from functools import cache
from itertools import chain, zip_longest
from pathlib import Path

SHELF = Path(__file__).parent.parent / "docs"
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_PICTURE = re.compile(r"^!\[[^\]]*\]\([^)]*\)\n\n?", re.MULTILINE)
_RUN = re.compile(r"\A(```\S+) run$", re.MULTILINE)  # a word of ours to the tests
_LINK = re.compile(r"(\]\()(?![a-z]+:|/)([a-z]*)(?:\.md)?(#[^)]*)?\)")


class MissingSectionError(Exception):
    """A page has no such section."""


@cache
def page(name: str) -> str:
    """The text of a page without its pictures."""
    return _PICTURE.sub("", (SHELF / f"{name}.md").read_text())


def linked(name: str, root_path: str = "") -> str:
    """A page whose links lead to the Markdown that a front serves."""
    return led(page(name), name, root_path)


def led(text: str, name: str, root_path: str) -> str:
    """A text of the page `name` whose links lead to the Markdown that a front serves; code stays as it is."""
    parts = _FENCE.split(text)
    fences = [_RUN.sub(r"\1", fence) for fence in _FENCE.findall(text)]
    prose = [_LINK.sub(rf"\g<1>{root_path}/docs/\g<2>.md\g<3>)", part) for part in parts]
    prose = [part.replace("/docs/.md#", f"/docs/{name}.md#") for part in prose]  # of this page
    return "".join(chain.from_iterable(zip_longest(prose, fences, fillvalue="")))


def first_paragraph(name: str) -> str:
    """In one line."""
    return " ".join(page(name).split("\n\n")[1].split())


def section(name: str, heading: str) -> str:
    """What stands beneath a heading, up to the next one as high or higher. Raises `MissingSectionError`."""
    text = page(name)
    hidden = _FENCE.sub(lambda fence: re.sub(r"[^\n]", ".", fence[0]), text)  # a comment in a shell is no heading
    found = re.search(rf"^(#+) {re.escape(heading)}\n", hidden, re.MULTILINE)
    if found is None:
        raise MissingSectionError(f"{name}.md has no section “{heading}”")
    after = re.search(rf"^#{{1,{len(found[1])}}} ", hidden[found.end() :], re.MULTILINE)
    return text[found.end() : found.end() + after.start() if after else None].strip()
