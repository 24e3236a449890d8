"""Where an exception was raised: all that is told of one besides its class, for its words may quote a prompt."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from traceback import walk_tb

_ROOT = Path(__file__).resolve().parent.parent.parent
_OURS = ("app", "worker")


def place_of(error: BaseException) -> str:
    """The function, file and line: the deepest of ours, or the deepest of all where none is."""
    place, is_ours = "an unknown place", False
    for frame, line in walk_tb(error.__traceback__):
        shown, ours = file_of(frame.f_code.co_filename)
        if ours or not is_ours:
            place, is_ours = f"{frame.f_code.co_name} ({shown}:{line})", ours
    return place


@lru_cache(maxsize=1000)
def file_of(name: str) -> tuple[str, bool]:
    """What is shown of a module's file, and whether it is one of ours."""
    path = Path(name)
    ours = path.is_relative_to(_ROOT) and path.relative_to(_ROOT).parts[0] in _OURS
    return str(path.relative_to(_ROOT)) if ours else path.name, ours
