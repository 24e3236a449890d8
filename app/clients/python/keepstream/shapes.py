"""The shapes of what comes back, as the server's description has them (`/openapi.json`).

They are dictionaries as the wire has them: what a later server adds is in them too. Times are ISO 8601 texts in UTC,
money is US dollars.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from .events import Outcome

State = Literal["queued", "running", "waiting", "ended"]


class Relay(TypedDict):
    """What a body may ask of the relay itself, in its field `relay`; what is None is as if it were not there."""

    on_interrupt: NotRequired[Literal["restart", "fail"]]
    abandon_after: NotRequired[float | None]
    ticket: NotRequired[bool]
    cache: NotRequired[float | None]
    tools: NotRequired[list[str] | None]
    max_turns: NotRequired[int | None]
    delivery: NotRequired[Literal["progressive", "final"] | None]
    validate: NotRequired[bool | None]
    repair: NotRequired[int | None]
    cache_prompt: NotRequired[Literal["5m", "1h"] | bool | None]


class ErrorDetail(TypedDict):
    type: str
    message: str


class Submitted(TypedDict):
    """What was accepted; `events_url` and `cancel_url` are paths. `ticket`: where one was asked for."""

    id: str
    state: State
    events_url: str
    cancel_url: str
    ticket: NotRequired[str]


class Said(Submitted):
    """A message that was accepted: the user's is `message_id`, the answer is going to be `answer_id`."""

    conversation_id: str
    message_id: str
    answer_id: str


class Approval(TypedDict):
    """A call of a tool of which a person is asked."""

    tool_use_id: str
    name: str
    input: Any


class Message(TypedDict):
    """A Message of the Claude API."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    content: list[dict[str, Any]]
    model: NotRequired[str]
    stop_reason: NotRequired[str | None]
    usage: NotRequired[dict[str, Any]]


class UpstreamCall(TypedDict):
    """A call of the Claude API, as the ledger has it."""

    n: int
    request_id: str | None
    model: str
    state: str
    usage: dict[str, Any] | None
    cost_usd: float | None
    estimated: bool


class Stream(TypedDict):
    """A stream as it stands. `position` while it waits in the line; from `outcome` on once it has ended.

    `state` is `waiting` while a person has to approve a tool; `turns`: where a worker ran tools, the Message of each.
    """

    id: str
    state: State
    attempt: int
    offset: str | None
    model: str
    created_at: str | None
    started_at: str | None
    ended_at: str | None
    calls: list[UpstreamCall]
    position: NotRequired[int]
    outcome: NotRequired[Outcome | None]
    stop_reason: NotRequired[str | None]
    usage: NotRequired[dict[str, Any] | None]
    estimated: NotRequired[Literal[True]]
    cost_usd: NotRequired[float | None]
    cached_from: NotRequired[str]
    shared_with: NotRequired[str]
    message: NotRequired[Message | None]
    turns: NotRequired[list[Message]]
    approvals: NotRequired[list[Approval]]
    partial: NotRequired[Literal[True]]
    error: NotRequired[ErrorDetail | None]
    metadata: NotRequired[dict[str, Any]]
    feedback: NotRequired[Feedback]


class Tool(TypedDict):
    """What a worker runs for who names it in `relay={"tools": […]}`."""

    name: str
    description: str
    input_schema: dict[str, Any]
    approve: bool
    repeatable: bool


class Tools(TypedDict):
    tools: list[Tool]


class Cancelled(TypedDict):
    id: str
    state: State


class Ticket(TypedDict):
    """Whoever has the `ticket` may read what it opens, until `expires_at`; `events_url` is a path that carries it."""

    ticket: str
    expires_at: str
    events_url: str


class Feedback(TypedDict):
    """A word on an answer: 1 is good, -1 is bad."""

    rating: Literal[1, -1]
    note: NotRequired[str | None]


class TimelineEntry(TypedDict):
    """`event` as the log calls it, `text` in plain words; what else there is depends on the event."""

    at: str
    event: str
    text: str
    attempt: NotRequired[int]
    upstream_request_id: NotRequired[str]


class Timeline(TypedDict):
    """What happened to a stream, and in `why` a line that says why it ended as it did, or what it waits for."""

    id: str
    state: State
    why: str
    data: list[TimelineEntry]
    left_out: int


class UsageSums(TypedDict):
    """Sums of streams by the day on which they ended; `saved_usd` is what prompt caching saved."""

    streams: int
    calls: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float
    saved_usd: float


class UsageRow(UsageSums):
    """A day, a model or a user, whichever was asked for."""

    day: NotRequired[str]
    model: NotRequired[str]
    user: NotRequired[str]


class Usage(TypedDict):
    """`forecast_usd`: what this month will have cost if it goes on as until now."""

    data: list[UsageRow]
    total: UsageSums
    forecast_usd: float


class Fork(TypedDict):
    id: str
    at: str


class Timing(TypedDict):
    """Milliseconds from the submit."""

    first_token_ms: int | None
    total_ms: int | None


class Step(TypedDict):
    role: Literal["user", "assistant"]
    content: list[dict[str, Any]]


class KeptMessage(TypedDict):
    """A message of a conversation; from `stream_id` on of an answer alone.

    `steps`: where tools were run, the turns before `content`, as the Messages API takes them; `tool_results` are of
    calls in `content`. `versions`: where there are several in this place, the ids of all of them, the oldest first.
    """

    id: str
    role: Literal["user", "assistant"]
    content: list[dict[str, Any]] | None
    created_at: str
    steps: NotRequired[list[Step]]
    tool_results: NotRequired[list[dict[str, Any]]]
    continues: NotRequired[str]
    versions: NotRequired[list[str]]
    stream_id: NotRequired[str]
    model: NotRequired[str | None]
    partial: NotRequired[Literal[True]]
    outcome: NotRequired[Outcome]
    stop_reason: NotRequired[str | None]
    usage: NotRequired[dict[str, Any] | None]
    cost_usd: NotRequired[float | None]
    saved_usd: NotRequired[float]
    timing: NotRequired[Timing]
    error: NotRequired[ErrorDetail]
    feedback: NotRequired[Feedback]


class Conversation(TypedDict):
    id: str
    title: str | None
    system: str | None
    model: str | None
    created_at: str
    updated_at: str
    forked_from: NotRequired[Fork]


class Match(TypedDict):
    """Where a search found it, and what stands around it; `message_id` is None for the title."""

    message_id: str | None
    text: str


class ListedConversation(Conversation):
    """`stream_id`: the stream that runs in it, or None."""

    stream_id: str | None
    match: NotRequired[Match]


class Title(TypedDict):
    title: str | None


class ConversationPage(TypedDict):
    """`last_id`: where the next page begins (`before=`), if it `has_more`."""

    data: list[ListedConversation]
    has_more: bool
    last_id: str | None


class WholeConversation(Conversation):
    """`stream_id`: the stream that runs in it, or None; its answer will be `answer_id`. `offset`: of its events."""

    offset: str
    stream_id: str | None
    answer_id: str | None
    messages: list[KeptMessage]
