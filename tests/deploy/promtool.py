"""Asks promtool, which comes with Prometheus, what it thinks of our files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
_PROMTOOL = shutil.which("promtool") or ""

needs_promtool = pytest.mark.skipif(not _PROMTOOL, reason="promtool comes with the package prometheus")


def told(*arguments: str | Path) -> str:
    """What it says of something that is in order; fails, with its words, where it is not."""
    done = subprocess.run([_PROMTOOL, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
