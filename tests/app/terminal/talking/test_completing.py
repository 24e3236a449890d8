"""What Tab makes of a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.terminal.talking.attached import path_in
from app.terminal.talking.completing import completions


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("/he", ["/help"]),
        ("/co", ["/continue", "/cost"]),
        ("/f", ["/file "]),
        ("/x", []),
        ("a", ["a\t"]),
        ("", ["\t"]),
        ("/model x", ["/model x\t"]),
    ],
)
def test_an_order_is_completed_and_a_text_has_a_tab(line: str, lines: list[str]) -> None:
    assert completions(line) == lines


def test_a_file_s_path_is_completed_to_one_that_the_order_takes(tmp_path: Path) -> None:
    (tmp_path / "it's mine.txt").touch()
    (tmp_path / "its").mkdir()
    (tmp_path / ".hidden").touch()
    mine, folder = completions(f"/file {tmp_path}/it")
    assert path_in(mine.removeprefix("/file ")) == tmp_path / "it's mine.txt"
    assert folder == f"/file {tmp_path}/its/"
    assert completions(mine) == [mine]
    assert len(completions(f"/file {tmp_path}/")) == 2
    assert completions(f"/file {tmp_path}/.h") == [f"/file {tmp_path}/.hidden"]
    assert completions(f"/file {tmp_path}/none/x") == []
