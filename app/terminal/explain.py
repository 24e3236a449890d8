"""`keepstream explain`: what happened to an answer, in plain words, and at the end why.

The rule: it shows what the server tells and makes nothing of it; nothing in it can steer a terminal. On a terminal what
went wrong is coloured, into a pipe goes plain text.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import httpx
import orjson
from rich.console import Console
from rich.text import Text

from app.clients.python.keepstream import AsyncClient, KeepstreamError
from app.terminal.answer import clean, clean_json
from app.terminal.exits import Exit
from app.terminal.once import write
from app.terminal.options import client_of, guarded, parse, parser_of

EXPLAIN = """\
Tells what happened to a stream, from its submit to its ending or to now: when it was claimed and by whom, each call of
the Claude API with its request id, what was held, cut, begun again or taken over, who read; and in the last line why.
It is for the stream's owner; with a key that has the right admin, or on the server's own machine, for any stream.
"""
CODES = """\
exit codes:
  0    told, however the answer ended
  1    the server refused it (stderr says why)
  2    wrong options
  6    the server cannot be reached
  130  Ctrl-C
"""
# What a person looks for: what went wrong, and what was done about it.
_TROUBLE = ("call.retried", "stream.restarted", "stream.taken_over", "stream.held", "stream.append_refused")
_BAD = ("failed", "expired")


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = parser_of("explain", EXPLAIN)
    parser.epilog = CODES
    parser.add_argument("id", help="a stream's id, or a conversation's, which stands for its newest answer")
    parser.add_argument("--json", action="store_true", help="print GET /v1/streams/{id}/timeline as a line of JSON")
    options = parse(parser, argv)
    return guarded(lambda: asyncio.run(_explain(options)), options.url)


async def _explain(options: argparse.Namespace) -> Exit:
    async with client_of(options) as client:
        told = await told_of(client, await _stream_of(client, options.id))
    if options.json:
        write(clean_json(orjson.dumps(told).decode()))
    elif sys.stdout.isatty():
        console = Console(highlight=False)
        for text in lines(told):
            console.print(text, soft_wrap=True)
    else:
        write("\n".join(text.plain for text in lines(told)))
    return Exit.COMPLETED


async def told_of(client: AsyncClient, stream_id: str) -> Mapping[str, Any]:
    """As its owner is told; to others as an operator, where they are one. Raises what an owner is refused with."""
    try:
        return await client.timeline(stream_id)
    except KeepstreamError as error:
        if error.status in (httpx.codes.UNAUTHORIZED, httpx.codes.NOT_FOUND):
            with suppress(KeepstreamError):
                return await client.timeline(stream_id, as_operator=True)
        raise


async def _stream_of(client: AsyncClient, name: str) -> str:
    """The stream that a name stands for: a conversation's is the one that runs in it, or its newest answer's."""
    if not name.startswith("cv_"):
        return name
    conversation = await client.conversations.get(name)
    answers = [message["stream_id"] for message in conversation["messages"] if message.get("stream_id")]
    return str(conversation["stream_id"] or (answers[-1] if answers else name))


def lines(told: Mapping[str, Any]) -> Iterator[Text]:
    """The story, a line for each entry with the time since the first; then why."""
    entries = told["data"]
    times = [datetime.fromisoformat(entry["at"]) for entry in entries]
    yield Text(f"{told['id']}, {told['state']}" + (f", submitted {entries[0]['at']}" if entries else ""), "bold")
    for entry, time in zip(entries, times, strict=True):
        text = Text(f"{_since((time - times[0]).total_seconds()):>10}  ", "dim")
        text.append(clean(" ".join(str(entry["text"]).split())), _style(entry))
        yield text
    bad = told["why"].startswith(_BAD)
    yield Text(f"\n{clean(told['why'])}", "bold red" if bad else "bold")


def _since(seconds: float) -> str:
    if abs(seconds) < 60:  # noqa: PLR2004  # a minute
        return f"{seconds:+.3f} s"
    minutes, rest = divmod(round(abs(seconds)), 60)
    return f"{'-' if seconds < 0 else '+'}{minutes}:{rest:02} min"


def _style(entry: dict[str, Any]) -> str:
    if entry["event"] == "call.ended" and entry.get("reason"):
        return "red"
    if entry["event"] == "stream.ended" and entry.get("outcome") in _BAD:
        return "red"
    return "yellow" if entry["event"] in _TROUBLE else ""
