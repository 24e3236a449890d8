from __future__ import annotations

import pytest

from worker.life.tooling.plan import plan
from worker.life.tooling.turns import Turns
from worker.life.tooling.uses import Use

PAY = Use("p", "pay", b"{}", theirs=False)
LOOK = Use("l", "look", b"{}", theirs=False)
THEIRS = Use("x", "theirs", b"{}", theirs=True)
DONE = {"p": b"{}"}


@pytest.mark.parametrize(
    ("turns", "run", "once", "broken"),
    [
        (Turns(), (PAY, LOOK), {"p"}, ()),
        (Turns(results=DONE), (LOOK,), set(), ()),
        (Turns(began=frozenset({"p"})), (PAY, LOOK), {"p"}, (PAY,)),
        (Turns(results=DONE, began=frozenset({"p"})), (LOOK,), set(), ()),
        (Turns(began=frozenset({"l"})), (PAY, LOOK), {"p"}, ()),  # which may run twice
        (Turns(results={**DONE, "l": b"{}"}), (), set(), ()),
    ],
)
def test_what_is_done_is_not_run_again_and_what_began_only_if_it_may(
    turns: Turns, run: tuple[Use, ...], once: set[str], broken: tuple[Use, ...]
) -> None:
    found = plan((PAY, LOOK, THEIRS), turns, lambda name: name == "look")
    assert (found.run, found.once, found.broken) == (run, once, broken)
