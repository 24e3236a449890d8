"""What is a long proof: `make test` shows a promise in a few cases, `make proofs` in all the others.

The rule: what is marked as `long` is a variant of something that `make test` sees as well. No mechanism is seen by it
alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

long = pytest.mark.long


def some_of(cases: Sequence[Any], keep: int = 2) -> list[Any]:
    """The cases of a test, of which `keep` are in `make test`: spread evenly over all, the first among them."""
    kept = {number * len(cases) // keep for number in range(keep)}
    return [case if number in kept else _long(case) for number, case in enumerate(cases)]


def _long(case: Any) -> Any:
    if hasattr(case, "values") and hasattr(case, "marks"):  # is one of `pytest.param` already
        return pytest.param(*case.values, marks=[*case.marks, long], id=case.id)
    return pytest.param(*case, marks=long) if isinstance(case, tuple) else pytest.param(case, marks=long)


def examples(many: int) -> list[Any]:
    """How many examples a property is shown by: a fifth in `make test`, all of them in `make proofs`."""
    return some_of([-(-many // 5), many], 1)
