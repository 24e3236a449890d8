"""A terminal's screen, as far as the terminal's commands and readline use one: what a person would see."""

from __future__ import annotations

import re

_SEQUENCE = re.compile(r"\x1b(?:\[([?=<>]?[0-9;]*)([ -/]*[@-~])|\][^\x07]*\x07|[=>78])")
_PART = re.compile(r"\x1b\[?[0-9;?]*$")


class Screen:
    """`lines` is everything that was ever put on it, what has scrolled out of sight included."""

    def __init__(self, width: int = 80, height: int = 24) -> None:
        self.width, self.height = width, height
        self.lines: list[str] = [""]
        self.cursor_hidden = False
        self.written = 0
        self._kept = [""]
        self._row = self._column = 0
        self._rest = ""

    @property
    def text(self) -> str:
        """The lines, without blanks at their ends and without empty ones at the end."""
        return "\n".join(line.rstrip() for line in self.lines).rstrip("\n")

    def feed(self, text: str) -> None:
        self.written += len(text)
        text = self._rest + text
        part = _PART.search(text)
        self._rest = part[0] if part else ""
        text = text[: len(text) - len(self._rest)]
        at = 0
        while at < len(text):
            if match := _SEQUENCE.match(text, at):
                self._control(match[1] or "", match[2] or "")
                at = match.end()
            else:
                self._put(text[at])
                at += 1

    def _control(self, numbers: str, kind: str) -> None:  # noqa: C901, PLR0912  # a table
        count = int(numbers) if numbers.isdecimal() else 1
        match kind:
            case "A":
                top = max(len(self.lines) - self.height, 0)  # what has scrolled away is out of reach
                self._row = max(self._row - count, top)
            case "C":
                self._column += count
            case "D":
                self._column = max(self._column - count, 0)
            case "G":
                self._column = count - 1
            case "K" if numbers == "2":
                self.lines[self._row] = ""
            case "K":
                self.lines[self._row] = self.lines[self._row][: self._column]
            case "J":
                self.lines[self._row] = self.lines[self._row][: self._column]
                del self.lines[self._row + 1 :]
            case "P":
                line = self.lines[self._row]
                self.lines[self._row] = line[: self._column] + line[self._column + count :]
            case "h" | "l" if numbers == "?25":
                self.cursor_hidden = kind == "l"
            case "h" if numbers == "?1049":  # a screen of its own, and what was there is kept
                self._kept = self.lines
                self.lines, self._row, self._column = [""], 0, 0
            case "l" if numbers == "?1049":
                self.lines = self._kept
                self._row, self._column = len(self.lines) - 1, 0
            case "H" if not numbers:
                self._row, self._column = max(len(self.lines) - self.height, 0), 0
            case "h" | "l" | "m":
                pass
            case _ if kind:
                raise AssertionError(f"this screen does not know ESC [ {numbers} {kind}")

    def _put(self, character: str) -> None:
        match character:
            case "\r":
                self._column = 0
            case "\n":
                self._column = 0
                self._down()
            case "\b":
                self._column = max(self._column - 1, 0)
            case "\a":
                pass
            case _:
                if self._column >= self.width:
                    self._column = 0
                    self._down()
                line = self.lines[self._row].ljust(self._column)
                self.lines[self._row] = line[: self._column] + character + line[self._column + 1 :]
                self._column += 1

    def _down(self) -> None:
        self._row += 1
        if self._row == len(self.lines):
            self.lines.append("")
