"""Conversations that Keepstream keeps, for programs that await. `conversations.py` has the same calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from .core import interface
from .core.interface import UNSET, Content, Given
from .core.resuming import OnState, Reading, heedless
from .iterating import AsyncEvents
from .shapes import Conversation, ConversationPage, Said, Ticket, Title, WholeConversation
from .wire.awaiting import AsyncWire


class AsyncConversations:
    """`client.conversations`. A message is answered by a stream: read it with `client.events(said["id"])`."""

    def __init__(self, wire: AsyncWire) -> None:
        self._wire = wire

    async def create(
        self, *, title: str | None = None, system: str | None = None, model: str | None = None
    ) -> WholeConversation:
        """Begins one. `system` and `model` are those of its answers."""
        return await self._wire.send(interface.create_conversation(title, system, model))

    async def list(
        self, *, limit: int | None = None, before: str | None = None, query: str | None = None
    ) -> ConversationPage:
        """A page of them, the last used first; the next one with `before=page["last_id"]` if it `has_more`.

        With `query` those in whose title or messages it stands: a page may be short, or empty, and have more.
        """
        return await self._wire.send(interface.list_conversations(limit, before, query))

    async def get(self, conversation_id: str) -> WholeConversation:
        """One with its messages, and in `stream_id` the stream that runs in it, or None."""
        return await self._wire.send(interface.get_conversation(conversation_id))

    async def say(
        self,
        conversation_id: str,
        content: Content,
        *,
        after: str | None = UNSET,
        idempotency_key: str | None = None,
        on_state: OnState = heedless,
        **fields: Any,
    ) -> Said:
        """Says something: a text, or content blocks. Returns the answer's stream.

        With `after` what stands behind that message is dropped first (None: all). `fields` are the Messages API's
        (`model`, `max_tokens`, …), for this answer. As `submit` it is tried again, and said once. `ConflictError` names
        in `stream_id` the stream that still runs.
        """
        body = fields | {"content": content, "after": after}
        return await self.send(conversation_id, body, idempotency_key=idempotency_key, on_state=on_state)

    async def regenerate(
        self,
        conversation_id: str,
        *,
        after: str | None = UNSET,
        idempotency_key: str | None = None,
        on_state: OnState = heedless,
        **fields: Any,
    ) -> Said:
        """Has the user's last message, or the one that `after` names, answered anew. As `say`."""
        body = fields | {"regenerate": True, "after": after}
        return await self.send(conversation_id, body, idempotency_key=idempotency_key, on_state=on_state)

    async def continue_(
        self,
        conversation_id: str,
        *,
        idempotency_key: str | None = None,
        on_state: OnState = heedless,
        **fields: Any,
    ) -> Said:
        """Goes on where the last answer was truncated or cancelled (`{"continue": true}`). As `say`."""
        body = fields | {"continue": True}
        return await self.send(conversation_id, body, idempotency_key=idempotency_key, on_state=on_state)

    async def tool_results(
        self,
        conversation_id: str,
        results: Sequence[Given],
        *,
        idempotency_key: str | None = None,
        on_state: OnState = heedless,
    ) -> Said:
        """What tools of one's own gave, as `Client.tool_results` of a stream: the last answer goes on."""
        request = interface.conversation_tool_results(conversation_id, results)
        return await self._wire.submit(request, idempotency_key, on_state)

    async def send(
        self,
        conversation_id: str,
        body: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        on_state: OnState = heedless,
    ) -> Said:
        """What the others say, with the whole body of `POST /v1/conversations/{id}/messages`."""
        return await self._wire.submit(interface.say(conversation_id, body), idempotency_key, on_state)

    async def update(
        self,
        conversation_id: str,
        *,
        title: str | None = UNSET,
        system: str | None = UNSET,
        model: str | None = UNSET,
    ) -> Conversation:
        """Changes what is given; None takes it away."""
        request = interface.update_conversation(conversation_id, title=title, system=system, model=model)
        return await self._wire.send(request)

    async def rename(self, conversation_id: str, title: str | None) -> Conversation:
        """Gives it another title."""
        return await self.update(conversation_id, title=title)

    async def title(self, conversation_id: str) -> Title:
        """Has the model make a title of the first exchange, while it has none but the first words."""
        return await self._wire.send(interface.name_conversation(conversation_id))

    async def choose(self, conversation_id: str, message_id: str) -> Conversation:
        """Makes the version active in which this message stands, one of `versions`. `ConflictError` while one runs."""
        return await self._wire.send(interface.choose_version(conversation_id, message_id))

    async def fork(self, conversation_id: str, at: str, *, title: str | None = None) -> WholeConversation:
        """Begins another one with what was said up to the message `at`."""
        return await self._wire.send(interface.fork_conversation(conversation_id, at, title))

    async def delete(self, conversation_id: str) -> None:
        """Deletes it; a stream that runs in it is cancelled."""
        await self._wire.send(interface.delete_conversation(conversation_id))

    def events(self, conversation_id: str, *, after: str = "", on_state: OnState = heedless) -> AsyncEvents:
        """What happens in it, by whomever, until it is deleted: `message.added`, `stream.started`, ….

        `after` is an id, such as the `offset` that `get` gives. After `Reset`, get the conversation again.
        """
        reading = Reading(after)
        return AsyncEvents(self._wire.read(interface.conversation_events(conversation_id), reading, on_state), reading)

    async def ticket(self, conversation_id: str, *, expires_in: float | None = None) -> Ticket:
        """What opens its events, and the streams in it, also later ones, to whoever has it."""
        return await self._wire.send(interface.conversation_ticket(conversation_id, expires_in))

    async def export(self, conversation_id: str, kind: Literal["json", "markdown"] = "json") -> str:
        """All of it as a text for people to keep."""
        return await self._wire.send(interface.export_conversation(conversation_id, kind))
