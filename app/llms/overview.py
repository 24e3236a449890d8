"""`llms.txt`, as llmstxt.org has it: what there is to read, with a line for each page; and all of it as one text.

The rule: the table at the end of the start page is the list, a column a section. What is for those who work on
Keepstream is `Optional`, and is left out of the whole.
"""

from __future__ import annotations

import re

from app.llms.reading import first_paragraph, linked, page, section

START = "start"
_ENTRY = re.compile(r"\[([A-Za-z]+)\]\(([a-z]+)\.md\)(?:: ([^;|]*))?")
# The last column, as llmstxt.org calls what may be skipped.
_OPTIONAL = "Optional"

Column = tuple[str, list[tuple[str, str]]]


def columns() -> list[Column]:
    """What to read, for whom: each page's name, and what it says."""
    header, _, *rows = section(START, "Where to go on").splitlines()
    titles = [cell.strip().capitalize() for cell in header.strip("|").split("|")]
    cells = zip(*(row.strip().strip("|").split("|") for row in rows), strict=True)
    found = [[(name, (says or "").strip()) for _, name, says in _ENTRY.findall("|".join(column))] for column in cells]
    titles[-1] = _OPTIONAL
    return list(zip(titles, found, strict=True))


def index(root_path: str = "") -> str:
    """`llms.txt`."""
    lines = [
        *(f"# {_title(START)}", "", f"> {first_paragraph(START)}", ""),
        f"The HTTP interface as OpenAPI 3.1 is at {root_path}/openapi.json, all pages as one text at",
        f"{root_path}/llms-full.txt, and a skill for agents that write code at {root_path}/skill.md.",
    ]
    for number, (title, entries) in enumerate(columns()):
        pages = [(START, "the first stream, and what is in it"), *entries] if number == 0 else entries
        lines += ["", f"## {title}", ""]
        lines += [
            f"- [{_title(name)}]({root_path}/docs/{name}.md)" + (f": {says}" if says else "") for name, says in pages
        ]
    return "\n".join(lines) + "\n"


def whole(root_path: str = "") -> str:
    """`llms-full.txt`."""
    names = [START, *(name for title, entries in columns() if title != _OPTIONAL for name, _ in entries)]
    return "\n".join(linked(name, root_path) for name in names)


def _title(name: str) -> str:
    """By which people know a page."""
    return page(name).partition("\n")[0].removeprefix("# ")
