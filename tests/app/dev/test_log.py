from __future__ import annotations

import io
import os

import pytest

from app.dev.log import Log, wants_colour


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("out", "environment", "colour"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_colour_is_for_terminals_of_people_who_want_it(
    out: io.StringIO, environment: dict[str, str], *, colour: bool
) -> None:
    assert wants_colour(out, environment) is colour


def test_a_line_says_whose_it_is() -> None:
    out = io.StringIO()
    log = Log(out, colour=False)
    log.line("front", "hello")
    log.line("worker-12", "ready")
    log.headline("up")
    assert out.getvalue() == "    front | hello\nworker-12 | ready\nup\n"


def test_in_colour_only_the_name_is_coloured() -> None:
    out = io.StringIO()
    Log(out, colour=True).line("worker-2", "ready")
    assert out.getvalue() == "\x1b[32m worker-2 |\x1b[0m ready\n"


def test_a_line_is_one_write() -> None:
    """So that two processes' lines are never mixed."""
    writes: list[str] = []

    class Recording(io.StringIO):
        def write(self, text: str) -> int:
            writes.append(text)
            return len(text)

    Log(Recording(), colour=True).line("front", "hello")
    assert len(writes) == 1


def test_when_nobody_reads_any_more_it_is_said_once() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    gone: list[str] = []
    with os.fdopen(write_end, "w") as out:
        log = Log(out, colour=False, on_gone=lambda: gone.append("gone"))
        log.plain("one")
        log.plain("two")
    assert gone == ["gone"]
