"""The mutations fit the code they are about, and their table names what there is."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutations.every import MUTATIONS, ROOMS, room_of
from tests.mutations.mutation import Mutation
from tests.mutations.table import TABLE, known, with_row
from tests.mutations.trying import ELSEWHERE, STORIES, UNITS, near

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_what_is_taken_away_is_there_once(mutation: Mutation) -> None:
    text = (ROOT / mutation.file).read_text()
    assert text.count(mutation.old) == 1
    assert mutation.new != mutation.old


def test_each_has_a_name_of_its_own() -> None:
    assert [name for name, count in Counter(one.name for one in MUTATIONS).items() if count > 1] == []


@pytest.mark.parametrize("room", ROOMS)
def test_each_is_told_in_the_room_of_its_file(room: str) -> None:
    assert {one.name: room_of(one.file) for one in ROOMS[room]} == {one.name: room for one in ROOMS[room]}


def test_the_table_names_mutations_and_tests_that_there_are() -> None:
    page = TABLE.read_text()
    table = known(page)
    assert table.keys() <= {one.name for one in MUTATIONS}
    assert all(f"| {one.name} (`{one.file}`) |" in page for one in MUTATIONS if one.name in table)
    for test in table.values():
        path, *_, function = test.split("::")
        assert f"def {function}(" in (ROOT / path).read_text(), test


def test_a_row_that_is_written_replaces_its_own_and_no_other() -> None:
    first, second = MUTATIONS[:2]
    page = "# Tests\n\n| taken away | first test to turn red |\n| --- | --- |\n"
    page = with_row(with_row(page, second, "tests/b.py::test_b"), first, "tests/a.py::test_a")
    assert list(known(page).values()) == ["tests/a.py::test_a", "tests/b.py::test_b"]
    assert known(with_row(page, first, None))[first.name] == ""


def test_a_mutation_whose_file_has_moved_keeps_its_row() -> None:
    first, second = MUTATIONS[:2]
    page = "# Tests\n\n| taken away | first test to turn red |\n| --- | --- |\n"
    page = with_row(page, replace(first, file="app/once.py"), "tests/a.py::test_a").replace(first.file, "app/once.py")
    assert known(with_row(page, second, None))[first.name] == "tests/a.py::test_a"


def test_what_is_looked_for_is_there() -> None:
    assert [test for test in (*UNITS, *STORIES, *ELSEWHERE.values()) if not (ROOT / test).exists()] == []


def test_the_nearest_tests_are_a_module_s_own_then_its_room_s() -> None:
    assert near("app/fanout/hub.py", ROOT) == ["tests/app/fanout/test_hub.py", "tests/app/fanout"]
    assert near("deploy/Caddyfile", ROOT) == ["tests/stories/edge"]
    assert near("app/stream/scripts/log/append.lua", ROOT) == ["tests/app/stream/scripts"]
