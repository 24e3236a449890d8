"""The board in letters: what needs a person first, whatever the size."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rich.text import Text

from app.terminal.top.drawing import Standing, draw
from app.terminal.top.figures import Letters
from tests.harness.boards import made_up

UTF = Letters.of("utf-8")
SCENES = (*(made_up.empty, made_up.unknown, made_up.calm, made_up.loaded, made_up.dead_worker, made_up.redis_away),)


def lines_of(
    shown: made_up.Shown, standing: Standing | None = None, size: tuple[int, int | None] = (80, 24)
) -> list[Text]:
    return draw(made_up.judged(shown), standing or Standing(), *size, UTF)


def text_of(lines: list[Text]) -> str:
    return "\n".join(line.plain for line in lines)


def colours(lines: list[Text]) -> set[str]:
    styles = " ".join(f"{line.style} " + " ".join(str(span.style) for span in line.spans) for line in lines)
    return {colour for colour in ("red", "yellow") if colour in styles}


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("size", [(80, 24), (40, 24), (20, 6), (200, 60), (12, 2)])
def test_it_fits_any_terminal(scene: Callable[[], made_up.Shown], size: tuple[int, int]) -> None:
    width, height = size
    for standing in (Standing(), Standing(age=14.0, wait=2.0)):
        lines = lines_of(scene(), standing, size)
        assert len(lines) == height
        assert max(line.cell_len for line in lines) <= width


def test_where_all_is_well_nothing_has_a_colour() -> None:
    lines = lines_of(made_up.calm())
    assert lines[0].plain.split() == ["All", "is", "well", "live"]
    assert lines[1].plain == "31 streams run on 4 workers, nobody waits."
    assert colours(lines) == set()
    assert lines[-1].plain == "q quits"


def test_what_needs_a_person_is_first_and_coloured() -> None:
    lines = lines_of(made_up.loaded())
    assert lines[0].plain.startswith("A prompt waits for 41 s")
    assert "start more" in lines[1].plain
    assert lines[2].plain.startswith("First content takes 43 s  For one in a hundred")
    assert colours(lines[:1]) == {"red"}
    coloured = [line.plain.split()[0] for line in lines[3:] if colours([line])]
    assert coloured == ["waiting", "first"]


def test_a_worker_that_is_gone_is_the_first_of_its_kind() -> None:
    text = text_of(lines_of(made_up.dead_worker(adrift=8)))
    assert "23" in text
    assert "8 without a wo" in text
    workers = text[text.index("workers  3 live, 1 gone") :].splitlines()
    assert workers[1].startswith(made_up.WORKERS[2])
    assert workers[1].endswith("gone, 4 s ago")


def test_what_is_old_says_so_and_has_no_colour_but_for_that() -> None:
    lines = lines_of(made_up.loaded(), Standing(age=14.2, wait=2.0))
    assert lines[0].plain.startswith("No numbers come")
    assert lines[0].plain.endswith("14 s old")
    assert "What stands below is 14 s old. Trying again in 2 s." in " ".join(line.plain for line in lines[1:4])
    assert colours(lines[:1]) == {"red"}
    assert colours(lines[1:]) == set()
    assert "trying" not in text_of(lines_of(made_up.loaded(), Standing(age=3.0))).lower()


def test_what_was_not_gathered_in_time_is_old_too() -> None:
    lines = lines_of(made_up.redis_away())
    assert lines[0].plain.startswith("Redis is away for 7 s")
    assert lines[0].plain.endswith("7 s old")
    assert "4 not heard yet" in text_of(lines)
    assert colours(lines[3:]) == set()


def test_for_whom_there_is_no_room_is_counted() -> None:
    shown = made_up.calm()
    shown["workers"] = [made_up.worker(f"worker-{n:02}", 1) for n in range(30)]
    text = text_of(lines_of(shown))
    assert "workers  30 live" in text
    assert "\nand 25 more\n" in text
    assert "fronts  2 live" in text


def test_without_a_height_all_of_it_is_there() -> None:
    shown = made_up.dead_worker()
    shown["workers"] += [made_up.worker(f"worker-{n:02}", 1) for n in range(40)]
    text = text_of(lines_of(shown, size=(80, None)))
    assert "worker-39" in text
    assert "q quits" not in text
    assert f" 10 s ago  {made_up.WORKERS[2]} died; 8 streams free to take" in text
    assert f"  9 s ago  {made_up.WORKERS[0]} took over 8 streams" in text


def test_what_others_named_steers_nothing() -> None:
    hostile = "\x1b[2J\x1b]0;owned\x07\u202e"
    shown = made_up.calm()
    shown["workers"] = [made_up.worker(hostile, 1, state=hostile)]
    shown["fronts"] = [made_up.front(hostile, 1, state=hostile)]
    shown["events"] = [{"at": made_up.NOW, "kind": hostile, "name": hostile, "count": 1}]
    for size in ((80, 24), (40, 24), (80, None)):
        text = text_of(lines_of(shown, size=size))
        assert not {"\x1b", "\x07", "\u202e"} & set(text)


def test_a_terminal_without_blocks_is_shown_other_letters() -> None:
    lines = draw(made_up.judged(made_up.loaded()), Standing(), 100, None, Letters.of("ascii"))
    assert text_of(lines).isascii()
