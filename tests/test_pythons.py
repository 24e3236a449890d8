"""`make test-all` tests what is promised to run, the image's Python among them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
[TESTED] = re.findall(r"^PYTHONS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_each_python_that_is_promised_is_tested() -> None:
    promised = re.findall(r"Python :: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.MULTILINE)
    assert TESTED.split() == promised
    assert PROJECT["requires-python"] == f">={promised[0]}"


def test_the_image_s_is_among_them() -> None:
    used = re.findall(r"^ARG PYTHON=(3\.\d+)$", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)
    assert used
    assert set(used) <= set(TESTED.split())
