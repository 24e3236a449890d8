"""One answer for a command that ends with it: drawn on a terminal, plain text into a pipe or a file.

The rule: what is piped on is the whole answer of one attempt, once, when it has ended; a part that was void is never in
it. What is waited for is told on stderr, if anybody sits there.
"""

from __future__ import annotations

import sys
from typing import Self

from rich.console import Console

from app.clients.python.keepstream import AsyncClient
from app.terminal.answer import Answer, figures, first_token, resumed, verdict
from app.terminal.exits import Exit, exit_of
from app.terminal.following import Followed, Following
from app.terminal.options import complain
from app.terminal.page import Page


class _Waiting:
    """Only what is waited for, on stderr; nothing where that is no terminal."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._page = Page(console) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._page is not None:
            self._page.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if self._page is not None:
            self._page.__exit__()

    def show(self, text: str, status: str, *, whole: bool = False) -> None:
        if self._page is not None:
            self._page.show("", "" if whole else status or f"{len(text)} characters")

    def void(self, why: str) -> None:
        """Nothing was shown."""


async def show_once(
    client: AsyncClient, stream_id: str, *, after: str = "", stoppable: bool, fresh: bool = True, silent: bool = False
) -> tuple[Followed, Exit]:
    """Shows the answer of a stream to its ending; `silent` shows none. Returns the exit code that its ending means.

    `stoppable` and `fresh` as in `Following`.
    """
    console = Console(highlight=False)
    drawn = sys.stdout.isatty() and not silent
    shown: Page | _Waiting = Page(console) if drawn else _Waiting()
    followed = await Following(client, stream_id, shown, stoppable=stoppable, fresh=fresh).run(after)
    answer = followed.answer
    if not drawn and not silent:
        write(answer.text)
    code = _told(answer, followed, shown if isinstance(shown, Page) else None)
    return followed, code


def write(text: str) -> None:
    """Text on stdout, ended by a line end."""
    if text:
        out = text if text.endswith("\n") else text + "\n"
        sys.stdout.buffer.write(out.encode("utf-8", "replace"))
    sys.stdout.flush()


def read() -> str:
    """All of stdin."""
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def _told(answer: Answer, followed: Followed, page: Page | None) -> Exit:
    """Says how it ended. A stream that had ended at the given place has no ending here."""
    if answer.end is None:
        return Exit.COMPLETED
    said = verdict(answer.end)
    if page is not None:
        told = figures(answer.end, followed.seconds)
        words = (said, told, resumed(followed.resumed), first_token(followed.first) if told else "")
        page.remark(" · ".join(filter(None, words)))
    elif said:
        complain(said)
    return exit_of(str(answer.end.get("outcome")))
