"""What the front does in conversations: says something in one, and has it answered.

The rule: a stream belongs to a conversation from before any worker can have it until its answer is added, and a
message whose stream was refused is as if it had never been said. Knows no HTTP.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from app.faces.conversations.branches import Aside, aside, told
from app.faces.conversations.choosing import Choosing
from app.faces.conversations.context import Context, with_messages
from app.faces.conversations.history import Plan, messages_json, plan, title_of
from app.faces.conversations.keeping import Submits
from app.faces.conversations.listed.naming import Naming
from app.faces.conversations.listed.searching import Searching
from app.faces.conversations.prompt import Mode, Turn
from app.http.bulk import Bulk
from app.intake.calls.inheriting import FIELDS as INHERITED
from app.intake.calls.inheriting import headers_of, inherited
from app.intake.calls.results import resumes
from app.intake.prompt import Prompt, prompt_of
from app.intake.raw_json import Fields, raw
from app.intake.relay import CACHE_PROMPT
from app.intake.streams import Streams
from app.intake.submit import Along, again, withdrawal_of
from app.settings import Settings
from app.stream import keys
from app.stream.accounts import NO_STANDING, Standing
from app.stream.concurrency.threads import beside
from app.stream.conversations import turns
from app.stream.conversations.conversation import Change, Changed, Conversation
from app.stream.conversations.store import size
from app.stream.errors import (
    ConversationBusyError,
    ConversationFullError,
    IdempotencyConflictError,
    KeepstreamError,
    NoConversationError,
    QueueFullError,
)
from app.stream.log import State
from app.stream.queue import RETRY_AFTER_SECONDS
from app.upstream import Upstream

# For so long one waits for a stream that is being taken back, before one is told that it runs.
TAKEN_BACK_SECONDS = 2.0
TAKEN_BACK_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Sent:
    """`message_id` is the message that the stream answers; `standing` what is left of the owner's rates."""

    stream_id: str
    state: State
    message_id: str
    standing: Standing = NO_STANDING


@dataclass(frozen=True, slots=True)
class _Made:
    """What a turn makes of a conversation: how many bytes are active then, and what is put away."""

    plan: Plan
    bytes: int
    left: Aside


@dataclass(frozen=True, slots=True)
class _Said:
    """What is needed to take back what was said: what stood before it, and what it took the place of."""

    found: Conversation
    keep: int
    dropped: tuple[turns.Message, ...]
    left: Aside


# What stands for a history where only the rest of a request is looked at.
_SOMETHING = [{"role": "user", "content": "."}]
# The field of a stream's meta that says what it answers, and as fronts of an older version call it: a loop of tools
# writes there which turn it is in.
SAID = "said"
_SAID = (SAID, "turn")
_NOT_OF_THE_REST = ("messages", "stream", "relay")


class _MovedError(KeepstreamError):
    """Somebody was faster: read again."""


class Conversing(Choosing, Naming, Searching):
    """The conversations of one Redis, as a front sees them."""

    def __init__(self, streams: Streams, upstream: Upstream, settings: Settings, bulk: Bulk) -> None:
        super().__init__(streams, settings, bulk)
        self._context = Context(upstream)

    async def send(
        self,
        owner: str,
        conversation_id: str,
        turn: Turn,
        headers: Mapping[str, str],
        submits: Submits,
        *,
        key: str | None,
    ) -> Sent:
        """Says something in a conversation and has it answered, by a stream that `submits` accepts.

        Raises `NoConversationError`, `ConversationBusyError`, `ConversationFullError`, `InvalidPromptError` and what
        `Submits.submit` raises; then nothing was said.
        """
        if key is not None and (sent := await again(lambda: self._said(owner, key, turn))) is not None:
            return sent
        while True:
            found = await again(lambda: self.find(owner, conversation_id))
            if found.stream_id is not None:
                if await self._is_taken_back(found):
                    continue
                return await self._busy(found.stream_id, owner, key, turn, submits)
            try:
                async with self.bulk.turn(found.bytes):
                    whole = await again(lambda: self.store.read(conversation_id, messages=True))
                    if whole is None or whole.position != found.position:
                        continue
                    return await self._send(whole, turn, headers, submits, key=key)
            except _MovedError:
                continue

    async def _send(
        self, found: Conversation, turn: Turn, headers: Mapping[str, str], submits: Submits, *, key: str | None
    ) -> Sent:
        turn, inherits = await self._goes_on(found, turn)
        headers = {**inherits, **headers}
        most = self._settings.conversation_bytes
        made, messages = await beside(found.bytes + turn.size, lambda: _made(found, turn, most))
        if made.bytes > most:
            raise ConversationFullError("the conversation is as large as it may be; fork it earlier, or begin another")
        prompt, rest = await beside(turn.size, lambda: self._prompt(found, turn, submits))
        prompt = replace(prompt, body=with_messages(rest, messages))
        if await again(self._streams.queue.waiting) >= self._settings.queue_limit:
            raise QueueFullError(RETRY_AFTER_SECONDS)

        async def claim(stream_id: str) -> None:
            change = await beside(turn.size, lambda: self._change(found, made, stream_id, prompt.model))
            match await again(lambda: self.store.change(found, change)):
                case Changed.MOVED:
                    # By ourselves, where the reply to a first try was lost.
                    now = await again(lambda: self.store.read(found.id))
                    if now is None or now.stream_id != stream_id:
                        raise _MovedError
                case Changed.GONE:
                    raise NoConversationError(deleted=True)
                case Changed.OK:
                    pass

        dropped = found.messages[made.plan.keep :]
        said = _Said(replace(found, messages=()), made.plan.keep, dropped, made.left)
        along = Along(
            # Behind the screen and the limits: the Claude API counts nothing that is not to be sent to it.
            before=partial(self._context.check, prompt.model, rest, messages, headers),
            opened=claim,
            undo=partial(self._take_back, said),
            undo_bytes=found.bytes if dropped else 0,
        )
        fields = {"conversation": found.id, "asked": made.plan.asked, SAID: turn.digest, **resumes(rest)}
        if key is not None:
            fields["key"] = keys.idempotency(found.owner, key)
        accepted = await submits.submit(prompt, idempotency_key=key, fields=fields, along=along, inherited=inherits)
        if accepted.repeated:
            meta = await again(lambda: self._streams.log.meta(accepted.stream_id, "asked")) or {}
            return Sent(accepted.stream_id, accepted.state, meta.get("asked", b"").decode(), accepted.standing)
        await self._or_later(lambda: self.store.used(found))
        return Sent(accepted.stream_id, accepted.state, made.plan.asked, accepted.standing)

    async def _goes_on(self, found: Conversation, turn: Turn) -> tuple[Turn, dict[str, str]]:
        """A turn with what it takes over from the answer that it goes on with, and the headers that it does."""
        stream_id = found.messages[-1].get("stream_id") if turn.mode is Mode.RESULTS and found.messages else None
        if stream_id is None:
            return turn, {}
        meta = await again(lambda: self._streams.log.meta(stream_id, *INHERITED, "turns")) or {}
        asked, turns = meta.get("request", b""), int(meta.get("turns", b"1"))
        fields = await beside(len(asked), lambda: inherited(turn.fields, meta, turns))
        return replace(turn, fields=fields), headers_of(meta)

    def _prompt(self, found: Conversation, turn: Turn, submits: Submits) -> tuple[Prompt, Fields]:
        """The prompt but for its body, and what that has besides its messages."""
        body: dict[str, Any] = {
            "model": found.text("model") or self._settings.model,
            "max_tokens": submits.max_tokens(self._settings.max_tokens),
            "messages": _SOMETHING,
        }
        if system := found.text("system"):
            body["system"] = system
        prompt = prompt_of(body | turn.fields, None)
        rest = {name: raw(value) for name, value in (body | turn.fields).items() if name not in _NOT_OF_THE_REST}
        if prompt.relay.cache_prompt is None:  # each turn says again all that was said before it
            prompt = replace(prompt, relay=replace(prompt.relay, cache_prompt=CACHE_PROMPT[0]))
        return replace(prompt, body=b"", digest=turn.digest), rest

    def _change(self, found: Conversation, made: _Made, stream_id: str, model: str) -> Change:
        keep, add, left = made.plan.keep, made.plan.add, made.left
        versions = left.versions.add(left.before, add["id"] if add else turns.answer_id(stream_id))
        events: list[turns.Event] = []
        fields: dict[str, str | int] = {"stream": stream_id, "asked": made.plan.asked, "bytes": made.bytes}
        fields |= {"life": self._life_ms, "versions": versions.written()}
        if keep < len(found.messages):
            events.append(turns.removed(left.before or None))
        if add is not None:
            events += map(turns.added, versions.marked([add], left.before))
            if not keep and found.text("title") is None and (title := title_of(add["content"])):
                fields |= {"title": title, "provisional": "1"}
                events.append(turns.updated(title, found.text("system"), found.text("model")))
        events.append(turns.started(stream_id, made.plan.asked, model, self._settings.root_path))
        return Change(events, keep, [add] if add else [], fields, left.put, left.gone)

    async def _take_back(self, said: _Said, stream_id: str) -> None:
        """Takes back what was said: its stream was not accepted. What it took the place of stands again."""
        while True:
            found = await self.store.read(said.found.id)
            if found is None or found.deleted or found.stream_id != stream_id:
                return
            versions = said.found.versions.forget(*said.left.gone)  # but for what went for want of room
            dropped = versions.marked(said.dropped, said.left.before)
            back = await beside(said.found.bytes, partial(told, dropped))
            events = [turns.removed(said.left.before or None), *back]
            fields: dict[str, str | int] = {"stream": "", "asked": "", "bytes": said.found.bytes}
            fields["versions"] = versions.written()
            # Its first words were the title; one that a person gave meanwhile stays.
            if said.found.text("title") is None and not said.keep and found.text("provisional"):
                fields |= {"title": "", "provisional": ""}
                events.append(turns.updated(None, found.text("system"), found.text("model")))
            change = Change(events, said.keep, said.dropped, fields, gone=[said.left.put] if said.left.put else [])
            if await self.store.change(found, change) is not Changed.MOVED:
                return

    async def _is_taken_back(self, found: Conversation) -> bool:
        """Whether what stands in the way was taken back meanwhile: its request got an error, and its client is back."""
        assert found.stream_id is not None  # noqa: S101  # for the type checker
        loop = asyncio.get_running_loop()
        until = loop.time() + TAKEN_BACK_SECONDS
        while loop.time() < until:
            meta = await self._streams.log.meta(found.stream_id, "withdrawn") or {}
            if "withdrawn" not in meta and not self._streams.owed.owes(withdrawal_of(found.stream_id)):
                break
            await asyncio.sleep(TAKEN_BACK_PAUSE_SECONDS)
            now = await self.store.read(found.id)
            if now is None or now.stream_id != found.stream_id:
                return True
        return False

    async def _said(self, owner: str, key: str, turn: Turn) -> Sent | None:
        """What was said with this Idempotency-Key. Raises `IdempotencyConflictError` for something else."""
        stream_id = await self._streams.queue.find(owner, key)
        meta = await self._streams.log.meta(stream_id, "asked", *_SAID, "withdrawn") if stream_id else None
        if stream_id is None or meta is None or "withdrawn" in meta:
            return None
        if _digest(meta) != turn.digest:
            raise IdempotencyConflictError(stream_id)
        if not await self._streams.keep(stream_id):
            return None
        return Sent(stream_id, State(meta["state"].decode()), meta["asked"].decode())

    async def _busy(self, stream_id: str, owner: str, key: str | None, turn: Turn, submits: Submits) -> Sent:
        """A stream runs: it may be the very one that is asked for, sent twice at once."""
        meta = await self._streams.log.meta(stream_id, "asked", *_SAID, "key") if key else None
        same = (turn.digest, keys.idempotency(owner, key or "").encode())
        if meta is None or (_digest(meta), meta.get("key")) != same:
            raise ConversationBusyError(stream_id)
        state = State(meta["state"].decode())
        # The front that took it may have died before it stood in the line, or may be about to withdraw it.
        waits = key is not None and state is State.QUEUED
        if not await (submits.resubmit(stream_id, key or "", turn.digest) if waits else self._streams.keep(stream_id)):
            raise ConversationBusyError(stream_id)
        return Sent(stream_id, state, meta["asked"].decode())


def _digest(meta: Mapping[str, bytes]) -> str:
    """Of what was said that a stream answers."""
    return next((meta[name].decode() for name in _SAID if name in meta), "")


def _made(found: Conversation, turn: Turn, most: int) -> tuple[_Made, bytes]:
    """What a turn makes of a history that may have `most` bytes, and what of it goes upstream."""
    made = plan(turn, found.messages, "msg_" + secrets.token_hex(16), found.now)
    added = [made.add] if made.add else []
    kept = [*found.messages[: made.keep], *added]
    size_ = found.bytes - size(found.messages[made.keep :]) + size(added)
    return _Made(made, size_, aside(found, made.keep, most - size_)), messages_json(kept)
