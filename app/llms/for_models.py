"""All that is made for language models, as a front serves it."""

from __future__ import annotations

from app.llms.agents import skill
from app.llms.overview import index, whole

_PLAIN, _MARKDOWN = "text/plain; charset=utf-8", "text/markdown; charset=utf-8"


def served(root_path: str = "") -> dict[str, tuple[bytes, str]]:
    """All of it by its path, with its media type; its links lead below `root_path`."""
    return {
        "/llms.txt": (index(root_path).encode(), _PLAIN),
        "/llms-full.txt": (whole(root_path).encode(), _PLAIN),
        "/skill.md": (skill(root_path).encode(), _MARKDOWN),
    }
