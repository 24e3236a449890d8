"""One readable log of several processes: whole lines, each with the name of who said it.

It does not know what the lines mean. When nobody reads it any more it says so once, and is silent from then on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TextIO

# Wide enough for "simulator" and "worker-99".
_NAME_WIDTH = 9
_RESET, _BOLD, _DIM = "\x1b[0m", "\x1b[1m", "\x1b[2m"
# By the name up to its number: cyan, magenta, green, yellow.
_COLOURS = {"front": "\x1b[36m", "simulator": "\x1b[35m", "worker": "\x1b[32m", "valkey": "\x1b[33m"}


def wants_colour(out: TextIO, environ: Mapping[str, str]) -> bool:
    """A terminal that can, of a person who did not say no (https://no-color.org)."""
    return out.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


class Log:
    """Written to by one thread. Each line is one write, so that no two are ever mixed."""

    def __init__(self, out: TextIO, *, colour: bool, on_gone: Callable[[], None] = lambda: None) -> None:
        self._out = out
        self._colour = colour
        self._on_gone = on_gone
        self._gone = False

    def line(self, name: str, text: str) -> None:
        """A line of the process of that name."""
        label = f"{name:>{_NAME_WIDTH}} |"
        colour = _COLOURS.get(name.partition("-")[0], _DIM)
        self._write(f"{self._paint(label, colour)} {text}\n")

    def headline(self, text: str) -> None:
        """A line of nobody's, for what is to be seen or copied."""
        self._write(f"{self._paint(text, _BOLD)}\n")

    def plain(self, text: str) -> None:
        self._write(f"{text}\n")

    def _paint(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_RESET}" if self._colour and text else text

    def _write(self, text: str) -> None:
        if self._gone:
            return
        try:
            self._out.write(text)
            self._out.flush()
        except OSError:  # the terminal or the reader of the pipe has gone
            self._gone = True
            # What is left in the buffer would be tried again at exit, and end in a traceback.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._out.fileno())
            os.close(nowhere)
            self._on_gone()
