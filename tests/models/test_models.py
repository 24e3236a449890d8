"""The two protocols, every interleaving of them: checked by Spin, and shown to need each of their mechanisms."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.long import some_of
from tests.models.spin import errors, needs_spin, report

MECHANISMS = {
    "splice": ["NO_OFFSET", "NO_CHAIN", "NO_REPAIR", "NO_PROOF", "NO_BEAT"],
    "lease": ["NO_FENCE", "NO_HOLDER", "NO_IDEMPOTENT", "NO_RESET", "NO_DONE_FENCE"],
}

pytestmark = needs_spin


@pytest.mark.parametrize("model", MECHANISMS)
def test_the_protocol_holds_in_every_interleaving(model: str, tmp_path: Path) -> None:
    assert errors(report(model, tmp_path)) == 0


@pytest.mark.parametrize(("model", "mechanism"), some_of([(m, n) for m, names in MECHANISMS.items() for n in names], 2))
def test_without_any_one_mechanism_it_breaks(model: str, mechanism: str, tmp_path: Path) -> None:
    assert errors(report(model, tmp_path, mechanism)) > 0
