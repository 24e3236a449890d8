"""What the front does in conversations: has the model give one a title.

The rule: it is asked once for each conversation, whoever asks how often, by a stream like any other, which its owner's
limits and ledger know; and it takes the place of the first words alone, never of what a person has written. Knows no
HTTP.
"""

from __future__ import annotations

import asyncio

from app.faces.conversations.keeping import Keeping, Submits
from app.faces.conversations.listed.titles import title_from, title_request
from app.intake.prompt import prompt_of
from app.intake.streams import NOTHING
from app.intake.submit import again
from app.stream.concurrency.threads import beside
from app.stream.conversations import turns
from app.stream.conversations.conversation import Change, Changed, Conversation
from app.stream.errors import IdempotencyConflictError
from app.stream.log import State
from app.stream.readback.values import parse

# Whoever asks waits so long; the title comes all the same where somebody asks again.
TITLE_SECONDS = 20.0
PAUSES = (0.05, 0.1, 0.2, 0.4)


class Naming(Keeping):
    """Conversations as what is called something."""

    async def name(self, owner: str, conversation_id: str, submits: Submits) -> str | None:
        """The title, made by the model where it is the first words still. Raises `NoConversationError` and what
        `Submits.submit` raises.
        """
        found = await again(lambda: self.find(owner, conversation_id))
        if not found.text("provisional"):
            return found.text("title")
        stream_id = await self._ask(found, submits)
        made = await self._made(stream_id) if stream_id is not None else ""
        while found.text("provisional") and made:
            event = turns.updated(made, found.text("system"), found.text("model"))
            change = Change([event], fields={"title": made, "provisional": ""})
            if await again(lambda: self.store.change(found, change)) is Changed.OK:  # noqa: B023  # is awaited right here
                return made
            found = await again(lambda: self.find(owner, conversation_id))
        return found.text("title")

    async def _ask(self, found: Conversation, submits: Submits) -> str | None:
        """The stream that makes the title; None where there is nothing to make one of."""
        async with self.bulk.turn(found.bytes):
            whole = await again(lambda: self.find(found.owner, found.id, messages=True))
            body = await beside(found.bytes, lambda: title_request(whole.messages, self._settings.title_model))
        if body is None:
            return None
        key = f"title of {found.id}"
        try:
            accepted = await submits.submit(prompt_of(body, None), idempotency_key=key, fields={}, along=NOTHING)
        except IdempotencyConflictError as error:  # it was asked for when the conversation began in another way
            return error.stream_id
        return accepted.stream_id

    async def _made(self, stream_id: str) -> str:
        """The title that a stream makes; "" where none came, or none in time."""
        loop = asyncio.get_running_loop()
        until, n = loop.time() + TITLE_SECONDS, 0
        while loop.time() < until:
            meta = await again(lambda: self._streams.log.meta(stream_id, "message"))
            if meta is None:
                return ""
            if meta["state"] == State.ENDED.encode():
                message = parse(meta.get("message"))
                return title_from(message) if isinstance(message, dict) else ""
            await asyncio.sleep(PAUSES[min(n, len(PAUSES) - 1)])
            n += 1
        return ""
