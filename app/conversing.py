"""What the front does with conversations: say something in one, fork it, delete it.

The rule: a stream belongs to a conversation from before any worker can have it until its answer is committed, and a
message whose stream was refused is as if it had never been said. Knows no HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import orjson

from app.history import Plan, Turn, plan, title_of, upstream_messages
from app.prompts import InvalidPromptError, Prompt, prompt_of
from app.settings import Settings
from app.stream import keys, turns
from app.stream.conversations import Change, Changed, Conversation, Conversations, new_conversation_id, size
from app.stream.errors import (
    ConversationBusyError,
    ConversationFullError,
    IdempotencyConflictError,
    KeepstreamError,
    NoConversationError,
    QueueFullError,
    TooManyConversationsError,
)
from app.stream.log import State
from app.stream.queue import RETRY_AFTER_SECONDS
from app.streams import Streams
from app.upstream import UP, UnreachableError, Upstream

logger = logging.getLogger(__name__)

# Below so many bytes no history fills any model's context; counting them would only cost time.
COUNTED_BYTES = 200_000
# Whoever speaks waits for the count; a client waits 30 s at the most for all of it.
COUNT_SECONDS = 5.0
# Of whoever names none: as the SDK would, through which a worker asks.
_VERSION = {"anthropic-version": "2023-06-01"}
_COUNTED = ("model", "messages", "system", "tools", "tool_choice", "thinking")
_OK = 200


@dataclass(frozen=True, slots=True)
class Sent:
    """`message_id` is the message that the stream answers."""

    stream_id: str
    state: State
    message_id: str


class _MovedError(KeepstreamError):
    """Somebody was faster: read again."""


class Conversing:
    """The conversations of one Redis, as a front sees them."""

    def __init__(self, streams: Streams, upstream: Upstream, settings: Settings) -> None:
        self.store: Conversations = streams.conversations
        self._streams = streams
        self._upstream = upstream
        self._settings = settings
        self._contexts: dict[str, int | None] = {}

    @property
    def _life_ms(self) -> int:
        return int(self._settings.conversation_ttl * 1000)

    async def find(self, owner: str, conversation_id: str, *, messages: bool = False) -> Conversation:
        """A conversation of this owner's, with the answer of a stream that has ended. Raises `NoConversationError`."""
        found = await self.store.settled(conversation_id, messages=messages)
        if found is None:
            raise NoConversationError(deleted=await self.store.was_deleted(owner, conversation_id))
        if found.owner != owner:
            raise NoConversationError
        if found.deleted:
            raise NoConversationError(deleted=True)
        return found

    async def create(
        self, owner: str, fields: Mapping[str, str], messages: tuple[turns.Message, ...] = ()
    ) -> Conversation:
        """Makes a conversation. Raises `TooManyConversationsError`."""
        conversation_id = new_conversation_id()
        # Listed last: what is listed and not there is taken off the list by whoever looks at it.
        await self.store.create(conversation_id, {"owner": owner, **fields}, self._life_ms, messages)
        if not await self.store.enlist(owner, conversation_id, self._settings.conversation_limit, self._life_ms):
            await self.store.drop(conversation_id)
            raise TooManyConversationsError("there are as many conversations as may be kept; delete some first")
        return await self.find(owner, conversation_id, messages=True)

    async def update(self, owner: str, conversation_id: str, fields: Mapping[str, str]) -> Conversation:
        """Sets title, system or model; '' takes one away."""
        while True:
            found = await self.find(owner, conversation_id)
            now = {name: fields.get(name, found.text(name) or "") or None for name in ("title", "system", "model")}
            change = Change([turns.updated(**now)], fields={**fields, "life": self._life_ms})
            if await self.store.change(found, change) is Changed.OK:
                await self.store.used(found)
                return await self.find(owner, conversation_id)

    async def delete(self, owner: str, conversation_id: str) -> None:
        while True:
            found = await self.find(owner, conversation_id)
            if await self.store.delete(found) is not Changed.MOVED:
                break
        if found.stream_id is not None:
            await self._streams.cancel(found.stream_id)

    async def fork(self, owner: str, conversation_id: str, at: str, title: str | None) -> Conversation:
        """A new conversation that goes as this one did up to the message `at`. Raises `InvalidPromptError`."""
        found = await self.find(owner, conversation_id, messages=True)
        ids = [message["id"] for message in found.messages]
        if at not in ids:
            raise InvalidPromptError("at: there is no such message in this conversation")
        fields = {name: found.text(name) or "" for name in ("title", "system", "model")}
        fields["forked_from"] = orjson.dumps({"id": conversation_id, "at": at}).decode()
        if title is not None:
            fields["title"] = title
        return await self.create(owner, fields, found.messages[: ids.index(at) + 1])

    # --- saying something

    async def send(
        self, owner: str, conversation_id: str, turn: Turn, headers: Mapping[str, str], *, query: str, key: str | None
    ) -> Sent:
        """Says something in a conversation and has it answered.

        Raises `NoConversationError`, `ConversationBusyError`, `ConversationFullError`, `InvalidPromptError` and what
        `Streams.submit` raises; then nothing was said.
        """
        if key is not None and (sent := await self._said(owner, key, turn)) is not None:
            return sent
        while True:
            found = await self.find(owner, conversation_id, messages=True)
            if found.stream_id is not None:
                return await self._busy(found.stream_id, owner, key, turn)
            try:
                return await self._send(found, turn, headers, query=query, key=key)
            except _MovedError:
                continue

    async def _send(
        self, found: Conversation, turn: Turn, headers: Mapping[str, str], *, query: str, key: str | None
    ) -> Sent:
        made = plan(turn, found.messages, "msg_" + secrets.token_hex(16), found.now)
        kept = [*found.messages[: made.keep], *([made.add] if made.add else [])]
        if size(kept) > self._settings.conversation_bytes:
            raise ConversationFullError("the conversation is as large as it may be; fork it earlier, or begin another")
        prompt = self._prompt(found, turn, kept)
        await self._check_context(prompt, headers)
        if await self._streams.queue.waiting() >= self._settings.queue_limit:
            raise QueueFullError(RETRY_AFTER_SECONDS)
        claimed = ""

        async def claim(stream_id: str) -> None:
            nonlocal claimed
            match await self.store.change(found, self._change(found, made, kept, stream_id, prompt.model)):
                case Changed.MOVED:
                    raise _MovedError
                case Changed.GONE:
                    raise NoConversationError(deleted=True)
                case Changed.OK:
                    claimed = stream_id

        fields = {"conversation": found.id, "asked": made.asked, "turn": turn.digest}
        if key is not None:
            fields["key"] = keys.idempotency(found.owner, key)
        try:
            accepted = await self._streams.submit(
                prompt, found.owner, headers, query=query, idempotency_key=key, fields=fields, opened=claim
            )
        except (QueueFullError, IdempotencyConflictError):
            await self._withdraw(found, made, claimed)
            raise
        if accepted.repeated:
            await self._withdraw(found, made, claimed)
            said = await self._streams.log.meta(accepted.stream_id, "asked") or {}
            return Sent(accepted.stream_id, accepted.state, said.get("asked", b"").decode())
        await self.store.used(found)
        return Sent(accepted.stream_id, accepted.state, made.asked)

    def _prompt(self, found: Conversation, turn: Turn, kept: list[turns.Message]) -> Prompt:
        messages = upstream_messages(kept)
        body: dict[str, Any] = {
            "model": found.text("model") or self._settings.model,
            "max_tokens": self._settings.max_tokens,
            "messages": messages,
        }
        if system := found.text("system"):
            body["system"] = system
        return replace(prompt_of(body | turn.fields, None), digest=turn.digest)

    def _change(self, found: Conversation, made: Plan, kept: list[turns.Message], stream_id: str, model: str) -> Change:
        events: list[turns.Event] = []
        fields: dict[str, str | int] = {"stream": stream_id, "asked": made.asked, "bytes": size(kept)}
        fields["life"] = self._life_ms
        if made.keep < len(found.messages):
            events.append(turns.removed(found.messages[made.keep - 1]["id"] if made.keep else None))
        if made.add is not None:
            events.append(turns.added(made.add))
            if not made.keep and found.text("title") is None and (title := title_of(made.add["content"])):
                fields["title"] = title
                events.append(turns.updated(title, found.text("system"), found.text("model")))
        events.append(turns.started(stream_id, made.asked, model))
        return Change(events, made.keep, [made.add] if made.add else [], fields)

    async def _withdraw(self, before: Conversation, made: Plan, stream_id: str) -> None:
        """Takes back what was said: its stream was refused. What it took the place of stands again."""
        dropped = before.messages[made.keep :]
        after = before.messages[made.keep - 1]["id"] if made.keep else None
        events = [turns.removed(after), *map(turns.added, dropped)]
        while True:
            found = await self.store.read(before.id)
            if found is None or found.deleted or found.stream_id != stream_id:
                return
            fields: dict[str, str | int] = {"stream": "", "asked": "", "bytes": before.bytes}
            if await self.store.change(found, Change(events, made.keep, dropped, fields)) is not Changed.MOVED:
                return

    async def _said(self, owner: str, key: str, turn: Turn) -> Sent | None:
        """What was said with this Idempotency-Key. Raises `IdempotencyConflictError` for something else."""
        stream_id = await self._streams.queue.find(owner, key)
        meta = await self._streams.log.meta(stream_id, "asked", "turn") if stream_id else None
        if stream_id is None or meta is None:
            return None
        if meta.get("turn", b"").decode() != turn.digest:
            raise IdempotencyConflictError(stream_id)
        return Sent(stream_id, State(meta["state"].decode()), meta["asked"].decode())

    async def _busy(self, stream_id: str, owner: str, key: str | None, turn: Turn) -> Sent:
        """A stream runs: it may be the very one that is asked for, sent twice at once."""
        meta = await self._streams.log.meta(stream_id, "asked", "turn", "key") if key else None
        same = (turn.digest.encode(), keys.idempotency(owner, key or "").encode())
        if meta is None or (meta.get("turn"), meta.get("key")) != same:
            raise ConversationBusyError(stream_id)
        state = State(meta["state"].decode())
        if key is not None and state is State.QUEUED:
            # The front that took it may have died before it stood in the line.
            await self._streams.resubmit(stream_id, owner, key, turn.digest)
        return Sent(stream_id, state, meta["asked"].decode())

    # --- the model's context

    async def _check_context(self, prompt: Prompt, headers: Mapping[str, str]) -> None:
        """Raises `InvalidPromptError` for a history beyond the model's context, as far as that can be known."""
        if len(prompt.body) < COUNTED_BYTES:
            return
        body = orjson.loads(prompt.body)
        if "context_management" in body:  # the API makes room itself
            return
        counted = {name: body[name] for name in _COUNTED if name in body}
        up = _VERSION | {name: headers[name] for name in UP if name in headers} | {"content-type": "application/json"}
        try:
            async with asyncio.timeout(COUNT_SECONDS):
                limit = await self._context(prompt.model, up)
                if limit is None:
                    return
                reply = await self._upstream.ask("POST", "/v1/messages/count_tokens", "", up, orjson.dumps(counted))
            tokens = orjson.loads(reply.body)["input_tokens"] if reply.status == _OK else 0
        except (UnreachableError, TimeoutError, ValueError, KeyError, TypeError) as error:
            # The Claude API judges it then.
            logger.warning("a long conversation could not be counted: %s", type(error).__name__)
            return
        if tokens > limit:
            raise InvalidPromptError(
                f"the conversation is longer than the model's context: {tokens} tokens, and {prompt.model} takes "
                f"{limit}; fork it at an earlier message, begin another, or ask for compaction (context_management)"
            )

    async def _context(self, model: str, headers: Mapping[str, str]) -> int | None:
        """How many tokens of input a model takes, where the Claude API says so."""
        if model not in self._contexts:
            reply = await self._upstream.ask("GET", f"/v1/models/{quote(model, safe='')}", "", headers)
            if reply.status != _OK:
                return None
            limit = orjson.loads(reply.body).get("max_input_tokens")
            self._contexts[model] = limit if isinstance(limit, int) else None
        return self._contexts[model]
