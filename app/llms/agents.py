"""The skill file for agents that write code: how to add Keepstream to a project, put together from the pages.

The rule: `skill.md` says when and in which order; what a call, an event or a client looks like is taken from the page
that says so (`{{page#Heading}}`), whose examples are run by the tests.
"""

from __future__ import annotations

import re
from pathlib import Path

from app.llms.reading import first_paragraph, led, section

_TAKEN = re.compile(r"^\{\{([a-z]+)(?:#(.+))?\}\}$", re.MULTILINE)
_PATTERN = Path(__file__).with_name("skill.md")


def skill(root_path: str = "") -> str:
    """Markdown with a head of YAML. Raises `MissingSectionError` where a page has changed."""

    def taken(found: re.Match[str]) -> str:
        name, heading = found.groups()
        text = section(name, heading) if heading else first_paragraph(name)
        return led(text, name, root_path)

    return _TAKEN.sub(taken, _PATTERN.read_text())
