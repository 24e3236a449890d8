"""A file of one's own prices is read, or refused with what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.prices.price import Rate
from app.prices.priced_file import PricedFile, prices_of
from app.settings import SettingsError

WHOLE = """
[model."claude-x"]
input = 3
output = 15.5
cache_read = 0.3
cache_write_5m = 3.75
cache_write_1h = 6
[model.plain]
input = 0.0625
output = 2
"""


def test_each_field_is_a_rate() -> None:
    rates = prices_of(WHOLE)["claude-x"].standard
    assert [rates.input, rates.output, rates.cache_read] == [Rate(3 * 10**9), Rate(15_500_000_000), Rate(300_000_000)]
    assert [rates.cache_write_5m, rates.cache_write_1h] == [Rate(3_750_000_000), Rate(6 * 10**9)]


def test_what_is_left_out_is_made_of_the_input() -> None:
    rates = prices_of(WHOLE)["plain"].standard
    assert [rates.cache_read, rates.cache_write_5m, rates.cache_write_1h] == [
        Rate(6_250_000),
        Rate(78_125_000),
        Rate(125_000_000),
    ]


def test_a_batch_is_half() -> None:
    price = prices_of(WHOLE)["claude-x"]
    assert price.batch.output == Rate(7_750_000_000)
    assert price.fast == price.standard


def test_a_name_stands_for_its_dated_versions(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(WHOLE)
    file = PricedFile.read(str(path))
    assert file.price("claude-x") == file.price("claude-x-20260131") == prices_of(WHOLE)["claude-x"]
    assert file.price("claude-x-20260131-1") is file.price("claude") is file.price("") is None
    assert PricedFile.read(None).price("claude-x") is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[model", "not TOML"),
        ("input = 3", "'input' is not known"),
        ('[models."a"]\ninput=1\noutput=1', "'models' is not known"),
        ("model = 3", "must be tables"),
        ("[model]\na = 3", "must be a table"),
        ("[model.a]\ninput = 3", "lacks 'output'"),
        ("[model.a]\noutput = 3", "lacks 'input'"),
        ("[model.a-4.5]\ninput = 3\noutput = 4", "has '5'"),
        ("[model.a]\ninput = 3\noutput = 4\ncache = 1", "has 'cache'"),
        *(
            (f"[model.a]\ninput = 1\noutput = {value}", "output must be US dollars")
            for value in ('"3"', "true", "-1", "nan", "inf", "[1]", "1e9", "2026-01-01")
        ),
    ],
)
def test_what_is_wrong_is_named(text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=r"^KEEPSTREAM_PRICES_FILE: ") as refused:
        prices_of(text)
    assert told in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xff\xfe\x00")
    for path in ("missing", ".", "latin"):
        with pytest.raises(SettingsError, match="KEEPSTREAM_PRICES_FILE: cannot read"):
            PricedFile.read(str(tmp_path / path))
