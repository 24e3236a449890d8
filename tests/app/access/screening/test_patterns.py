"""The patterns of a file, and what they are found in."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.access.screening import patterns
from app.access.screening.patterns import Patterns
from app.settings import Settings, SettingsError

FILE = """# what is not for strangers
AKIA[0-9A-Z]{16}

(?i)\\bproject\\s+x\\b
straße|\\d{3}-\\d{2}-\\d{4}
"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("nothing", None),
        ("", None),
        ("key AKIAABCDEFGHIJKLMNOP!", 2),
        ("AKIAABCDEFGH", None),
        ("about PROJECT\n X.", 4),
        ("projects x", None),
        ("in der straße", 5),
        ("123-45-6789", 5),
        ("AKIAABCDEFGHIJKLMNOP and project x", 2),
        ("\ud800 project x", 4),  # what no text of UTF-8 may hold
        ("x" * 5_000_000 + "project x", None),
        ("x" * 5_000_000 + " project x", 4),
    ],
)
def test_the_first_line_that_is_found(text: str, line: int | None) -> None:
    assert Patterns.read(FILE).first_in(["before", text, "behind"]) == line


def test_patterns_that_are_too_large_together_are_looked_for_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "MEMORY_BYTES", 1024 * 1024)
    found = Patterns.read("\n".join(f"x{number}[a-z]{{900}}" for number in range(200)))
    assert found.any_ is None
    assert found.first_in(["x199" + "a" * 900]) == 200


@pytest.mark.parametrize("pattern", ["(", "a(?=b)", r"(a)\1", "*", "a{1,5000}", "(?P<x"])
def test_what_is_no_pattern_is_named_by_its_line(pattern: str) -> None:
    with pytest.raises(SettingsError, match="KEEPSTREAM_SCREEN_PATTERNS: line 3 is no pattern: "):
        Patterns.read(f"# a\nb\n{pattern}\n")


def test_a_file_has_patterns(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="set it to a file"):
        Patterns.of(Settings())
    with pytest.raises(SettingsError, match="no pattern"):
        Patterns.read("# a\n \n")
    with pytest.raises(SettingsError, match=r"cannot read .*: No such file"):
        Patterns.of(Settings(screen_patterns=str(tmp_path / "nothing")))
    file = tmp_path / "patterns"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not UTF-8"):
        Patterns.of(Settings(screen_patterns=str(file)))
    file.write_text("\ufeffpattern\r\n")
    assert Patterns.of(Settings(screen_patterns=str(file))).first_in(["a pattern"]) == 1


def test_a_comment_ends_with_what_an_editor_shows_as_its_line() -> None:
    found = Patterns.read("# not yet:\u2028a\x85b\x0cc\r\nhush\r\n")
    assert [number for number, _ in found.each] == [2]
    assert found.first_in(["a b c"]) is None
    assert found.first_in(["hush"]) == 2
