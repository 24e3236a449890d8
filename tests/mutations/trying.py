"""One mechanism taken away, and which test sees it. The rule: the nearest tests first, the slowest last."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tests.mutations.mutation import Mutation

LIMIT_SECONDS = 600
UNITS = ("tests/app", "tests/worker")
STORIES = ("tests/stories", "tests/page")
# What is not tested in a folder of its own name.
ELSEWHERE = {
    "app/web": "tests/page",
    "app/clients/js": "tests/stories/clients/javascript",
    "deploy/prometheus": "tests/deploy",
    "deploy/compose": "tests/deploy/compose",
    "deploy": "tests/stories/edge",
}


def first_red(mutation: Mutation, copy: Path, likely: str) -> str | None:
    """The first test that fails without the mechanism; None where all pass."""
    file = copy / mutation.file
    text = file.read_text()
    if text.count(mutation.old) != 1:
        raise SystemExit(f"{mutation.file} does not hold the text of: {mutation.name}")
    file.write_text(text.replace(mutation.old, mutation.new))
    try:
        return next((red for tests in _in_turn(mutation.file, copy, likely) if (red := _run(copy, *tests))), None)
    finally:
        file.write_text(text)


def _in_turn(file: str, copy: Path, likely: str) -> Iterator[tuple[str, ...]]:
    if likely:
        yield tuple(likely.split())
    yield from ((test,) for test in near(file, copy))
    yield UNITS
    yield STORIES


def near(file: str, tree: Path) -> list[str]:
    """The tests that stand beside this file's place: its own, and those of its folder."""
    place = PurePosixPath(file)
    rooms = (ELSEWHERE.get(str(one), f"tests/{one}") for one in place.parents)
    folder = next(room for room in rooms if (tree / room).exists())
    return [test for test in (f"{folder}/test_{place.stem}.py", folder) if (tree / test).exists()]


def _run(copy: Path, *tests: str) -> str | None:
    """The first of these tests that fails."""
    # Nothing compiled is kept: a text that comes and goes within a second would be taken for the one before.
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        ran = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None
    found = re.search(r"^(?:FAILED|ERROR) ([^\s\[]+)", ran.stdout, re.MULTILINE)
    return found[1] if found else None
