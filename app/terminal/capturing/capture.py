"""`keepstream capture`: what the upstream said in a stream, as a file that `keepstream simulate --replay` plays again.

The rule: it waits until the stream has ended, and writes all of it or nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

from app.clients.python.keepstream.core.credentials import Credentials
from app.clients.python.keepstream.core.request import Request, base_of, segment
from app.clients.python.keepstream.core.resuming import LIVE, SILENCE_SECONDS
from app.clients.python.keepstream.wire.awaiting import AsyncWire
from app.clients.python.keepstream.wire.outgoing import Sending
from app.terminal.capturing.redacting import redacted
from app.terminal.capturing.upstream_events import is_whole, upstream_events
from app.terminal.exits import Exit
from app.terminal.options import client_of, complain, guarded, parse, parser_of

CAPTURE = """\
Writes what the Claude API said in a stream, as its own events byte for byte, once the stream has ended:

  keepstream capture st_... > answer.sse
  keepstream simulate --replay answer.sse

Of a stream with tools all turns, of one that began again what came last. What was said is in it: with --redact every
letter and digit of it is another one, and all lengths, cuts and escapes are as they were.
"""
CODES = """\
exit codes:
  0    written, however the answer ended
  1    the server refused it, or the upstream said nothing (stderr says why)
  2    wrong options
  6    the server cannot be reached
  130  Ctrl-C
"""
# A server that sends its readers elsewhere ends a log in its midst: so often it is asked again.
TRIES = 10
PAUSE_SECONDS = 1.0
# What `simulate --pace recorded` reads: a comment to everybody else.
TIMES = ": first_ms={first} total_ms={total}\n\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = parser_of("capture", CAPTURE)
    parser.epilog = CODES
    parser.add_argument("id", help="a stream's id")
    parser.add_argument("--redact", action="store_true", help="nobody can read what was said; it is as long as it was")
    parser.add_argument(
        "--times", action="store_true", help="a comment on top says when it came, for `simulate --pace recorded`"
    )
    options = parse(parser, argv)
    return guarded(lambda: asyncio.run(_capture(options)), options.url)


async def _capture(options: argparse.Namespace) -> Exit:
    async with client_of(options) as client:
        async with aclosing(client.events(options.id)) as events:
            async for _ in events:  # to its end
                pass
        head = times_of(await client.timeline(options.id)) if options.times else b""
        found = upstream_events(await _log(options))
    if not found:
        complain(f"{options.id}: the upstream said nothing in it")
        return Exit.FAILED
    sys.stdout.buffer.write(head + (redacted(found) if options.redact else found))
    sys.stdout.buffer.flush()
    return Exit.COMPLETED


async def _log(options: argparse.Namespace) -> bytes:
    """All of an ended stream's log that its readers are shown."""
    request = Request(
        "GET", f"/v1/streams/{segment(options.id)}/events", headers=LIVE, read=lambda answer: answer.content
    )
    wire = AsyncWire(Sending(base_of(options.url), SILENCE_SECONDS), Credentials.checked(options.key, None, None), None)
    try:
        for _ in range(TRIES):
            if is_whole(log := await wire.send(request)):
                return log
            await asyncio.sleep(PAUSE_SECONDS)
    finally:
        await wire.close()
    return log


def times_of(told: Mapping[str, Any]) -> bytes:
    """From the last call's start to its first content and to its end, as a timeline tells them."""
    at: dict[str, datetime] = {}
    for entry in told["data"]:  # the last of each
        at[entry["event"]] = datetime.fromisoformat(entry["at"])
    try:
        began, first, ended = at["call.started"], at["stream.first_content"], at["call.ended"]
    except KeyError:
        return b""
    total = max(_ms(began, ended), 0)
    return TIMES.format(first=min(max(_ms(began, first), 0), total), total=total).encode()


def _ms(since: datetime, until: datetime) -> int:
    return round((until - since).total_seconds() * 1000)
