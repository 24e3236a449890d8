"""`keepstream keys`: makes keys, lists them, and takes them away, in the file that the fronts read.

A key is shown once, when it is made, on standard output and alone; what else there is to say goes to standard error.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from app.access.caller import is_tenant
from app.access.identity.keys_editing import NoSuchKeyError, add, keys_at, revoke
from app.access.identity.keys_file import NAME, SHOWN_DIGITS, Key, day_of, digest_of, label_of
from app.settings import SettingsError

# What is recognised as ours, in a file that should not hold it or by who finds it.
PREFIX = "ks_"
KEY_BYTES = 32
FAILED = 1
STDOUT = 1


def main(argv: Sequence[str] | None = None) -> int:
    """`keepstream keys`. Returns the exit code. Raises `SettingsError`."""
    parser = _parser()
    options = parser.parse_args(argv)
    named = options.file or os.environ.get(NAME, "").strip()
    if not named:
        raise SettingsError(f"which file? Name it with --file, or set {NAME}")
    path = Path(named)
    try:
        match options.action:
            case "add":
                _add(path, options)
            case "list":
                _list(keys_at(path), time.time())
            case _:
                gone, left = revoke(path, options.key)
                _say(f"revoked {gone.digest[:SHOWN_DIGITS]} of {gone.owner}; fronts know it within two seconds")
                if not left:
                    _say(f"{path} names no key any more: nobody is let in")
    except NoSuchKeyError as error:
        _say(str(error))
        return FAILED
    except OSError as error:  # of standard output: those of the file are settings' errors
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)  # Python would try once more at its end
        if options.action != "list" or not isinstance(error, BrokenPipeError):  # who has read enough of a list
            _say(f"nothing can be shown: {error.strerror}")
        return FAILED
    return 0


def _add(path: Path, options: argparse.Namespace) -> None:
    made = PREFIX + secrets.token_urlsafe(KEY_BYTES)
    key = Key(
        owner=options.owner,
        digest=digest_of(made),
        delegate=options.delegate,
        admin=options.admin,
        expires=options.expires,
        label=options.label or "",
    )
    add(path, key)
    try:
        sys.stdout.write(f"{made}\n")
        sys.stdout.flush()
    except OSError:
        revoke(path, key.digest)  # what nobody has seen is not to open
        raise
    over = ", and is over already" if key.is_over(time.time()) else ""
    _say(f"a key of {key.owner}, {key.digest[:SHOWN_DIGITS]} in {path}; it is shown only now{over}")


def _list(keys: Sequence[Key], now: float) -> None:
    rows = [("OWNER", "KEY", "EXPIRES", "RIGHTS", "LABEL")]
    for key in keys:
        end = "" if key.expires is None else f"{key.expires} (over)" if key.is_over(now) else str(key.expires)
        rights = " ".join(name for name, has in (("delegate", key.delegate), ("admin", key.admin)) if has)
        rows.append((key.owner, key.digest[:SHOWN_DIGITS], end or "never", rights or "-", key.label or "-"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    sys.stdout.flush()


def _say(words: str) -> None:
    sys.stderr.write(f"keepstream: {words}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="keepstream keys",
        description="Make, list and revoke the keys that open the fronts. A change is in force within two seconds.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    adding = actions.add_parser("add", help="make a key for OWNER and print it, once", allow_abbrev=False)
    adding.add_argument("owner", metavar="OWNER", type=_owner, help="whose streams it opens")
    adding.add_argument("--delegate", action="store_true", help="it may act for users (x-keepstream-user)")
    adding.add_argument("--admin", action="store_true", help="it sees what operators see, and what any owner has used")
    adding.add_argument("--expires", type=_day, metavar="YYYY-MM-DD", help="its last day, by UTC")
    adding.add_argument("--label", type=_label, metavar="NAME", help="a word to know it by")
    listing = actions.add_parser("list", help="show whose keys there are", allow_abbrev=False)
    revoking = actions.add_parser("revoke", help="take a key away", allow_abbrev=False)
    revoking.add_argument("key", metavar="HEX8", help="the digits that `keys list` shows")
    for action in (adding, listing, revoking):
        action.add_argument("--file", metavar="FILE", help=f"the file of keys ({NAME})")
    parser.epilog = "".join(action.format_usage().removeprefix("usage: ") for action in (adding, listing, revoking))
    return parser


def _owner(text: str) -> str:
    if is_tenant(text) and len(text.split()) == 1 and "#" not in text:
        return text
    raise argparse.ArgumentTypeError("an owner is one word without / and #, of 255 characters at the most")


def _day(text: str) -> date:
    try:
        return day_of(text)
    except SettingsError as error:
        raise argparse.ArgumentTypeError("must be a day such as 2027-01-31") from error


def _label(text: str) -> str:
    try:
        return label_of(text)
    except SettingsError as error:
        raise argparse.ArgumentTypeError("must be one word without #, of 64 characters at the most") from error
