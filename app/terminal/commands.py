"""`keepstream send`, `watch` and `cancel`: one stream each, for scripts as well as for people."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import aclosing, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson

from app import surrogates
from app.clients.python.keepstream import AsyncClient, GoneError, NotFoundError
from app.terminal.answer import clean_json
from app.terminal.exits import Exit, exit_of
from app.terminal.once import read, show_once, write
from app.terminal.options import by_ticket, client_of, complain, guarded, parse, parser_of, refuse

SEND = """\
Submits one prompt and shows its answer. The text is the argument, or what comes on stdin. Into a pipe or a file goes
plain text, once the answer is whole. Ctrl-C cancels the stream.

  keepstream send "Tell me about rivers"
  git diff | keepstream send --system "Write a commit message" --json | jq -r .message.content[0].text
  id=$(keepstream send --detach "A long story"); keepstream watch "$id"
"""
WATCH = """\
Shows the answer of a stream from its newest attempt's start, or what follows an event, until its ending. The id of a
conversation stands for the stream that runs in it; an events_url with a ticket, as a submit or POST …/ticket gave it,
needs no key. Ctrl-C leaves the stream running.
"""
CANCEL = """\
Cancels a stream for everybody; the id of a conversation stands for the stream that runs in it. Prints the stream's
state, and exits with 0 also where it had ended before.

With --all cancels every stream of every owner that waits or runs, and what is submitted meanwhile, until none is left;
prints how many that were. For operators: on the front's own machine, or with a key that has the right admin. Exits with
1 where some that were asked to stop had not ended after a minute: they do as soon as a worker is there.
"""
# The board is gathered anew once a second.
LOOK_SECONDS = 1.1
# A stream that was asked to stop for so long is one that nobody runs.
STOP_SECONDS = 60.0


def send(argv: Sequence[str] | None = None) -> int:
    parser = parser_of("send", SEND)
    parser.add_argument("text", nargs="?", help="the prompt; without it, or for -, stdin is read")
    parser.add_argument("--model", help="the model that answers")
    parser.add_argument("--system", help="the system prompt")
    parser.add_argument("--max-tokens", type=int, metavar="N", help="the longest answer")
    parser.add_argument("--body", action="store_true", help="what is sent is a JSON body of the Messages API")
    parser.add_argument("--json", action="store_true", help="print GET /v1/streams/{id} at the end, as a line of JSON")
    parser.add_argument("--detach", action="store_true", help="only submit, and print the stream's id")
    options = parse(parser, argv)
    body = _body(options)
    return _run(options, _send(options, body))


def watch(argv: Sequence[str] | None = None) -> int:
    parser = parser_of("watch", WATCH)
    parser.add_argument("id", help="a stream's id, a conversation's, or an events_url with a ticket")
    parser.add_argument("--after", default="", metavar="EVENT", help="the id of the event after which to go on")
    parser.add_argument("--json", action="store_true", help="print each event as a line of JSON: event, data, id")
    options = parse(parser, argv)
    by_ticket(options)
    return _run(options, _watch(options))


def cancel(argv: Sequence[str] | None = None) -> int:
    parser = parser_of("cancel", CANCEL)
    parser.add_argument("id", nargs="?", help="a stream's id, or a conversation's")
    parser.add_argument("--all", action="store_true", help="all streams of all owners")
    options = parse(parser, argv)
    if options.all == bool(options.id):
        parser.error("which stream? give its ID, or --all")
    return _run(options, _cancel_all(options) if options.all else _cancel(options))


def _run(options: argparse.Namespace, work: Coroutine[Any, Any, Exit]) -> int:
    return guarded(lambda: asyncio.run(work), options.url)


def _body(options: argparse.Namespace) -> dict[str, Any]:
    text = read() if options.text in (None, "-") else options.text
    if not text.strip():
        refuse("there is nothing to send: give a text, or pipe it in")
    body: Any = {"prompt": text}
    if options.body:
        try:
            body = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            refuse(f"--body: what was sent is no JSON ({error})")
        if not isinstance(body, dict):
            refuse("--body: a body is a JSON object")
    found: dict[str, Any] = body
    for name in ("model", "system", "max_tokens"):
        if getattr(options, name) is not None:
            found[name] = getattr(options, name)
    return found


async def _send(options: argparse.Namespace, body: dict[str, Any]) -> Exit:
    async with client_of(options) as client:
        stream = await client.submit(body)
        if options.detach:
            write(orjson.dumps(stream).decode() if options.json else stream["id"])
            return Exit.COMPLETED
        _, code = await show_once(client, stream["id"], stoppable=True, silent=options.json)
        if options.json:
            write(_json(await client.stream(stream["id"])))
        return code


async def _watch(options: argparse.Namespace) -> Exit:
    async with client_of(options) as client:
        stream_id = await _stream_of(client, options.id)
        if stream_id is None:
            return Exit.FAILED
        if options.json:
            return await _events(client, stream_id, options.after)
        _, code = await show_once(client, stream_id, after=options.after, stoppable=False, fresh=False)
        return code


async def _events(client: AsyncClient, stream_id: str, after: str) -> Exit:
    code = Exit.COMPLETED
    async with aclosing(client.events(stream_id, after=after)) as events:
        async for event in events:
            line = {"event": event.type, "data": event.data, "id": event.id or None}
            write(_json(line))
            if event.type == "relay.end":
                code = exit_of(str(event.data.get("outcome")))
    return code


def _json(value: Any) -> str:
    return clean_json(surrogates.dumps(value).decode())


async def _cancel(options: argparse.Namespace) -> Exit:
    async with client_of(options) as client:
        stream_id = await _stream_of(client, options.id)
        if stream_id is None:
            return Exit.FAILED
        write((await client.cancel(stream_id))["state"])
        return Exit.COMPLETED


async def _cancel_all(options: argparse.Namespace) -> Exit:
    clock = asyncio.get_running_loop().time
    asked: dict[str, float] = {}
    # Without a key what changes something has to come from the server's own pages, or as if it did.
    parts = urlsplit(options.url)
    origin = {"origin": f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"}
    async with (
        httpx.AsyncClient(headers=origin) as http,
        AsyncClient(options.url, api_key=options.key, http_client=http) as client,
    ):
        while True:
            seen = await client.request("GET", "/ops/streams")
            left = [one["id"] for one in seen["data"] if one["state"] != "ended"]
            # Each time: one whose worker is gone is ended by the front once its lease is over and it waits again.
            for stream_id in left:
                asked.setdefault(stream_id, clock())
                with suppress(GoneError, NotFoundError):  # between the look and this
                    await client.request("POST", f"/ops/streams/{stream_id}/cancel")
            stuck = [one for one in left if clock() - asked[one] >= STOP_SECONDS]
            if len(stuck) == len(left):
                break
            await asyncio.sleep(LOOK_SECONDS)
    write(f"{len(asked) - len(stuck)} cancelled")
    if stuck:
        complain(f"{len(stuck)} have not ended, {stuck[0]} among them: they do as soon as a worker is there")
    return Exit.FAILED if stuck else Exit.COMPLETED


async def _stream_of(client: AsyncClient, name: str) -> str | None:
    """The stream that a name stands for; None, and a word about it, where a conversation has none that runs."""
    if not name.startswith("cv_"):
        return name
    running: str | None = (await client.conversations.get(name))["stream_id"]
    if running is None:
        complain("nothing runs in this conversation")
    return running
