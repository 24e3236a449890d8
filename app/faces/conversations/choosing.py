"""What the front does in conversations: makes another version the active one.

The rule: one path takes another's place at a time, each time in one step, so that at every moment there is a whole
branch. Not while an answer is written. Knows no HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from app.faces.conversations.branches import switched
from app.faces.conversations.keeping import Keeping
from app.intake.prompt import InvalidPromptError
from app.intake.submit import again
from app.stream.concurrency.threads import beside
from app.stream.conversations.conversation import Changed, Conversation
from app.stream.conversations.turns import Message
from app.stream.errors import ConversationBusyError, NoConversationError


class Choosing(Keeping):
    """Conversations as what may go in more than one way."""

    async def choose(self, owner: str, conversation_id: str, message_id: str) -> Conversation:
        """Makes the branch active in which a message stands, as it went on when it was left.

        Raises `NoConversationError`, `ConversationBusyError`, and `InvalidPromptError` for a message that is not there.
        """
        while True:
            found = await again(lambda: self.find(owner, conversation_id))
            if found.stream_id is not None:
                raise ConversationBusyError(found.stream_id)
            # What is asked for may be in any of them.
            async with self.bulk.turn(found.bytes + found.versions.size):
                whole = await again(lambda: self.store.read(conversation_id, messages=True))
                if whole is None or whole.position != found.position:
                    continue
                if any(message["id"] == message_id for message in whole.messages):
                    return whole
                if (step := await self._path(whole, message_id)) is not None:
                    await self._take(whole, *step)
                    continue
                now = await again(lambda: self.store.read(conversation_id))
                if now is not None and now.position == whole.position:  # it was not moved meanwhile
                    raise InvalidPromptError("message_id: there is no such message in this conversation")

    async def _take(self, found: Conversation, first: str, path: Sequence[Message]) -> None:
        """Makes a path active, unless somebody was faster."""
        large = found.bytes + found.versions.size
        change = await beside(large, lambda: switched(found, first, path))
        match await again(lambda: self.store.change(found, change)):
            case Changed.GONE:
                raise NoConversationError(deleted=True)
            case Changed.OK:
                await self._or_later(partial(self.store.used, found))
            case Changed.MOVED:  # somebody was faster, or we were, and the reply was lost
                pass

    async def _path(self, found: Conversation, message_id: str) -> tuple[str, list[Message]] | None:
        """The path to make active next: that of the message, or the one on which that hangs; None for none."""
        active = {message["id"] for message in found.messages}
        while (there := await self._with(found, message_id)) is not None:
            before = found.versions.before(there[0])
            if not before or before in active:
                return there
            message_id = before
        return None

    async def _with(self, found: Conversation, message_id: str) -> tuple[str, list[Message]] | None:
        names = sorted(found.versions.paths, key=lambda name: name != message_id)
        for name in names:
            path = await again(partial(self.store.version, found.id, name)) or []
            if any(message["id"] == message_id for message in path):
                return name, path
        return None
