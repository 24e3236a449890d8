from __future__ import annotations

from dataclasses import replace

import orjson

from app.doctor.finding import must, note, ok, warning
from app.doctor.printed import as_json, lines, summary

FINDINGS = [
    replace(ok("it is well"), check="redis"),
    replace(note("it is so"), check="redis"),
    replace(warning("it may break", "mend it"), check="clock"),
    replace(must("it \x1b[2J\nis broken", "mend it now"), check="settings"),
]


def test_each_is_one_line_and_its_words_move_no_cursor() -> None:
    assert list(lines(FINDINGS, coloured=False)) == [
        "ok       redis     it is well",
        "note     redis     it is so",
        "warning  clock     it may break; mend it",
        "MUST     settings  it ?[2J?is broken; mend it now",
        "1 thing must be done, 1 warning",
    ]


def test_on_a_terminal_only_the_mark_has_a_colour() -> None:
    first, *_ = lines(FINDINGS, coloured=True)
    assert first == "\x1b[32mok     \x1b[0m  redis     it is well"


def test_what_there_is_to_do_is_counted() -> None:
    assert summary([ok("x"), note("y")]) == "all is well"
    assert summary([warning("x", "y")] * 2) == "nothing must be done, 2 warnings"
    assert summary([must("x"), must("y")]) == "2 things must be done, 0 warnings"


def test_as_json_it_says_the_same() -> None:
    told = orjson.loads(as_json(FINDINGS, "0.1.0"))
    assert told["version"] == "0.1.0"
    assert told["findings"][2] == {"check": "clock", "level": "warning", "says": "it may break", "do": "mend it"}
