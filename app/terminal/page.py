"""Markdown on a terminal while it is being written, and a line beneath that says what is waited for.

The rule: what stands is printed once and never touched again; only the last block of the text is drawn anew, of that
only the lines that differ, and never more than fits on the screen. Every change is one write, so nothing flickers. On
a terminal without a cursor to move (TERM=dumb) only what stands is printed. Knows nothing of streams.
"""

from __future__ import annotations

import time
from typing import ClassVar, Self

from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, TableElement
from rich.segment import ControlType, Segment
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from app.terminal.answer import clean
from app.terminal.blocks import blocks, standing

# Kept free of a growing block: the line beneath, the cursor's, and some of what stands.
ROOM_LINES = 4
# A block that takes long to draw (a table of a thousand rows) is drawn less often: at most this part of the time.
DRAWING_PART = 0.25
DRAWING_SECONDS_MIN = 0.04
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
SPINNER_SECONDS = 0.1

# A terminal that knows synchronized output shows what stands between these at once; the others ignore them.
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_ERASE_LINE, _ERASE_BELOW = "\x1b[2K", "\x1b[J"

# Nothing with a background of its own: nobody knows whether the terminal is light or dark.
THEME = Theme(
    {"markdown.code": "bold cyan", "markdown.h1": "bold underline", "markdown.h2": "bold", "markdown.h3": "bold"}
)

Line = list[Segment]


class _Code(CodeBlock):
    """Code in the terminal's own colours, without a box: it can be copied as it stands."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        code = str(self.text).rstrip()
        yield Syntax(
            code, self.lexer_name, theme="ansi_dark", background_color="default", word_wrap=True, padding=(0, 2)
        )


class _Table(TableElement):
    """A table in which a long word is broken and not cut off."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for table in super().__rich_console__(console, options):
            if isinstance(table, Table):
                for column in table.columns:
                    column.overflow = "fold"
            yield table


class _Heading(Heading):
    """All at the left, where one reads."""

    LEVEL_ALIGN: ClassVar[dict[str, JustifyMethod]] = {}


class _Markdown(Markdown):
    elements = Markdown.elements | {
        "fence": _Code,
        "code_block": _Code,
        "table_open": _Table,
        "heading_open": _Heading,
    }


class _Written:
    """Segments as they are."""

    def __init__(self, segments: Line) -> None:
        self._segments = segments

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._segments


class Page:
    """One answer on the terminal, while inside `with`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steers = not console.is_dumb_terminal
        self._below: list[Line] = []  # what is on the screen and may still change
        self._due = 0.0
        self._shown = ""
        self._done = 0  # characters whose blocks stand
        self._frozen = 0  # lines of what follows that stand already
        self._open: list[Line] = []  # what follows

    def __enter__(self) -> Self:
        self._console.push_theme(THEME)
        if self._steers:
            self._write([_control(_HIDE_CURSOR)])
        return self

    def __exit__(self, *_: object) -> None:
        self.show(self._shown, "", whole=True)  # also where it ends early: what was shown stays
        if self._steers:
            self._write([_control(_SHOW_CURSOR)])
        self._console.pop_theme()

    def show(self, text: str, status: str, *, whole: bool = False) -> None:
        """Draws `text`, which begins as it did before. Left out where that would be too often, but for the `whole`."""
        now = time.monotonic()
        if not whole and now < self._due:
            return
        if text != self._shown or whole:
            self._shown = text
            stands = self._stand(clean(text), whole=whole)
        else:
            stands = []
        fresh = self._open[self._frozen :]
        room = max(self._console.height - ROOM_LINES, 1)
        if len(fresh) > room:  # higher than the screen: the top of it stands as it is now
            stands += fresh[:-room]
            self._frozen += len(fresh) - room
            fresh = fresh[-room:]
        self._put(stands, [*fresh, *self._status(status, now)])
        self._due = time.monotonic() + max(DRAWING_SECONDS_MIN, (time.monotonic() - now) / DRAWING_PART)

    def void(self, why: str) -> None:
        """What was shown counts no more: the text begins anew."""
        if self._shown:
            self.show(self._shown, "", whole=True)
            self.remark(f"↑ void: {why}")
        self._shown, self._done, self._frozen, self._open = "", 0, 0, []
        self._due = 0.0

    def remark(self, text: str) -> None:
        """A line about the answer."""
        if text:
            self._put(self._lines(Text(clean(text), style="dim italic")), [])

    # --- what stands

    def _stand(self, text: str, *, whole: bool) -> list[Line]:
        """The lines that stand from now on; what is left is in `_open`."""
        stands: list[Line] = []
        for block in standing(text[self._done :]):
            lines = self._draw(block, first=not self._done)
            stands += lines[self._frozen :]
            self._frozen = max(self._frozen - len(lines), 0)
            self._done += len(block)
        self._open = []
        for block in blocks(text[self._done :]):
            self._open += self._draw(block, first=not self._done and not self._open)
        if whole:
            stands += self._open[self._frozen :]
            self._done, self._frozen, self._open = len(text), 0, []
        return stands

    def _draw(self, block: str, *, first: bool) -> list[Line]:
        """The lines of a block, with an empty one before all but the first."""
        lines = self._lines(_Markdown(block, hyperlinks=False))
        while lines and not lines[0]:
            del lines[0]
        while lines and not lines[-1]:
            del lines[-1]
        return lines if first or not lines else [[], *lines]

    def _lines(self, what: Markdown | Text) -> list[Line]:
        return [_without_padding(line) for line in self._console.render_lines(what, pad=False)]

    def _status(self, status: str, now: float) -> list[Line]:
        if not status:
            return []
        turn = SPINNER[int(now / SPINNER_SECONDS) % len(SPINNER)]
        text = Text(f"{turn} {clean(status)}", style="dim", no_wrap=True, overflow="ellipsis")
        return self._lines(text)

    # --- the screen

    def _put(self, stands: list[Line], below: list[Line]) -> None:
        """Puts lines where `_below` is, of which `below` may change again; what is there already is left alone."""
        if not self._steers:
            if stands:
                self._write([segment for line in stands for segment in (*line, Segment.line())])
            return
        lines = stands + below
        same = 0
        while same < min(len(lines), len(self._below)) and lines[same] == self._below[same]:
            same += 1
        if same == len(lines) == len(self._below):
            self._below = below
            return
        # Counted by the width of now: a terminal that was made narrower has broken the lines that were there.
        up = sum(self._height(line) for line in self._below[same:])
        out = [_control(_BEGIN + (f"\x1b[{up}A" if up else "") + "\r")]
        for line in lines[same:]:
            out += [_control(_ERASE_LINE), *line, Segment.line()]
        # Last, because a terminal may keep in its history what is erased from the screen's top on.
        self._write([*out, _control(_ERASE_LINE + _ERASE_BELOW + _END)])
        self._below = below

    def _height(self, line: Line) -> int:
        return max(1, -(-Segment.get_line_length(line) // self._console.width))

    def _write(self, segments: Line) -> None:
        self._console.print(_Written(segments), end="", soft_wrap=True)


def _control(codes: str) -> Segment:
    # Which code is named does not matter: what is a control is written as it is, and takes no room.
    return Segment(codes, None, [(ControlType.HOME,)])


def _without_padding(line: Line) -> Line:
    """A line without the blanks at its end, so that it can be copied, and broken again when the terminal narrows."""
    line = list(line)
    while line and not line[-1].text.strip():
        line.pop()
    if line and line[-1].text != line[-1].text.rstrip():
        line[-1] = Segment(line[-1].text.rstrip(), line[-1].style)
    return line
