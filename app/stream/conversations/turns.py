"""The messages of a conversation, and the events that tell of them.

Pure. The rule: an answer is made once, from a stream that has ended; it has the content of one attempt, the newest,
and says how it ended and whether that is all of it. Times are milliseconds of Redis' clock where they come in, and ISO
texts where they go out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from app.stream.accounts import NANO
from app.stream.conversations import answer_steps
from app.stream.endings import Outcome, end_data, is_withheld
from app.stream.ledger.lines import calls_of
from app.stream.readback.steps import FIELDS as STEPS_FIELDS
from app.stream.readback.steps import Steps
from app.stream.readback.values import parse

Message = dict[str, Any]
Event = tuple[str, dict[str, Any]]

# What an event carries of a message; more than that is fetched, and does not fill the log.
EVENT_CONTENT_BYTES = 16 * 1024
NO_STEPS = Steps()
# The fields of a stream's meta that an answer is made of.
ANSWER_FIELDS = (
    "outcome", "message", "partial", "error", "stop_reason", "usage", "cost_usd", "model",
    "created_at", "first_at", "ended_at", "calls", "delivery", "tools", *STEPS_FIELDS
)  # fmt: skip
# What content comes to stand in: a message, a history, an event, an answer over HTTP.
WRAPPING = 8
LOST = {"type": "api_error", "message": "the stream was lost; regenerate the answer"}
# What came of these is kept, because people saw it, and is no whole answer.
PARTIAL = frozenset({Outcome.FAILED, Outcome.CANCELLED, Outcome.EXPIRED})


def iso(milliseconds: int) -> str:
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def user_message(message_id: str, content: Sequence[Mapping[str, Any]], now: int, continues: str = "") -> Message:
    message: Message = {"id": message_id, "role": "user", "content": list(content), "created_at": iso(now)}
    return message | ({"continues": continues} if continues else {})


def answer_id(stream_id: str) -> str:
    """The id of the message that a stream writes: known before it ends, and the same whoever adds it."""
    return "msg_" + stream_id.removeprefix("st_")


def answer(
    stream_id: str,
    meta: Mapping[str, bytes] | None,
    standing: Sequence[Mapping[str, Any]],
    now: int,
    steps: Steps = NO_STEPS,
) -> Message:
    """The answer that an ended stream is, by the `ANSWER_FIELDS` of its meta; None is a stream that is lost.

    `standing` are the blocks of its newest attempt, for a stream whose meta has no Message; `steps` its turns before
    the last one. `partial` marks what is no whole answer.
    """
    meta = meta or {"outcome": Outcome.FAILED.encode(), "error": orjson.dumps(LOST)}
    outcome = meta.get("outcome", b"failed").decode()
    stored = parse(meta.get("message"))
    content: Any = stored.get("content") if isinstance(stored, dict) else None
    if not isinstance(content, list):
        content = list(standing)
    earlier, results = answer_steps.before(steps), answer_steps.brought(meta.get("message", b""), steps.results)
    if is_withheld(meta):
        content = earlier = results = []
    if not _can_be_written([earlier, results]):
        earlier = results = []
    if not _can_be_written(content):
        content = [{"type": "text", "text": block["text"]} for block in content if block.get("type") == "text"]
    is_partial = outcome in PARTIAL
    if is_partial and not any(map(says_something, content)):
        content = []
    message: Message = {
        "id": answer_id(stream_id),
        "role": "assistant",
        "content": content,
        "created_at": iso(now),
        "stream_id": stream_id,
        "model": meta.get("model", b"").decode() or None,
        "outcome": outcome,
        "stop_reason": meta.get("stop_reason", b"").decode() or None,
        "usage": parse(meta.get("usage")),
        "cost_usd": parse(meta.get("cost_usd")),
        "timing": _timing(meta, is_answer=bool(content) or not is_partial),
    }
    error, saved = parse(meta.get("error")), calls_of(meta.get("calls"), 0, "").sums.saved_nano
    if saved > 0:
        message["saved_usd"] = saved / NANO
    if earlier:
        message[answer_steps.STEPS] = earlier
    if results:
        message[answer_steps.RESULTS] = results
    said = bool(content or earlier)
    return message | ({"partial": True} if said and is_partial else {}) | ({"error": error} if error else {})


def says_something(block: Mapping[str, Any]) -> bool:
    """Whether a block is more than a text that is empty yet."""
    return block.get("type") != "text" or bool(str(block.get("text") or "").strip())


def _timing(meta: Mapping[str, bytes], *, is_answer: bool) -> dict[str, int | None]:
    """Milliseconds from the submit to the answer's first content, and to the ending; None for what is not known."""
    total = _milliseconds(meta, "ended_at")
    first = _milliseconds(meta, "first_at") if is_answer else None
    if first is not None and total is not None:
        first = min(first, total)  # its worker has counted it on from Redis' clock, which may have been set since
    return {"first_token_ms": first, "total_ms": total}


def _milliseconds(meta: Mapping[str, bytes], name: str) -> int | None:
    try:
        return max(int(meta[name]) - int(meta["created_at"]), 0)
    except (KeyError, ValueError):
        return None


def _can_be_written(content: Any) -> bool:
    """Whether content is not nested too deeply to stand in a history: a model writes a tool's input as it likes."""
    for _ in range(WRAPPING):
        content = [content]
    try:
        orjson.dumps(content)
    except TypeError:
        return False
    return True


def stands_in_log(meta: Mapping[str, bytes]) -> bool:
    """Whether what people saw of an ended stream stands in its log alone: nobody who read it wrote the ending."""
    return "message" not in meta and meta.get("outcome", b"").decode() != Outcome.REFUSED


def added(message: Message) -> Event:
    spoken = [message.get(name) for name in ("content", answer_steps.STEPS, answer_steps.RESULTS)]
    if len(orjson.dumps(spoken)) > EVENT_CONTENT_BYTES:
        message = answer_steps.without_content(message)
    return "message.added", {"message": message}


def removed(after: str | None) -> Event:
    return "messages.removed", {"after": after}


def started(stream_id: str, message_id: str, model: str, root_path: str = "") -> Event:
    path = f"{root_path}/v1/streams/{stream_id}"
    return "stream.started", {
        "stream_id": stream_id,
        "message_id": message_id,
        "answer_id": answer_id(stream_id),
        "model": model,
        "events_url": f"{path}/events",
        "cancel_url": f"{path}/cancel",
    }


def ended(message: Message) -> Event:
    names = ("stream_id", "outcome", "stop_reason", "usage", "cost_usd", "timing", "error")
    return "stream.ended", {"answer_id": message["id"]} | {name: message[name] for name in names if name in message}


def updated(title: str | None, system: str | None, model: str | None) -> Event:
    return "conversation.updated", {"title": title, "system": system, "model": model}


def deleted() -> list[Event]:
    """The last events: readers stop at a `relay.end`."""
    return [("conversation.deleted", {}), ("relay.end", end_data(Outcome.CANCELLED, attempts=0))]
