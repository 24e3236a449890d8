"""Verifies a model by Spin, in a directory of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

MODELS = Path(__file__).parent
SPIN, GCC = shutil.which("spin") or "", shutil.which("gcc") or ""

needs_spin = pytest.mark.skipif(not (SPIN and GCC), reason="Spin's verifier needs the packages spin and gcc")


def report(model: str, directory: Path, *defined: str, cycles: bool = False) -> str:
    """What Spin found of a model, beside which `directory` may hold what it includes.

    Looks for states that break an assertion or that nothing leads out of; with `cycles`, for the former and for runs
    without an end.
    """
    shutil.copy(MODELS / f"{model}.pml", directory)
    flags = [f"-D{name}" for name in defined]
    subprocess.run([SPIN, "-a", *flags, f"{model}.pml"], cwd=directory, check=True, capture_output=True)
    build = [GCC, "-O0" if cycles else "-O1", "-w", "-DNP" if cycles else "-DSAFETY", "-o", "pan", "pan.c"]
    subprocess.run(build, cwd=directory, check=True, capture_output=True)
    run = ["./pan", "-m1000000", *(["-l"] if cycles else [])]
    found = subprocess.run(run, cwd=directory, check=True, capture_output=True, text=True).stdout
    assert "max search depth too small" not in found
    return found


def errors(found: str) -> int:
    return int(found.split("errors: ")[1].split(maxsplit=1)[0])
