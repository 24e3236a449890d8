"""The `keepstream` command: finds the sub-command, and says in one line what stands in its way.

It knows the sub-commands by name and imports only the one that was asked for, because every child of `keepstream dev`
starts here. What belongs to the worker is found by its entry point: `app` never imports `worker`.

A sub-command is a `main(argv: list[str]) -> int`. It may raise `SettingsError`, and does its own `--help`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

# What a shell expects of a command that was called wrongly, and of one that Ctrl-C ended.
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

ENTRY_POINTS = "keepstream.commands"
Main = Callable[[list[str]], int]


class Command(NamedTuple):
    """A line of the table below. `target` is `module:function`; without it, the entry point of that name.

    `status` is a server's exit code where a signal comes before it serves; from then on it heeds signals itself.
    """

    summary: str
    target: str | None = None
    status: int | None = None


COMMANDS = {
    "dev": Command("run everything on this machine, to try it", "app.dev.command:main", EXIT_INTERRUPTED),
    "front": Command("serve HTTP: take prompts, stream answers", "app.main:main", 0),
    "worker": Command("run queued prompts against the Claude API", status=0),
    "simulate": Command("a simulated Claude, to work without a key", status=0),
    "doctor": Command("look at a deployment, and say what to do", "app.doctor.command:main"),
    "probe": Command("read a server's streams, cut, resume, compare, judge", "app.terminal.probe.probe:main"),
    "drill": Command("kill, drain and stop parts of a deployment, and see what holds", "app.terminal.drill.drill:main"),
    "tools": Command("what a worker here would offer as tools"),
    "keys": Command("make, list and revoke keys", "app.access.identity.keys_command:main"),
    "chat": Command("talk on the terminal, and come back later", "app.terminal.chat:main"),
    "send": Command("send one prompt, print its answer", "app.terminal.commands:send"),
    "watch": Command("show a stream as it comes", "app.terminal.commands:watch"),
    "top": Command("what runs, what waits and what needs a person", "app.terminal.top.top:main"),
    "cancel": Command("cancel a stream", "app.terminal.commands:cancel"),
    "capture": Command("write what Claude said in a stream, to play it again", "app.terminal.capturing.capture:main"),
    "explain": Command("tell what happened to a stream, and why", "app.terminal.explain:main"),
}

_DESCRIPTION = """\
Keepstream relays streams of the Claude API. A prompt is queued, a worker runs it, every event goes into a durable log,
and any number of clients read it, leave, come back, and go on from exactly where they were.
"""
_EPILOG = """\
To try it, with nothing else installed:

  keepstream dev

In production, against one Redis: as many `keepstream front` and `keepstream worker` as you like. Settings come from
the environment (REDIS_URL, ANTHROPIC_API_KEY, KEEPSTREAM_...). Each command has its own --help.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line, by default this process's. Returns its exit code."""
    _open_standard_streams()
    try:
        parser = _parser()
        arguments = parser.parse_args(argv)
        if arguments.command is None:
            parser.error("which COMMAND? `keepstream --help` lists them")
        return _find(arguments.command)(arguments.arguments)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:
        why = _explain(error)
        if why is None:
            raise
        sys.stderr.write(f"keepstream: {why}\n")
        return EXIT_USAGE


def _open_standard_streams() -> None:
    """Whoever starts us may have closed them. The next socket would have that number, and libuv ends a process that
    closes what it takes for its standard error.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is this one
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115  # as they live


def _find(name: str) -> Main:
    """Loads a sub-command."""
    _, target, status = COMMANDS[name]
    if status is not None:
        from app.signals import leave_at_once  # noqa: PLC0415  # brings what the other commands do not need

        leave_at_once(status)
    if target is None:
        from importlib.metadata import entry_points  # noqa: PLC0415  # costs more than the rest of this module

        (entry_point,) = entry_points(group=ENTRY_POINTS, name=name)
        found: Main = entry_point.load()
    else:
        module, _, function = target.partition(":")
        found = getattr(import_module(module), function)
    return found


def _explain(error: Exception) -> str | None:
    from app.settings import SettingsError  # noqa: PLC0415  # only when something went wrong

    return str(error) if isinstance(error, SettingsError) else None


class _Version(argparse.Action):
    """Looked up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        from app.version import our_version  # noqa: PLC0415  # as in `_find`

        sys.stdout.write(f"keepstream {our_version()}\n")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    table = "\n".join(f"  {name:<{width}}  {command.summary}" for name, command in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="keepstream",
        usage="keepstream COMMAND [OPTIONS]",
        description=f"{_DESCRIPTION}\ncommands:\n{table}",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    parser.add_argument("command", nargs="?", choices=COMMANDS, metavar="COMMAND", help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
