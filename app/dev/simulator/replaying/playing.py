"""The options of `keepstream simulate` that play recorded answers, read into a `Replay`."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.dev.simulator import values
from app.dev.simulator.replaying.recording import Fault, Recording, RecordingError, recordings
from app.dev.simulator.replaying.replay import Replay
from app.dev.simulator.reply import Pace

# More than any log may have; what is behind it is no answer.
FILE_BYTES = 256 * 1024 * 1024
RECORDED = "recorded"


def add_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what was said once, again (`keepstream capture` writes the files)")
    group.add_argument(
        "--replay", type=_file, nargs="+", metavar="FILE",
        help="answer calls with these, byte for byte, one file after the other; directives are not looked at",
    )  # fmt: skip
    group.add_argument(
        "--pace", type=_pace, metavar=f"{RECORDED}|N",
        help=f"as it came, where the file says it, or N pieces a second, 0 for all at once (default: {RECORDED})",
    )  # fmt: skip
    group.add_argument(
        "--cut", type=_share, metavar="N%", help="the connection is reset after so much of the bytes, such as 40%%"
    )
    group.add_argument(
        "--stall", type=_seconds, default=0.0, metavar="SECONDS",
        help="so long nothing comes, before the cut, or halfway where nothing is cut",
    )  # fmt: skip
    group.add_argument(
        "--times", type=_count, metavar="N", help="only the first N calls go wrong (default: all of them)"
    )


def replay_of(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Replay | None:
    """None where nothing is to be played. Ends the process where one option goes without another."""
    fault = Fault(options.cut, options.stall) if options.cut is not None or options.stall else None
    if options.replay is None:
        if fault is not None or options.pace is not None or options.times is not None:
            parser.error("--pace, --cut, --stall and --times are of what is played: name a file with --replay")
        return None
    if options.times is not None and fault is None:
        parser.error("--times: says how often something goes wrong: with --cut or --stall")
    pace = None if options.pace in (None, RECORDED) else Pace(options.pace, 0.0)
    return Replay(options.replay, pace, fault, options.times)


def _file(name: str) -> list[Recording]:
    try:
        with Path(name).open("rb") as file:
            found = file.read(FILE_BYTES)
        return recordings(found)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{name}: {error.strerror}") from error
    except RecordingError as error:
        raise argparse.ArgumentTypeError(f"{name}: {error}") from error


def _pace(text: str) -> float | str:
    return RECORDED if text == RECORDED else _number(text, "is `recorded`, or a number of pieces a second")


def _seconds(text: str) -> float:
    return _number(text, "is a number of seconds")


def _number(text: str, what: str) -> float:
    try:
        return values.seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(what) from error


def _share(text: str) -> float:
    share = _number(text.removesuffix("%"), "is a share such as 40%")
    if not text.endswith("%") or share > 100:  # noqa: PLR2004  # all of it
        raise argparse.ArgumentTypeError("is a share from 0% to 100%")
    return share / 100


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError("is a number of calls, of at least 1")
    return int(text)
