"""The page: what a person sees while Markdown is being written, and what it costs to show it."""

from __future__ import annotations

import io
import re
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment

from app.terminal import page as module
from app.terminal.blocks import blocks, standing
from app.terminal.page import Page
from tests.harness.terminal.screen import Screen

WIDTH = 50
TEXT = """\
# Tides

The sea rises **twice** a day, and `nobody` has to remind it, which is more than one can say of most things.

- spring tide
- neap tide
  - at half moon

1. first
2. second

```python
def rise(sea):
    return sea + 1
```

| place | metres |
|---|---|
| Fundy | 16 |
| Brest | 7 |

> quoted

The end.
"""
# What Markdown is made of, so that blocks begin, end and become something else at every letter.
MARKS = [
    "a",
    "b c",
    " ",
    "\n",
    "\n\n",
    "# ",
    "- ",
    "1. ",
    "> ",
    "```\n",
    "**",
    "`",
    "|",
    "|-|-|\n",
    "---\n",
    "===\n",
    "\t",
]


class Drawn:
    """A page on a screen."""

    def __init__(self, *, height: int = 400) -> None:
        self._out = io.StringIO()
        console = Console(
            file=self._out,
            force_terminal=True,
            width=WIDTH,
            height=height,
            color_system="standard",
            legacy_windows=False,
        )
        self.screen = Screen(WIDTH, height)
        self.page = Page(console)

    def show(self, text: str, status: str = "", *, whole: bool = False) -> str:
        """What is seen after `text` was shown."""
        self.page._due = 0.0
        self.page.show(text, status, whole=whole)
        return self.seen()

    def seen(self) -> str:
        self.screen.feed(self._out.getvalue())
        self._out.seek(0)
        self._out.truncate()
        return self.screen.text


def shown_whole(text: str) -> str:
    return Drawn().show(text, whole=True)


def pieces(text: str, borders: list[int]) -> list[str]:
    return [text[:border] for border in [*sorted({min(b, len(text)) for b in borders}), len(text)]]


def test_every_letter_more_shows_what_the_text_so_far_is() -> None:
    drawn = Drawn()
    for n in range(len(TEXT)):
        drawn.show(TEXT[:n], "thinking")
    assert drawn.show(TEXT, whole=True) == shown_whole(TEXT)
    assert "Fundy" in drawn.screen.text
    assert "thinking" not in drawn.screen.text


@given(st.lists(st.sampled_from(MARKS), max_size=30).map("".join), st.lists(st.integers(0, 60), max_size=8))
def test_however_it_arrives_it_looks_the_same_in_the_end(text: str, borders: list[int]) -> None:
    drawn = Drawn()
    for piece in pieces(text, borders):
        drawn.show(piece, "writing")
    assert drawn.show(text, whole=True) == shown_whole(text)


@given(st.lists(st.sampled_from(MARKS), max_size=30).map("".join), st.lists(st.integers(0, 60), max_size=8))
def test_a_block_that_stands_stays_one_whatever_follows(text: str, borders: list[int]) -> None:
    for shorter, longer in pairwise(pieces(text, borders)):
        stands = standing(shorter)
        assert standing(longer)[: len(stands)] == stands
        assert longer.startswith("".join(stands))
        assert "".join(blocks(longer)) == longer


def test_what_stands_is_written_once() -> None:
    paragraphs = [f"Paragraph {n} says a little, and then it says a little more.\n\n" for n in range(200)]
    drawn, text = Drawn(), ""
    for paragraph in paragraphs:
        text += paragraph
        drawn.show(text, "writing")
    assert drawn.screen.written < 6 * len(text)


def test_lines_of_a_growing_block_that_do_not_differ_are_left_alone() -> None:
    drawn = Drawn()
    drawn.show("```\n" + "".join(f"line {n}\n" for n in range(30)))
    before = drawn.screen.written
    drawn.show("```\n" + "".join(f"line {n}\n" for n in range(31)))
    assert drawn.screen.written - before < 200


@pytest.mark.parametrize("start", ["```\n", "", "| a | b |\n|---|---|\n"])
def test_a_block_higher_than_the_screen_scrolls_away_once(start: str) -> None:
    drawn, text = Drawn(height=10), start
    for n in range(60):
        text += f"|line {n:02d}|x|\n"
        drawn.show(text, "writing")
    seen = drawn.show(text, whole=True)
    numbers = [word for word in seen.replace("|", " ").split() if word.isdecimal()]
    assert numbers == [f"{n:02d}" for n in range(60)]


@pytest.mark.parametrize("height", [3, 5, 6])
def test_on_the_lowest_of_screens_each_line_is_shown_once(height: int) -> None:
    text = "one\n\ntwo\nthree\n\nfour\n\n- five\n\nsix\n"
    drawn = Drawn(height=height)
    for n in range(len(text)):
        drawn.show(text[:n], "writing")
    seen = drawn.show(text, whole=True)
    assert seen.splitlines() == shown_whole(text).splitlines()


def test_a_line_that_is_not_complete_decides_nothing() -> None:
    assert standing("- a list\n*") == []
    assert standing("- a list\n**goes on**\n") == []
    assert standing("- a list\n* another one\n") == ["- a list\n"]


def test_the_line_beneath_comes_and_goes() -> None:
    drawn = Drawn()
    assert drawn.show("", "thinking…")[1:] == " thinking…"
    assert drawn.show("Hello", "").splitlines() == ["Hello"]
    assert drawn.show("Hello", "reconnecting in 2 s…").splitlines()[1][1:] == " reconnecting in 2 s…"


def test_what_is_void_says_so_and_the_next_attempt_begins_beneath() -> None:
    drawn = Drawn()
    drawn.show("Half an ans", "")
    drawn.page.void("the worker died")
    assert drawn.show("A whole answer", whole=True).splitlines() == [
        "Half an ans",
        "↑ void: the worker died",
        "A whole answer",
    ]


def test_nothing_in_a_text_steers_the_terminal() -> None:
    hostile = "a \x1b[2Jb \x1b]0;title\x07 c \x9b31m d\u202e e \r\n[x](javascript:alert(1)) \x00 \udc80"
    out = io.StringIO()
    page = Page(Console(file=out, force_terminal=True, width=WIDTH, height=20))
    page.show(hostile, "\x1b[2J status", whole=True)
    page.remark("\x1b]0;title\x07")
    written = out.getvalue()
    assert [mark for mark in ("\x07", "\x9b", "\u202e", "\x00", "\x1b]", "\x1b[2J") if mark in written] == []
    assert "javascript:" in written


WIDE = """\
# 标题很长很长很长很长很长的标题

你好世界这是一个很长的句子没有空格可以断开。✅ **粗体**

| 列一 | https://example.com/averylongpath |
|---|---|
| 数据数据数据数据 | 更多 |

```py
print("一个非常非常长的字符串在代码里面")
```

averylongwordwithoutanybreaksatallinit
"""


@pytest.mark.parametrize("width", [12, 20, 33])
def test_nothing_is_wider_than_the_terminal_and_nothing_is_cut_off(width: int) -> None:
    out = io.StringIO()
    page = Page(Console(file=out, force_terminal=True, width=width, height=200, color_system=None))
    page.show(WIDE, "", whole=True)
    lines = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]|\r", "", out.getvalue()).splitlines()
    assert max(map(cell_len, lines)) <= width
    # Of a cell, line by line: what stands beside it is of the other one.
    letters = Counter("".join(lines))
    assert not Counter(re.sub(r"[#|*`\s-]|py\b", "", WIDE)) - letters
    assert "…" not in letters


def test_headings_begin_at_the_left() -> None:
    assert shown_whole("# Tides\n\n## Spring").splitlines() == ["Tides", "", "Spring"]


def test_on_a_terminal_that_cannot_be_steered_what_stands_is_printed_once() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=WIDTH, height=20, _environ={"TERM": "dumb"})
    with Page(console) as page:
        for n in range(len(text := "# One\n\nTwo **words**\n\nThree")):
            page._due = 0.0
            page.show(text[:n], "thinking")
        page.show(text, "", whole=True)
        page.remark("3 tokens")
    assert out.getvalue() == "One\n\nTwo words\n\nThree\n3 tokens\n"


def test_what_takes_long_to_draw_is_drawn_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    drawn = Drawn()

    def draw(_: str, *, first: bool) -> list[list[Segment]]:
        clock[0] += 1 + first
        return []

    monkeypatch.setattr(drawn.page, "_draw", draw)
    drawn.page.show("slow", "")
    took = clock[0] - 100.0
    clock[0] += took * 2
    drawn.page.show("slower", "")
    assert drawn.page._shown == "slow"
    clock[0] += took * 2
    drawn.page.show("slower", "")
    assert drawn.page._shown == "slower"


def test_the_cursor_is_back_at_the_end() -> None:
    drawn = Drawn()
    with drawn.page:
        drawn.show("Hello", "writing")
        assert drawn.screen.cursor_hidden
    assert drawn.seen() == "Hello"
    assert not drawn.screen.cursor_hidden
