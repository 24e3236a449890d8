"""The version of the language in which processes speak to each other through Redis: by metas, jobs and messages.

Pure. The law, which every later version keeps, so that those beside it and those before it may stay:

- A stream's meta and its job say the lowest version in which all of the stream is understood; where they say nothing it
  is the first. Only who goes on with a stream has to understand all of it: it is left for a worker of that version.
- Everybody else reads by name. A field, a key and the arguments of a message keep their meaning for ever, and what
  means something else gets another name; what is not known stays as it stands. So a log, a state and an ending are
  read by all versions, and any front may cancel a stream, or end one whose time is up.
- A state that is not known has not ended.
- A message of a channel says its version by how it begins: with a digit (an offset) or `!` (an aside) it is of the
  first, a later one begins with `v` and its number. Who does not know one looks at what it is about, in Redis.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

# What this process understands. It rises with what a worker of the version before would do wrong, and with no more.
VERSION = 1
# What of a stream's meta a worker understands since a later version than the first.
SINCE: Mapping[str, int] = {}
# The field of the meta.
FIELD = "version"


def needed(fields: Container[str]) -> int:
    """The version of a new stream whose meta has these fields."""
    return max([1, *(version for name, version in SINCE.items() if name in fields)])


def said(fields: Mapping[str, str | bytes]) -> dict[str, str | bytes]:
    """The fields of a new stream's meta, with its version."""
    return {**fields, FIELD: str(needed(fields))}


def version_of(meta: Mapping[str, bytes]) -> int:
    """That of a meta; of what cannot be read the first."""
    said = meta.get(FIELD, b"")
    return int(said) if said.isdigit() else 1


def is_newer(meta: Mapping[str, bytes]) -> bool:
    """Whether it is of a later version than ours."""
    return version_of(meta) > VERSION
