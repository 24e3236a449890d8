"""`keepstream chat`: a conversation on the terminal, that others may read and go on with elsewhere.

The rule: nothing typed is lost. What could not be sent stands in the line again, and is sent under the same key, so
that it is said once however often it is tried. On a terminal one talks; with a pipe at either end it is one message and
one answer, and the exit code.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import secrets
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from rich.console import Console
from rich.text import Text

from app.clients.python.keepstream import AsyncClient, KeepstreamError, Said, UnreachableError
from app.terminal.answer import Answer, clean, figures, first_token, resumed, verdict
from app.terminal.exits import Exit
from app.terminal.following import Following
from app.terminal.once import read, show_once
from app.terminal.options import Left, client_of, complain, guarded, parse, parser_of, refuse, why
from app.terminal.page import Page
from app.terminal.prompt import PROMPT, ask, remember
from app.terminal.talking.next_message import Asking, first_line
from app.terminal.talking.orders import HELP, Orders
from app.terminal.talking.tool_lines import called, gave

DESCRIPTION = """\
A chat that comes back: the server keeps the conversation, and an answer goes on whether or not anybody looks. Ctrl-C
stops the answer, a second one or Ctrl-D leaves. With a pipe it is one message: echo "Hello" | keepstream chat
"""
# Of what was said before, so much is shown again.
SHOWN_MESSAGES = 10
_COMMAND = re.compile(r"/[a-z]+")
# To be told of what one talks to nobody waits for longer.
OPENING_SECONDS = 2.0
# Also as people say it to any other prompt: nobody asks Claude this one word.
_QUIT = ("/quit", "/exit", "quit", "exit")
_BODIES = {"/continue": {"continue": True}, "/retry": {"regenerate": True}}
_UNFINISHED = ("truncated", "cancelled")
_UNANSWERED = ("cancelled", "failed", "expired")


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = parser_of("chat", DESCRIPTION)
    parser.add_argument("--model", help="the model that answers")
    parser.add_argument("--system", help="the system prompt")
    parser.add_argument("--tools", metavar="NAMES", help="tools that the workers run for it, such as clock,calculator")
    parser.add_argument("--conversation", metavar="ID", help="come back to this one, also to an answer that runs")
    options = parse(parser, argv)
    if sys.stdin.isatty() and sys.stdout.isatty():
        return guarded(lambda: _talk(options), options.url)
    text = read()
    if not text.strip() and options.conversation is None:
        refuse("there is nothing to say: pipe a message in")
    return guarded(lambda: asyncio.run(_once(options, text)), options.url)


async def _once(options: argparse.Namespace, text: str) -> Exit:
    """One message and its answer; without a message, the answer that runs in the conversation."""
    async with client_of(options) as client:
        talk = Talk(client, options, Console())
        stream: str | None
        if fresh := bool(text.strip()):
            stream = (await talk.say_only(text))["id"]
        else:
            stream = (await client.conversations.get(options.conversation))["stream_id"]
        if stream is None:
            complain("nothing runs in this conversation")
            return Exit.FAILED
        _, code = await show_once(client, stream, stoppable=True, fresh=fresh)
        return code


def _talk(options: argparse.Namespace) -> int:
    """Prompt and answer in turns, until the person leaves."""
    console = Console(highlight=False)
    with asyncio.Runner() as runner:
        client = client_of(options)
        talk = Talk(client, options, console)
        try:
            runner.run(talk.open())
            runner.run(talk.catch_up())
            text = ""
            while (asked := ask(text, plain=console.is_dumb_terminal)) is not None and not _leaves(asked):
                try:
                    # Closed, because Ctrl-C may come before it has begun.
                    with closing(talk.turn(asked)) as turn:
                        text = runner.run(turn)
                except KeyboardInterrupt:  # there was no stream yet that could be stopped
                    talk.remark("not sent")
                    text = asked
        except Left:
            return Exit.INTERRUPTED
        finally:
            runner.run(client.aclose())
            talk.farewell()
    return Exit.COMPLETED


def _leaves(asked: str) -> bool:
    return asked.strip().lower() in _QUIT


class Talk:
    """A conversation as this terminal has it: `known` are the messages that were seen here."""

    def __init__(self, client: AsyncClient, options: argparse.Namespace, console: Console) -> None:
        self._client = client
        self._url: str = options.url
        self._console = console
        self._id: str | None = options.conversation
        self._asking = Asking(options.model, options.system, told=options.conversation is None)
        self._asking.tools = (options.tools or "").replace(",", " ").split()
        self._orders = Orders(client, self._url, self._asking, self.remark)
        self._known: set[str] = set()
        self._unsent: tuple[dict[str, Any], str] | None = None

    async def open(self) -> None:
        """Says what one talks to, as far as that is known soon."""
        model = self._asking.model
        if self._id is not None:
            model = model or (await self._client.conversations.get(self._id))["model"]
        with contextlib.suppress(KeepstreamError, TimeoutError):
            async with asyncio.timeout(OPENING_SECONDS):
                about = await self._client.request("GET", "/page.json")
            if isinstance(about, dict):  # else it is a server that knows nothing of this
                model = model or about.get("model")
                self._asking.most = about.get("max_prompt_bytes") or self._asking.most
        self.remark(first_line(model, self._url))

    async def catch_up(self) -> bool:
        """Shows what was said elsewhere, and the answer that runs; whether there was anything."""
        if self._id is None:
            return False
        conversation = await self._client.conversations.get(self._id)
        fresh = [message for message in conversation["messages"] if message["id"] not in self._known]
        self._show(fresh)
        if conversation["stream_id"] is not None:
            await self._follow(conversation["stream_id"], conversation["answer_id"], fresh=False)
        return bool(fresh) or conversation["stream_id"] is not None

    async def turn(self, asked: str) -> str:
        """Sends what was typed and shows the answer; returns what is to stand in the line again."""
        left = await self._orders.follow(asked, self._id)
        if left is not None:
            return left
        match asked.strip():
            case "":
                return ""
            case command if _COMMAND.fullmatch(command) and command not in _BODIES:
                self.remark(f"there is no {command}\n{HELP}")
                return ""
            case command if command in _BODIES:
                return await self._send(_BODIES[command], asked)
            case _:
                left = await self._send({"content": self._asking.content(asked)}, asked)
                if not left:
                    self._asking.files.clear()
                return left

    async def _send(self, body: dict[str, Any], asked: str) -> str:
        try:
            if self._unsent is None and await self.catch_up():
                self.remark("that was said elsewhere; press Enter to send yours")
                return asked
            stream = await self.say(body)
            self._known.add(stream["message_id"])
            await self._follow(stream["id"], stream["answer_id"])
        except UnreachableError as error:
            self.remark(f"{why(error, self._url)}; press Enter to try again")
            return asked
        except KeepstreamError as error:
            if error.final:
                self._unsent = None
            if error.stream_id is not None and await self.catch_up():
                return asked
            self.remark(why(error, self._url))
            return asked
        return ""

    async def say(self, body: dict[str, Any]) -> Said:
        """Sends a message, in a new conversation if there is none yet; returns its answer's stream."""
        if self._id is None:
            made = await self._client.conversations.create(system=self._asking.system, model=self._asking.model)
            self._id = made["id"]
        else:
            body = body | self._asking.settings()
        body = body | self._asking.relay()
        if self._unsent is None or self._unsent[0] != body:
            self._unsent = body, secrets.token_hex(16)
        sent = await self._client.conversations.send(
            self._id, body, idempotency_key=self._unsent[1], on_state=self._on_state
        )
        self._unsent = None
        return sent

    async def say_only(self, text: str) -> Said:
        """Says the one message of a pipe; where it is refused, no empty conversation is left of it."""
        is_new = self._id is None
        try:
            return await self.say({"content": text})
        except KeepstreamError as error:
            if is_new and self._id is not None and error.final:
                with contextlib.suppress(KeepstreamError):
                    await self._client.conversations.delete(self._id)
            raise

    def farewell(self) -> None:
        """How to come back."""
        if self._known:
            self.remark(f"keepstream chat --conversation {self._id} comes back here")

    def _on_state(self, _state: str, wait: float) -> None:
        if self._console.is_terminal:
            self.remark(f"{self._url} does not answer; trying again in {wait:.0f} s…")

    async def _follow(self, stream_id: str, answer_id: str | None, *, fresh: bool = True) -> None:
        self._console.print()
        page = Page(self._console)
        followed = await Following(self._client, stream_id, page, stoppable=True, fresh=fresh).run()
        if answer_id is not None:
            self._known.add(answer_id)
        end = followed.answer.end
        if end is not None:
            told = figures(end, followed.seconds)
            first = first_token(followed.first) if told else ""
            words = (verdict(end), _after(followed.answer), told, resumed(followed.resumed), first)
            page.remark(" · ".join(filter(None, words)))
        self._console.print()

    def _show(self, messages: Sequence[Mapping[str, Any]]) -> None:
        self._known |= {message["id"] for message in messages}
        if len(messages) > SHOWN_MESSAGES:
            self.remark(f"{len(messages) - SHOWN_MESSAGES} messages before")
        for message in messages[-SHOWN_MESSAGES:]:
            said = [block for step in message.get("steps", ()) for block in step["content"]] + list(message["content"])
            text = "\n\n".join(_texts(said))
            if message["role"] == "user":
                remember(text)
                self._console.print(Text(f"{PROMPT}{clean(text)}", style="bold"), end="\n\n")
                continue
            with Page(self._console) as page:
                page.show(text, "", whole=True)
                if message.get("outcome") != "completed":
                    page.remark(verdict(message))
            self._console.print()

    def remark(self, text: str) -> None:
        self._console.print(Text(clean(text), style="dim italic"))


def _after(answer: Answer) -> str:
    """What one can do about an answer that is not whole."""
    outcome = (answer.end or {}).get("outcome")
    found = []
    if outcome in _UNFINISHED and answer.text.strip():
        found.append("/continue goes on")
    if outcome in _UNANSWERED:
        found.append("/retry asks again")
    return ", ".join(found)


def _texts(content: Sequence[dict[str, Any]]) -> list[str]:
    """What is shown of content blocks again."""
    found, names = [], dict[str, str]()
    for block in content:
        match block:
            case {"type": "text", "text": str(text)}:
                found.append(text)
            case {"type": "image" | "document" as kind}:
                found.append(f"[{kind}]")
            case {"type": "tool_use", "id": key, "name": name}:
                names[key] = name
                found.append(called(name, block.get("input")))
            case {"type": "tool_result", "tool_use_id": key}:
                failed = bool(block.get("is_error"))
                found.append(gave(names.get(key, "a tool"), block.get("content"), failed=failed))
            case _:
                pass
    return found
