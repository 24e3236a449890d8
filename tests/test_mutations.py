"""The mutations fit the code they are about, and their table names what there is."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.mutations import MUTATIONS, ROOT, TABLE, TESTS, Mutation, known, with_row


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_what_is_taken_away_is_there_once(mutation: Mutation) -> None:
    text = (ROOT / mutation.file).read_text()
    assert text.count(mutation.old) == 1
    assert mutation.new != mutation.old


def test_each_has_a_name_of_its_own() -> None:
    assert [name for name, count in Counter(one.name for one in MUTATIONS).items() if count > 1] == []


def test_the_table_names_mutations_and_tests_that_there_are() -> None:
    table = known(TABLE.read_text())
    assert table.keys() <= {(one.name, one.file) for one in MUTATIONS}
    for test in table.values():
        path, *_, function = test.split("::")
        assert f"def {function}(" in (ROOT / path).read_text(), test


def test_a_row_that_is_written_replaces_its_own_and_no_other() -> None:
    first, second = MUTATIONS[:2]
    page = "# Tests\n\n| taken away | first test to turn red |\n| --- | --- |\n"
    page = with_row(with_row(page, second, "tests/b.py::test_b"), first, "tests/a.py::test_a")
    assert list(known(page).values()) == ["tests/a.py::test_a", "tests/b.py::test_b"]
    assert known(with_row(page, first, None))[first.name, first.file] == ""


def test_what_is_looked_for_is_there() -> None:
    assert [test for test in TESTS if not (ROOT / test).exists()] == []
