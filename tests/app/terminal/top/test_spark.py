from __future__ import annotations

import pytest

from app.terminal.top import spark
from app.terminal.top.spark import BLOCKS, PLAIN, count, many, seconds, size, usd


@pytest.mark.parametrize(
    ("values", "width", "drawn"),
    [
        ([], 3, "   "),
        ([0.0, 0.0], 2, "▁▁"),
        ([0.0, 7.0], 4, "  ▁█"),
        ([None, 3.5, 7.0, None], 4, " ▅█ "),
        ([1.0, 9.0, 1.0, 0.0], 2, "█▂"),  # a spike of one value is not lost between two
        ([9.0, 0.0, 0.0, 0.0, 0.0], 3, "█▁▁"),
        ([1.0], 0, ""),
    ],
)
def test_the_last_minutes_are_a_row_of_blocks(values: list[float | None], width: int, drawn: str) -> None:
    assert spark.spark(values, width) == drawn


def test_a_terminal_without_blocks_has_other_letters() -> None:
    assert spark.spark([0, 1, 2, 3, 4, 5, 6, 7], 8, PLAIN) == PLAIN
    assert len(PLAIN) == len(BLOCKS)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (count(None), "-"),
        (count(1234), "1,234"),
        (count(9994), "9,994"),
        (count(12_345), "12.3k"),
        (count(2_500_000), "2.5M"),
        (seconds(None), "-"),
        (seconds(0), "0 s"),
        (seconds(0.0312), "31 ms"),
        (seconds(0.9996), "1 s"),
        (seconds(3.21), "3.2 s"),
        (seconds(9.96), "10 s"),
        (seconds(119), "119 s"),
        (seconds(3599), "59 min"),
        (seconds(7300), "2 h"),
        (size(None), "-"),
        (size(999), "999 B"),
        (size(1_400_000), "1.4 MB"),
        (size(2_000_000_000_000), "2000.0 GB"),
        (usd(None), "-"),
        (usd(1234.5), "$1,234.50"),
        (many(1, "prompt waits", "prompts wait"), "1 prompt waits"),
        (many(0, "worker"), "0 workers"),
    ],
)
def test_numbers_are_short(said: str, text: str) -> None:
    assert said == text
