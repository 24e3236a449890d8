"""The two protocols, every interleaving of them: checked by Spin, and shown to need each of their mechanisms."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

MODELS = Path(__file__).parent
MECHANISMS = {
    "splice": ["NO_OFFSET", "NO_CHAIN", "NO_REPAIR", "NO_PROOF", "NO_BEAT"],
    "lease": ["NO_FENCE", "NO_HOLDER", "NO_IDEMPOTENT", "NO_RESET", "NO_DONE_FENCE"],
}

SPIN, GCC = shutil.which("spin") or "", shutil.which("gcc") or ""

pytestmark = pytest.mark.skipif(not (SPIN and GCC), reason="Spin's verifier needs the packages spin and gcc")


def errors(model: str, directory: Path, *without: str) -> int:
    """Verifies a model in `directory`; returns how many errors Spin found."""
    shutil.copy(MODELS / f"{model}.pml", directory)
    flags = [f"-D{name}" for name in without]
    subprocess.run([SPIN, "-a", *flags, f"{model}.pml"], cwd=directory, check=True, capture_output=True)
    subprocess.run([GCC, "-O1", "-w", "-DSAFETY", "-o", "pan", "pan.c"], cwd=directory, check=True, capture_output=True)
    report = subprocess.run(["./pan", "-m1000000"], cwd=directory, check=True, capture_output=True, text=True).stdout
    assert "max search depth too small" not in report
    return int(report.split("errors: ")[1].split()[0])


@pytest.mark.parametrize("model", MECHANISMS)
def test_the_protocol_holds_in_every_interleaving(model: str, tmp_path: Path) -> None:
    assert errors(model, tmp_path) == 0


@pytest.mark.parametrize(("model", "mechanism"), [(m, n) for m, names in MECHANISMS.items() for n in names])
def test_without_any_one_mechanism_it_breaks(model: str, mechanism: str, tmp_path: Path) -> None:
    assert errors(model, tmp_path, mechanism) > 0
