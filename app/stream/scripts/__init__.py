"""The Lua scripts, one file each, with their KEYS, ARGV and replies described on top; loaded by name.

The rule: a room for each slot that a script's keys stand in, and what it is about. A script touches the keys of one
stream (`log/`), of one conversation or chat (`conversations/`), or those of the queue (`queue/`, `gate/`).
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

# Which script a digest is of, for what is counted of those that are sent.
NAMES: dict[str, str] = {}


@cache
def source(*names: str) -> str:
    """The text of the files of these names (`<room>/<name>.lua`), one after the other: the last is the script, what it
    calls stands before.

    What is there for readers alone is left out, for some are sent whole with each call; errors name the same lines.
    """
    texts = (files(__package__).joinpath(f"{name}.lua").read_text(encoding="utf-8") for name in names)
    lines = (line.strip() for text in texts for line in text.splitlines())
    return _named(names[-1], "".join("\n" if line.startswith("--") else f"{line}\n" for line in lines))


def source_on_full(*names: str) -> str:
    """The same, allowed also while Redis has no room: for what ends, gives back, deletes or renews, and so makes room.

    Nothing that takes a prompt, or an answer's text, may have it: `maxmemory` would bound nothing.
    """
    return _named(names[-1], "#!lua flags=allow-oom\n" + source(*names))


def sharded(text: str) -> str:
    """The same script for a cluster: what it publishes is heard at the node that has its keys, and nowhere else."""
    return _named(NAMES.get(digest_of(text), ""), text.replace("'PUBLISH'", "'SPUBLISH'"))


def _named(name: str, text: str) -> str:
    NAMES[digest_of(text)] = name
    return text


def digest_of(text: str) -> str:
    """By which Redis knows a script."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
