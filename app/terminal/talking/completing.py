"""What Tab makes of a line: an order's whole word, or the paths that a file's may be; anywhere else it is a tab.

The rule: the line that comes out is one that the order takes as it stands, with blanks in names marked as such.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

ORDERS = ("/help", "/continue", "/retry", "/model ", "/system ", "/tools ", "/file ", "/cost", "/quit")
# Of more nobody looks at the list.
PATHS_MAX = 200
_FILE = re.compile(r"(/file\s+)(.*)", re.DOTALL)
_MARKED = re.compile(r"\\(.)")
_TO_BE_MARKED = re.compile(r"([\s\\'\"])")


def completions(line: str) -> list[str]:
    """The lines that this one may become."""
    if found := _FILE.fullmatch(line):
        return [found[1] + path for path in _paths(found[2])]
    if re.fullmatch(r"/[a-z]*", line):
        return [order for order in ORDERS if order.startswith(line)]
    return [f"{line}\t"]


def _paths(typed: str) -> list[str]:
    folder, slash, begun = _MARKED.sub(r"\1", typed).rpartition("/")
    shown = folder + slash
    try:
        with os.scandir(Path(shown or ".").expanduser()) as entries:
            # What begins with a dot is there for whoever asks for it.
            there = [
                entry.name + ("/" if entry.is_dir() else "")
                for entry in entries
                if entry.name.startswith(begun) and (begun or not entry.name.startswith("."))
            ]
    except OSError:
        return []
    return [_TO_BE_MARKED.sub(r"\\\1", shown + name) for name in sorted(there)[:PATHS_MAX]]
