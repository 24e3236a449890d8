"""The version of what runs: that of the installed distribution.

The rule: what is run from its sources, without being installed, has none, and runs all the same.
"""

from __future__ import annotations

from functools import cache

# As the server is called where it is installed; `keepstream` is its Python client.
DISTRIBUTION = "keepstream-server"
UNKNOWN = "unknown"


@cache
def our_version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  # no process starts later for it

    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return UNKNOWN
