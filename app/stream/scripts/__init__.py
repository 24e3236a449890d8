"""The Lua scripts, one file each, with their KEYS, ARGV and replies described on top; loaded by name."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def source(name: str) -> str:
    """The text of `<name>.lua`."""
    return files(__package__).joinpath(f"{name}.lua").read_text(encoding="utf-8")
