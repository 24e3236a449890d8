"""The client of Keepstream: submit a prompt, read its answer, survive everything in between.

    from keepstream import Client

    with Client("http://127.0.0.1:8000", api_key=key) as client:
        stream = client.submit("Tell me about rivers")
        for event in client.events(stream["id"]):
            print(event.text, end="", flush=True)

`AsyncClient` has the same calls for programs that await. The rule: a reading ends only after the stream's ending, or
raises; a connection that ends, breaks or falls silent is opened again after the last event that was handed out. What
is named here is what may be used. It means the same as the JavaScript client, and knows the server by its wire alone.
"""

from __future__ import annotations

from .amounting import Answer
from .async_client import AsyncClient
from .async_conversations import AsyncConversations
from .client import Client
from .conversations import Conversations
from .core.interface import Given
from .errors import (
    AuthenticationError,
    BudgetError,
    ConflictError,
    GoneError,
    InvalidAnswerError,
    KeepstreamError,
    NotAllowedError,
    NotFoundError,
    RateLimitError,
    RefusedError,
    ServerError,
    UnreachableError,
)
from .events import Approval, End, Event, Outcome, Partial, Reset, Retry, Status, ToolResult
from .iterating import AsyncEvents, Events
from .shapes import (
    Cancelled,
    Conversation,
    ConversationPage,
    Feedback,
    KeptMessage,
    ListedConversation,
    Message,
    Relay,
    Said,
    Stream,
    Submitted,
    Ticket,
    Timeline,
    Tool,
    Tools,
    Usage,
    WholeConversation,
)
from .version import __version__

__all__ = [
    "Answer",
    "Approval",
    "AsyncClient",
    "AsyncConversations",
    "AsyncEvents",
    "AuthenticationError",
    "BudgetError",
    "Cancelled",
    "Client",
    "ConflictError",
    "Conversation",
    "ConversationPage",
    "Conversations",
    "End",
    "Event",
    "Events",
    "Feedback",
    "Given",
    "GoneError",
    "InvalidAnswerError",
    "KeepstreamError",
    "KeptMessage",
    "ListedConversation",
    "Message",
    "NotAllowedError",
    "NotFoundError",
    "Outcome",
    "Partial",
    "RateLimitError",
    "RefusedError",
    "Relay",
    "Reset",
    "Retry",
    "Said",
    "ServerError",
    "Status",
    "Stream",
    "Submitted",
    "Ticket",
    "Timeline",
    "Tool",
    "ToolResult",
    "Tools",
    "UnreachableError",
    "Usage",
    "WholeConversation",
    "__version__",
]
