"""`make quick`: the tests that need no process but their own.

The rule: what a test needs is seen from the fixtures it asks for and from what its module imports; nothing is listed.
"""

from __future__ import annotations

import subprocess

import pytest

from app.dev.embedded import EmbeddedValkey

# Rooms of real processes, of a browser, and of a compiler.
NOT_HERE = ("stories", "page", "models", "chaos", "bench")
# A server in this process that keeps to a clock: its tests take the time that they are about.
ON_A_CLOCK = {"claude", "shop"}


def needs_a_process(item: pytest.Item) -> bool:
    """Also one that takes its time on a clock."""
    if "tests" in item.path.parts and item.path.parts[item.path.parts.index("tests") + 1] in NOT_HERE:
        return True
    fixtures = set(getattr(item, "fixturenames", ()))
    kind = getattr(getattr(item, "callspec", None), "params", {}).get("server")
    if "valkey" in fixtures or not ON_A_CLOCK.isdisjoint(fixtures) or ("server" in fixtures and kind != "fakeredis"):
        return True
    return any(_starts_one(value) for value in vars(getattr(item, "module", None) or object).values())


def _starts_one(value: object) -> bool:
    return value in (subprocess, EmbeddedValkey) or str(getattr(value, "__module__", "")).startswith(
        ("tests.harness.running", "tests.harness.relay", "tests.harness.cluster", "tests.harness.network")
    )
