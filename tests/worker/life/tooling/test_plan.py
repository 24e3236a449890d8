from __future__ import annotations

import pytest

from worker.life.tooling.plan import Manners, plan
from worker.life.tooling.turns import Turns
from worker.life.tooling.uses import Use
from worker.life.tooling.verdicts import Verdict

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
    found = plan((PAY, LOOK, THEIRS), turns, lambda name: Manners(repeatable=name == "look"))
    assert (found.run, found.once, found.broken) == (run, once, broken)


@pytest.mark.parametrize(
    ("turns", "run", "refused", "waiting"),
    [
        (Turns(), (LOOK,), (), (PAY,)),
        (Turns(asks=frozenset({"p"})), (LOOK,), (), (PAY,)),
        (Turns(verdicts={"p": Verdict(approve=True)}), (PAY, LOOK), (), ()),
        (Turns(verdicts={"p": Verdict(approve=False)}), (LOOK,), (PAY,), ()),
        (Turns(results=DONE), (LOOK,), (), ()),
    ],
)
def test_where_a_person_is_to_be_asked_nothing_runs_before_the_answer(
    turns: Turns, run: tuple[Use, ...], refused: tuple[Use, ...], waiting: tuple[Use, ...]
) -> None:
    found = plan((PAY, LOOK), turns, lambda name: Manners(repeatable=name == "look", approve=name == "pay"))
    assert (found.run, found.refused, found.waiting) == (run, refused, waiting)
    assert found.once == {use.id for use in run if use is PAY}


def test_of_what_a_person_was_asked_nothing_runs_though_its_tool_is_gone_for_now() -> None:
    found = plan((PAY, LOOK), Turns(asks=frozenset({"p"})), lambda _: Manners(repeatable=False))
    assert (found.run, found.waiting) == ((LOOK,), (PAY,))
