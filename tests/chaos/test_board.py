"""The check of the board sees what is wrong: a check that cannot fail is none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.chaos.board import Board
from tests.chaos.faults.nemesis import Nemesis
from tests.harness.boards.made_up import calm, worker
from tests.harness.cluster import Cluster

ALIVE, KILLED = "host:7:aa", "host:8:bb"


def board(exist: int = 31, *, untouched: bool = True) -> Board:
    cluster = SimpleNamespace(workers=[SimpleNamespace(pid=7, running=True)])
    nemesis = SimpleNamespace(killed={8: calm()["time"] - 3.5}, untouched=lambda _: untouched)
    return Board(cast("Cluster", cluster), lambda: exist, cast("Nemesis", nemesis))


def found(made: Board, **changed: Any) -> list[str]:
    shown = calm() | {"workers": [worker(ALIVE, 31)]} | changed
    made.see(shown)
    return list(made.violations)


def test_a_true_board_is_none() -> None:
    assert found(board()) == []
    assert found(board(), workers=[worker(ALIVE, 31), worker(KILLED, 0, state="gone")]) == []
    assert found(board(), workers=[worker(ALIVE, 0, state="unsure"), worker(KILLED, 31, state="unsure")]) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"readers": -1},
        {"charts": {"waiting": [None, -2]}},
        {"workers": [worker(ALIVE, 31), worker(KILLED, 0)]},
        {"workers": [worker(ALIVE, 31), worker(KILLED, 0, state="draining")]},
        {"workers": [worker(ALIVE, 30)]},
        {"workers": [worker(ALIVE, 31, state="silent")]},
    ],
)
def test_what_is_not_so(changed: dict[str, Any]) -> None:
    assert len(found(board(), **changed)) == 1


def test_more_than_there_is() -> None:
    assert len(found(board(exist=30))) == 1


def test_who_is_called_dead_and_lives() -> None:
    dead = {"workers": [worker(ALIVE, 0, state="gone"), worker("host:9:cc", 31)]}
    assert len(found(board(), **dead)) == 1
    assert found(board(untouched=False), **dead) == []
