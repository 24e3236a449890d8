"""What turned red the last time, kept as a table in README.md. The rule: its order is that of the mutations."""

from __future__ import annotations

import re
from pathlib import Path

from tests.mutations.every import MUTATIONS
from tests.mutations.mutation import Mutation

TABLE = Path(__file__).with_name("README.md")
HEAD = "| taken away | first test to turn red |\n| --- | --- |\n"
_ROW = re.compile(r"^\| (?P<name>.+) \(`(?P<file>[^`]+)`\) \| (?:`(?P<test>[^`]+)`|\*\*none\*\*) \|$", re.MULTILINE)


def row(mutation: Mutation, red: str | None) -> str:
    return f"| {mutation.name} (`{mutation.file}`) | {f'`{red}`' if red else '**none**'} |"


def known(table: str) -> dict[str, str]:
    """The tests that turned red by the table, by the name of what was taken away: its file may move."""
    return {found["name"]: found["test"] or "" for found in _ROW.finditer(table)}


def with_row(table: str, mutation: Mutation, red: str | None) -> str:
    """The page with this row in its place: the table has the order of the mutations, and no row of one that is gone."""
    rows = known(table) | {mutation.name: red or ""}
    lines = [row(one, rows[one.name] or None) for one in MUTATIONS if one.name in rows]
    opening, _ = table.split(HEAD)
    return opening + HEAD + "\n".join(lines) + "\n"
