"""`keepstream top`: what runs, what waits and what needs a person, live on a terminal; as text or JSON for the rest."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from app import surrogates
from app.terminal.answer import clean_json
from app.terminal.exits import Exit
from app.terminal.once import write
from app.terminal.options import client_of, guarded, parse, parser_of
from app.terminal.top.drawing import Standing, draw
from app.terminal.top.figures import Letters
from app.terminal.top.screen import watch

DESCRIPTION = """\
The board on a terminal: whether all is well, or what needs a person; queue, streams, workers, fronts and Redis, live.
It is for who sits at the server's own machine, or has a key with the right admin. q leaves. Into a pipe or a file goes
one snapshot, as text.
"""
CODES = """\
exit codes:
  0    shown
  1    the server refused it (stderr says why)
  2    wrong options
  6    the server cannot be reached
  130  Ctrl-C
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = parser_of("top", DESCRIPTION)
    parser.epilog = CODES
    parser.add_argument("--once", action="store_true", help="print one snapshot as text, also on a terminal")
    parser.add_argument("--json", action="store_true", help="print one snapshot as a line of JSON")
    options = parse(parser, argv)
    if options.once or options.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return guarded(lambda: asyncio.run(_once(options)), options.url)
    return guarded(lambda: asyncio.run(_watch(options)), options.url)


async def _watch(options: argparse.Namespace) -> Exit:
    async with client_of(options) as client:
        await watch(client)
        return Exit.COMPLETED


async def _once(options: argparse.Namespace) -> Exit:
    async with client_of(options) as client:
        shown = await client.snapshot()
    if options.json:
        write(clean_json(surrogates.dumps(shown).decode()))
        return Exit.COMPLETED
    console = Console(highlight=False)
    width = shutil.get_terminal_size((80, 24)).columns
    _print(console, shown, width)
    return Exit.COMPLETED


def _print(console: Console, shown: dict[str, Any], width: int) -> None:
    lines = draw(shown, Standing(), width, None, Letters.of(console.encoding))
    if console.is_terminal:
        console.print(Text("\n").join(lines))
    else:
        write("\n".join(line.plain.rstrip() for line in lines))
