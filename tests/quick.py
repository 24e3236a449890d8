"""`make quick`: the tests that need no process but their own.

The rule: what a test needs is seen from the fixtures it asks for and from what its module imports; nothing is listed. A
module that could start a process is not even imported: reading all of them takes longer than the tests that are left.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# Rooms of real processes, of a browser, of a compiler, and of promtool.
NOT_HERE = ("stories", "page", "models", "chaos", "bench", "deploy")
# Who imports one of these starts a process.
STARTS_ONE = re.compile(
    r"^(import subprocess\b|from app\.dev\.embedded import .*\bEmbeddedValkey\b"
    r"|from tests\.harness(\.| import )(running|relay|cluster|shared|network|node)\b)",
    re.MULTILINE,
)
# A server in this process that keeps to a clock: its tests take the time that they are about.
ON_A_CLOCK = {"claude", "shop"}


def has_nothing_for_it(path: Path) -> bool:
    """A folder or a module of tests, none of which is quick."""
    if path.is_dir():
        return path.parent == TESTS and path.name in NOT_HERE
    return path.name.startswith("test_") and STARTS_ONE.search(path.read_text()) is not None


def needs_a_process(item: pytest.Item) -> bool:
    """Also one that takes its time on a clock."""
    fixtures = set(getattr(item, "fixturenames", ()))
    kind = getattr(getattr(item, "callspec", None), "params", {}).get("server")
    return "valkey" in fixtures or not ON_A_CLOCK.isdisjoint(fixtures) or ("server" in fixtures and kind != "fakeredis")
