"""What all commands of the terminal share: which server and with which key, and what they say when it refuses.

The only module of the terminal that reads the environment.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn
from urllib.parse import parse_qs, urlsplit

import httpx

from app.clients.python.keepstream import AsyncClient, KeepstreamError, UnreachableError
from app.terminal.answer import clean
from app.terminal.exits import HELP, Exit

DEFAULT_URL = "http://127.0.0.1:8000"


class Left(Exception):  # noqa: N818  # a decision, not a fault
    """The person leaves."""


def parser_of(command: str, description: str, *, address: bool = True) -> argparse.ArgumentParser:
    """With the options that all commands have; without `address` a command has one of its own, called `url` as well."""
    parser = argparse.ArgumentParser(
        prog=f"keepstream {command}",
        description=description,
        epilog=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    if address:
        parser.add_argument("--url", help=f"the server's address (KEEPSTREAM_URL, default {DEFAULT_URL})")
    parser.add_argument(
        "--key", help="the key or token for it (KEEPSTREAM_KEY, which other users of this machine cannot see)"
    )
    return parser


def _never(_: argparse.Namespace) -> bool:
    return False


def parse(
    parser: argparse.ArgumentParser,
    argv: Sequence[str] | None,
    *,
    foreign: Callable[[argparse.Namespace], bool] = _never,
) -> argparse.Namespace:
    """The options, with a usable `url` and `key`; exits with 2 where they are not.

    `foreign`: whether it is about another's server, which is not given what the environment has for ours.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has not all letters shows the others
    options = parser.parse_args(argv)
    for name, value in vars(options).items():
        if isinstance(value, str):
            setattr(options, name, readable(value))
    if not foreign(options):
        options.url = (options.url or os.environ.get("KEEPSTREAM_URL", "").strip() or DEFAULT_URL).rstrip("/")
        options.key = options.key or os.environ.get("KEEPSTREAM_KEY", "").strip() or None
    elif not options.url:
        parser.error("which address?")
    if not usable(options.url):
        parser.error(f"--url: must be an http:// or https:// address, not {options.url!r}")
    if options.key and not (options.key.isascii() and options.key.isprintable()):
        parser.error("--key: a key is made of printable ASCII characters")
    return options


def usable(url: str) -> bool:
    """Whether anybody can be asked there."""
    try:
        httpx.URL(url)
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except (ValueError, httpx.InvalidURL):
        return False


def readable(given: str) -> str:
    """What came from outside, as text: bytes that are no UTF-8 cannot be sent to anybody."""
    return given.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def client_of(options: argparse.Namespace) -> AsyncClient:
    ticket = getattr(options, "ticket", None)
    return AsyncClient(options.url, api_key=None if ticket else options.key, ticket=ticket)


def by_ticket(options: argparse.Namespace) -> None:
    """An `id` that is an events_url with a ticket, as the stream, the ticket and the server that it names."""
    parts = urlsplit(options.id)
    path, ticket = re.fullmatch(r"(.*)/v1/streams/([^/]+)/events", parts.path), parse_qs(parts.query).get("ticket")
    options.ticket = ticket[0] if path and ticket else None
    if path and ticket:
        options.id = path[2]
        options.url = f"{parts.scheme}://{parts.netloc}{path[1]}" if parts.netloc else options.url


def guarded(work: Callable[[], int], url: str) -> int:
    """Does `work`; what stands in its way is one line on stderr and an exit code."""
    try:
        return work()
    except KeepstreamError as error:
        complain(why(error, url))
        return Exit.UNREACHABLE if isinstance(error, UnreachableError) else Exit.FAILED
    except (Left, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except BrokenPipeError:  # who reads our output has enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED


def why(error: KeepstreamError, url: str) -> str:
    """What happened, and what one can do."""
    if isinstance(error, UnreachableError):
        return f"{url} cannot be reached ({error})"
    match error.status:
        case httpx.codes.UNAUTHORIZED:
            return f"{error}; or set --key or KEEPSTREAM_KEY"
        case httpx.codes.TOO_MANY_REQUESTS if error.retry_after:
            return f"{error} (in {error.retry_after:.0f} s)"
        case _:
            return str(error)


def complain(what: str) -> None:
    sys.stderr.write(f"keepstream: {clean(what)}\n")


def refuse(what: str) -> NoReturn:
    """Ends the process: what was given cannot be used."""
    complain(what)
    raise SystemExit(Exit.USAGE)
