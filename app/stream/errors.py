"""The tree of our errors. Each says whose fault it is; only the routes know which HTTP status that makes.

And where any exception was raised: all that is told of one besides its class, for its words may quote a prompt.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from traceback import walk_tb

from app.stream.accounts import Over

_ROOT = Path(__file__).resolve().parent.parent.parent
_OURS = ("app", "worker")


class KeepstreamError(Exception):
    """Anything Keepstream itself refuses or cannot do."""


class MalformedIdError(KeepstreamError):
    """The client's fault: an event id that no log could ever have held."""


class IdempotencyConflictError(KeepstreamError):
    """The client's fault: an Idempotency-Key that stands for another body, that of `stream_id`."""

    def __init__(self, stream_id: str) -> None:
        super().__init__("this Idempotency-Key was used with another body")
        self.stream_id = stream_id


class QueueFullError(KeepstreamError):
    """Nobody's fault: as many streams wait as may, or as many `of_owner`. Come back after `retry_after` seconds."""

    def __init__(self, retry_after: int, *, of_owner: bool = False) -> None:
        super().__init__("too many of your streams are waiting" if of_owner else "too many streams are waiting")
        self.retry_after = retry_after


class LimitedError(KeepstreamError):
    """The client's doing: more than its owner's limits have room for. `over` tells which, and when it has."""

    def __init__(self, over: Over) -> None:
        super().__init__(f"there is no room in {over.limit}")
        self.over = over


class NotAcceptedError(KeepstreamError):
    """Nobody's fault: what Redis took of a submit was lost or withdrawn before the submit was whole. Ask again."""


class BusyError(KeepstreamError):
    """Nobody's fault: others are being served with as much as is held at once. Ask again."""


class UnfitServerError(KeepstreamError):
    """The operator's fault: a Redis that cannot keep what it acknowledges, is too old, or does not let us in."""


class ConversationError(KeepstreamError):
    """What a conversation cannot do."""


class NoConversationError(ConversationError):
    """The client's fault: no such conversation, or another's; `deleted`: it was there once."""

    def __init__(self, *, deleted: bool = False) -> None:
        super().__init__("the conversation was deleted" if deleted else "there is no such conversation")
        self.deleted = deleted


class ConversationBusyError(ConversationError):
    """Nobody's fault: `stream_id` runs in the conversation, and one at a time may."""

    def __init__(self, stream_id: str) -> None:
        super().__init__(f"the stream {stream_id} still runs in this conversation; wait for its ending, or cancel it")
        self.stream_id = stream_id


class ConversationFullError(ConversationError):
    """The client's fault: more in one conversation than is kept."""


class NoCallError(ConversationError):
    """The client's fault: results of tools that nobody has called."""

    def __init__(self) -> None:
        super().__init__("the conversation does not end with an answer that calls a tool of the client's")


class TooManyConversationsError(ConversationError):
    """The client's fault: more conversations than an owner may keep."""


def place_of(error: BaseException) -> str:
    """The function, file and line: the deepest of ours, or the deepest of all where none is."""
    place, is_ours = "an unknown place", False
    for frame, line in walk_tb(error.__traceback__):
        shown, ours = file_of(frame.f_code.co_filename)
        if ours or not is_ours:
            place, is_ours = f"{frame.f_code.co_name} ({shown}:{line})", ours
    return place


@lru_cache(maxsize=1000)
def file_of(name: str) -> tuple[str, bool]:
    """What is shown of a module's file, and whether it is one of ours."""
    path = Path(name)
    ours = path.is_relative_to(_ROOT) and path.relative_to(_ROOT).parts[0] in _OURS
    return str(path.relative_to(_ROOT)) if ours else path.name, ours
