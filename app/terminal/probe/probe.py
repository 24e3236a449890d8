"""The `keepstream probe` command: an address in, a verdict out, an exit code for a CI."""

from __future__ import annotations

import argparse
import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import randbelow, token_hex
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import orjson

from app.terminal.exits import Exit
from app.terminal.once import write
from app.terminal.options import complain, guarded, parse, parser_of, usable
from app.terminal.probe import canary
from app.terminal.probe.canary import NotAskedError
from app.terminal.probe.judging import Found, refusal
from app.terminal.probe.promises import Promise, Verdict
from app.terminal.probe.reading.connecting import Asked, How, Reading, a_client
from app.terminal.probe.reading.rounds import NothingToReadError, Plan, Rounds
from app.terminal.probe.reading.ui_chats import Chats
from app.terminal.probe.targets import AI_SDK, DIALECTS, ENDS, EVENT_SOURCE, KEEPSTREAM, Target, bare, is_events_url
from app.terminal.probe.telling import HELP, as_json, code_of, hidden, lines

PROBE = """\
Reads a stream uncut, and beside it again and again to a cut at a random byte, comes back as a client does, and
compares: what is left out, doubled, out of order or not the same, wrong statuses, a clean end that is none, bytes that
something on the way holds back. It needs nothing but the address, and works against any server, not only ours:

  keepstream probe http://127.0.0.1:8000                           submits a prompt of its own where Claude is simulated
  keepstream probe http://127.0.0.1:8000/v1/streams/st_…/events    a stream that is there
  keepstream probe --dialect eventsource https://example.com/feed  any SSE that honours Last-Event-ID
  keepstream probe --dialect ai-sdk --prompt "A long story" http://127.0.0.1:8000/api/chat

What it sends there of yours is --key and --header; KEEPSTREAM_KEY goes to a Keepstream alone.
"""
CUTS, CUTS_MAX = 20, 1000
SECONDS_MAX = 3600.0
SEED_MAX = 1_000_000
_SECONDS = {KEEPSTREAM: 120.0, EVENT_SOURCE: 30.0, AI_SDK: 120.0}
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:\s*([\x20-\x7e]*)")


@dataclass(frozen=True, slots=True)
class Asking:
    """What a person wants. `secrets` are never shown."""

    url: str
    dialect: str
    plan: Plan
    headers: dict[str, str]
    prompt: str
    resume: str
    end: str
    timed: bool
    secrets: tuple[str, ...]


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = _parser()
    options = parse(parser, argv, foreign=lambda given: given.dialect != KEEPSTREAM)
    asking = _asking(parser, options)
    return guarded(lambda: asyncio.run(_run(asking, in_json=options.json)), bare(options.url))


def _parser() -> argparse.ArgumentParser:
    parser = parser_of("probe", PROBE, address=False)
    parser.epilog = HELP
    add = parser.add_argument
    add("url", nargs="?", help="what to read (for a Keepstream KEEPSTREAM_URL is the default)")
    add("--dialect", choices=DIALECTS, default=KEEPSTREAM, help="what it speaks (default: %(default)s)")
    add("--cuts", type=int, default=CUTS, metavar="N", help="while it runs, and again after it (default: %(default)s)")
    add("--seed", type=int, help="cut at the same bytes as another time")
    add("--seconds", type=float, help="how long one that does not end is read (default: 30 for eventsource, else 120)")
    add("--header", action="append", default=[], metavar="NAME:VALUE", help="send it too; @FILE has one a line")
    add("--prompt", metavar="TEXT", help="submit this; who pays for answers there pays for this one")
    add("--resume", metavar="URL", help="ai-sdk: where to resume, with {id} for the chat's (default: URL/{id}/stream)")
    add("--end", metavar="TEXT", help="eventsource: the name or the data of the event that ends a stream")
    add("--no-timing", action="store_true", help="do not judge when bytes come")
    add("--json", action="store_true", help="print the verdict as a line of JSON")
    return parser


def _asking(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Asking:
    """Exits with 2 for what makes no sense."""
    seconds = _SECONDS[options.dialect] if options.seconds is None else options.seconds
    if not 1 <= options.cuts <= CUTS_MAX:
        parser.error(f"--cuts: from 1 to {CUTS_MAX}")
    if not 1 <= seconds <= SECONDS_MAX:
        parser.error(f"--seconds: from 1 to {SECONDS_MAX:.0f}")
    for name, dialect in (("end", EVENT_SOURCE), ("resume", AI_SDK)):
        if getattr(options, name) and options.dialect != dialect:
            parser.error(f"--{name}: is for --dialect {dialect}")
    if options.prompt is not None and (options.dialect == EVENT_SOURCE or is_events_url(options.url)):
        parser.error("--prompt: nothing is submitted here, the address is that of a stream")
    if options.resume and not usable(options.resume.replace("{id}", "id")):
        parser.error("--resume: must be an http:// or https:// address")
    headers = _headers(parser, options.header)
    if options.key:
        named = (
            ("x-api-key", options.key) if options.dialect == KEEPSTREAM else ("authorization", f"Bearer {options.key}")
        )
        headers |= [named]
    resume = options.resume or ""
    return Asking(
        options.url,
        options.dialect,
        Plan(options.cuts, randbelow(SEED_MAX) if options.seed is None else options.seed, seconds),
        headers,
        options.prompt or "",
        resume,
        options.end or "",
        not options.no_timing,
        (options.key or "", *_parts(headers.values()), *_opening(options.url), *_opening(resume)),
    )


def _headers(parser: argparse.ArgumentParser, given: Sequence[str]) -> dict[str, str]:
    lines: list[str] = []
    for one in given:
        try:
            lines += Path(one[1:]).read_text().splitlines() if one.startswith("@") else [one]
        except (OSError, UnicodeError) as error:
            parser.error(f"--header: {one} cannot be read ({type(error).__name__})")
    headers = {}
    for line in filter(str.strip, lines):
        match = _HEADER.fullmatch(line.strip())
        if match is None:
            parser.error("--header: is a name, a colon, and a value of printable ASCII characters")
        headers[match[1].lower()] = match[2].strip()
    return headers


def _opening(url: str) -> list[str]:
    """What in an address may open something."""
    parts = urlsplit(url)
    query = [value for _, value in parse_qsl(parts.query)]
    return [*query, *_parts([parts.query]), parts.password or "", parts.username or ""]


def _parts(given: Iterable[str]) -> list[str]:
    """Each of them, and what it is made of: of `Bearer …` or of a cookie the part alone opens as much."""
    return [part for one in given for part in (one, *re.split(r"[\s;,&=]+", one))]


async def _run(asking: Asking, *, in_json: bool) -> Exit:
    try:
        async with a_client(asking.headers) as http:
            verdict = await _probe(http, asking)
    except NotAskedError as error:
        complain(hidden(f"{bare(asking.url)} {error}", asking.secrets))
        return error.code
    except NothingToReadError as error:
        why, code = _unread(error.reading)
        complain(hidden(f"{bare(asking.url)} {why}", asking.secrets))
        return code
    write(as_json(verdict, asking.secrets) if in_json else "\n".join(lines(verdict, asking.secrets)))
    return code_of(verdict)


async def _probe(http: httpx.AsyncClient, asking: Asking) -> Verdict:
    """Raises `NotAskedError`, `NothingToReadError`."""
    judged = tuple(Promise)
    if asking.dialect == AI_SDK:
        found, judged = await _chat(http, asking), tuple(one for one in Promise if one is not Promise.IDS)
    else:
        url, paced = asking.url, asking.dialect == EVENT_SOURCE
        if asking.dialect == KEEPSTREAM and not is_events_url(url):
            url, paced = f"{url}/v1/streams/{await _submitted(http, asking)}/events", True
        end = ENDS.get(asking.dialect, asking.end)
        found = await Rounds(http, Target(asking.dialect, url, end, paced, asking.timed), asking.plan).run()
    return Verdict(
        bare(asking.url),
        asking.dialect,
        asking.plan.seed,
        found.facts,
        found.breaches,
        found.unshown,
        found.notes,
        judged,
    )


async def _submitted(http: httpx.AsyncClient, asking: Asking) -> str:
    """A stream of our own. Raises `NotAskedError`, also where somebody would pay for it who did not say so."""
    prompt = asking.prompt
    if not prompt:
        if not await canary.is_simulated(http, asking.url):
            raise NotAskedError("does not say that its Claude is simulated: give a --prompt, which is paid", Exit.USAGE)
        prompt = canary.prompt_of(canary.text_of(canary.WORDS))
    return await canary.submit(http, asking.url, prompt)


async def _chat(http: httpx.AsyncClient, asking: Asking) -> Found:
    target = Target(AI_SDK, asking.url, ENDS[AI_SDK], timed=asking.timed)
    first = again = Asked(asking.url)
    if asking.prompt:
        chat_id = f"probe-{token_hex(8)}"
        said = {"id": token_hex(8), "role": "user", "parts": [{"type": "text", "text": asking.prompt}]}
        body = {"id": chat_id, "messages": [said], "trigger": "submit-message"}
        first = Asked(asking.url, "POST", {"content-type": "application/json"}, orjson.dumps(body))
        where = asking.resume or f"{asking.url.rstrip('/')}/{{id}}/stream"
        again = Asked(where.replace("{id}", quote(chat_id, safe="")))
    elif asking.resume:
        again = Asked(asking.resume)
    return await Chats(http, target, asking.plan, first, again).run()


def _unread(reading: Reading) -> tuple[str, Exit]:
    """Why there was nothing to judge."""
    match reading.how:
        case How.REFUSED:
            return f"cannot be read: it answers with {refusal(reading)}", Exit.FAILED
        case How.NOTHING:
            return "has nothing to read: it answers with status 204", Exit.TRUNCATED
        case _:
            return f"cannot be reached ({reading.how})", Exit.UNREACHABLE
