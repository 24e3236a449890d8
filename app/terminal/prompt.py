"""The line in which one types, with the editing and the history of readline.

The rule: Ctrl-C empties the line, and a second one in a row leaves; so does Ctrl-D. What was pasted in several lines is
one message. What was said is kept in memory alone, and so is what it can be gone back to.
"""

from __future__ import annotations

import readline
import sys

from app.terminal.options import Left, readable
from app.terminal.talking.completing import completions

PROMPT = "> "
MORE = "… "
# What has no width, told to readline as such.
_BOLD, _PLAIN = "\001\x1b[1m\002", "\001\x1b[0m\002"


# Alt-Enter: the line's end as a letter of the line. What was typed before there was a line comes with the other one.
readline.parse_and_bind(r'"\e\C-m": "\C-v\C-j"')
readline.parse_and_bind(r'"\e\C-j": "\C-v\C-j"')
readline.parse_and_bind("tab: complete")
readline.set_completer_delims("")  # a whole line becomes another one
readline.set_completer(lambda line, at: dict(enumerate(completions(line))).get(at))


def remember(text: str) -> None:
    """What was said before, for the arrows."""
    readline.add_history(text)


def ask(text: str = "", *, plain: bool = False) -> str | None:
    """What is typed, with `text` in the line already; None for Ctrl-D. Raises `Left`.

    A line that ends with a backslash has another. `plain`: the terminal knows no bold.
    """
    hint = False
    while True:
        try:
            return readable(_lines(text, PROMPT if plain else f"{_BOLD}{PROMPT}{_PLAIN}"))
        except EOFError:
            sys.stdout.write("\n")
            return None
        except KeyboardInterrupt:
            if hint:
                sys.stdout.write("\n")
                raise Left from None
            sys.stdout.write("\n(Ctrl-C again or Ctrl-D to leave)\n")
            hint, text = True, ""


def _lines(text: str, prompt: str) -> str:
    readline.set_startup_hook(lambda: readline.insert_text(text))
    try:
        typed = input(prompt)
    finally:
        readline.set_startup_hook(None)
    while typed.endswith("\\"):
        typed = typed[:-1] + "\n" + input(MORE)
    return typed
