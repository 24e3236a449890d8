"""The pages to be read, README among them, and what stands in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "app" / "docs"
_FENCE = re.compile(r"^```(\S*)[ ]?(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code: its language, what else stands beside that, and the code."""

    language: str
    marks: str
    code: str

    @property
    def is_run(self) -> bool:
        return self.marks == "run"


@dataclass(frozen=True)
class Document:
    path: Path

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def blocks(self) -> list[Block]:
        return [Block(*found) for found in _FENCE.findall(self.text)]

    @cached_property
    def shown(self) -> list[Block]:
        """The blocks that a page of the shelf shows as code: for a diagram it has a picture."""
        return [block for block in self.blocks if block.language != "mermaid"]

    @cached_property
    def prose(self) -> str:
        """All but the blocks of code."""
        return _FENCE.sub("", self.text)

    @cached_property
    def spans(self) -> list[str]:
        """What is said as `code` within the text."""
        return [span.replace("\\|", "|") for span in re.findall(r"`([^`\n]+)`", self.prose)]

    @cached_property
    def in_one_line(self) -> str:
        """The text without its line ends, for what may begin in one line and end in the next."""
        return " ".join(self.prose.split())

    @cached_property
    def wrapped_spans(self) -> list[str]:
        """As `spans`, those that are broken by a line's end included."""
        return re.findall(r"`([^`]+)`", self.in_one_line)

    @cached_property
    def links(self) -> list[str]:
        """Where it leads, pictures included."""
        return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]+`", "", self.prose))

    @cached_property
    def headings(self) -> list[str]:
        """As links name them."""
        return [called(line) for line in re.findall(r"^#+ (.*)$", self.prose, re.MULTILINE)]


def called(heading: str) -> str:
    """As the places where files of Markdown are kept call a heading; `app/web/docs.js` does the same."""
    plain = re.sub(r"[`*]", "", heading)
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")


README = Document(ROOT / "README.md")
SHELF = {path.stem: Document(path) for path in sorted(DOCS.glob("*.md"))}
ALL = [README, *SHELF.values()]
OF_THE_TESTS = Document(ROOT / "tests" / "README.md")
