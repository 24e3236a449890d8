"""The log as the AI SDK's UI message stream (protocol v1): `data:` lines of one JSON chunk each, and `[DONE]`.

Pure. The law: what a client is given is a whole message or says that it is none (`error`, `abort`); the SDK takes any
clean end for success, so the end of the body is never the only word. Comments are the only heartbeat, because an
unknown chunk, or an event with a name, kills the client's stream. Knows no HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from app import surrogates
from app.faces.chat.view_blocks import Block, Chunk, Json, Seen, block_of, tool_output
from app.faces.chat.view_replay import chunks_of
from app.fanout.audience import Ping
from app.stream.asides import Asked, Said, status_of
from app.stream.endings import Outcome
from app.stream.frames import split

HEADERS = {"x-vercel-ai-ui-message-stream": "v1"}
# By which assistant-ui's `AssistantChatTransport({ resumable })` keeps the id that it resumes by.
RESUMABLE_HEADER = "x-resumable-stream-id"
PING = b": ping\n\n"
DONE = b"data: [DONE]\n\n"

FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "tool_use": "tool-calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content-filter",
}
LOST = "the stream was lost; send the message again"
BEGAN_AGAIN = "the answer has begun again; load the chat anew"


class UIMessagesView:
    """One client's view of one stream, from the start of an attempt on. `over`: `[DONE]` was given.

    `before`: the parts that the message had already, for a client that builds it anew. `tools`: what the worker runs.
    """

    def __init__(
        self, stream_id: str, message_id: str, before: list[Any] | None = None, tools: Collection[str] = ()
    ) -> None:
        self.over = False
        self._stream_id = stream_id
        self._message_id = message_id
        self._before = before or []
        self._steps = 0
        self._in_step = False
        self._blocks: dict[int, Block] = {}
        self._tools = tools
        self._seen = Seen(tools)
        self._asked: dict[str, Json] = {}
        self._stop_reason: str | None = None
        self._usage: Json = {}
        self._handlers: dict[str | None, Callable[[Json], Iterable[Chunk]]] = {
            "message_start": self._message_start,
            "content_block_start": self._block_start,
            "content_block_delta": self._block_delta,
            "content_block_stop": self._block_stop,
            "message_delta": self._message_delta,
            "message_stop": self._message_stop,
            "relay.tool": self._tool,
            "relay.approval": self._approval,
            "relay.retry": self._retry,
            "relay.reset": self._reset,
            "relay.end": self._end,
        }

    def head(self) -> bytes:
        """What every answer begins with, also that of a resume: the same message, and whose stream it is."""
        start = {"type": "start", "messageId": self._message_id, "messageMetadata": {"streamId": self._stream_id}}
        return b"".join(map(line, (start, *chunks_of(self._before))))

    def take(self, frames: bytes) -> bytes:
        """What whole frames of the log are in this dialect."""
        return self._all(chunk for frame in split(frames) for chunk in self._told(frame.name, frame.data))

    def aside(self, said: Said | Ping) -> bytes:
        """What a front says beside the log: the place in the line, for `onData`, or what a person is asked."""
        if isinstance(said, Ping):
            return b""
        if isinstance(said, Asked):
            return self._all(self._told("relay.approval", said.data))
        return line({"type": "data-status", "data": status_of(said), "transient": True})

    def reset(self) -> bytes:
        """The log tells another history than the one that was given."""
        return self._all(self._reset({}))

    def lost(self) -> bytes:
        """Redis has lost the stream."""
        return self._all(self._fail(LOST))

    def _all(self, chunks: Iterable[Chunk]) -> bytes:
        """The chunks as lines, and `[DONE]` behind the last ones; nothing once that was given."""
        return b"" if self.over else b"".join(map(line, chunks)) + (DONE if self.over else b"")

    def _told(self, name: str | None, data: bytes) -> list[Chunk]:
        handler = None if self.over else self._handlers.get(name)
        if handler is None:
            return []
        try:
            return list(handler(surrogates.loads(data)))
        except (KeyError, TypeError, AttributeError, ValueError):
            return []  # an event of a shape nobody knows yet: it stops nobody

    def _message_start(self, data: Json) -> Iterator[Chunk]:
        if not self._in_step:
            self._steps += 1
            self._in_step = True
            yield {"type": "start-step"}
        self._merge_usage(data["message"].get("usage"))

    def _block_start(self, data: Json) -> Iterator[Chunk]:
        index = data["index"]
        block = self._blocks[index] = block_of(data["content_block"], f"{self._steps}-{index}", self._seen)
        yield from block.begin()

    def _block_delta(self, data: Json) -> Iterator[Chunk]:
        block = self._blocks.get(data["index"])
        if block is not None:
            yield from block.delta(data["delta"])

    def _block_stop(self, data: Json) -> Iterator[Chunk]:
        block = self._blocks.pop(data["index"], None)
        if block is not None:
            yield from block.end()

    def _message_delta(self, data: Json) -> Iterator[Chunk]:
        self._stop_reason = data["delta"].get("stop_reason") or self._stop_reason
        self._merge_usage(data.get("usage"))
        return iter(())

    def _message_stop(self, data: Json) -> Iterator[Chunk]:  # noqa: ARG002 - one shape for all events
        self._blocks.clear()
        if self._in_step:
            self._in_step = False
            yield {"type": "finish-step"}

    def _tool(self, data: Json) -> Iterator[Chunk]:
        if asked := self._asked.pop(data["tool_use_id"], None):
            yield _approval(asked | {"state": "answered"})
        yield from tool_output(data["tool_use_id"], data["content"], self._seen, is_error=data["is_error"])

    def _approval(self, data: Json) -> Iterator[Chunk]:
        """A part of its own: the SDK's would have its page answer with another message, and this stream waits."""
        asked = {
            "streamId": self._stream_id,
            "toolCallId": data["tool_use_id"],
            "toolName": data["name"],
            "input": data["input"],
        }
        self._asked[data["tool_use_id"]] = asked
        yield _approval(asked | {"state": "requested"})

    def _retry(self, data: Json) -> Iterator[Chunk]:
        yield {"type": "data-retry", "data": data, "transient": True}

    def _reset(self, data: Json) -> Iterator[Chunk]:  # noqa: ARG002 - one shape for all events
        if self._steps > 1:
            # Only the current step can be taken back.
            yield from self._fail(BEGAN_AGAIN)
        elif self._steps:
            self._blocks.clear()
            self._seen = Seen(self._tools)
            self._in_step = True
            yield {"type": "reset-step"}

    def _end(self, data: Json) -> Iterator[Chunk]:
        outcome = data["outcome"]
        if outcome in (Outcome.FAILED, Outcome.EXPIRED):
            yield from self._fail((data.get("error") or {}).get("message") or "the stream failed")
            return
        yield from self._cut()
        self.over = True
        if outcome == Outcome.CANCELLED:
            yield {"type": "abort", "reason": "cancelled"}
            return
        reason = data.get("stop_reason") or self._stop_reason
        metadata = {"streamId": self._stream_id, "outcome": outcome, "stopReason": reason, "usage": self._usage}
        yield {"type": "finish", "finishReason": FINISH_REASONS.get(str(reason), "other"), "messageMetadata": metadata}

    def _fail(self, text: str) -> Iterator[Chunk]:
        yield from self._cut()
        self.over = True
        yield {"type": "error", "errorText": text}

    def _cut(self) -> Iterator[Chunk]:
        for block in self._blocks.values():
            yield from block.cut()
        self._blocks.clear()

    def _merge_usage(self, usage: Json | None) -> None:
        self._usage |= {name: value for name, value in (usage or {}).items() if value is not None}


def _approval(data: Json) -> Chunk:
    """The SDK keeps the last one of an id."""
    return {"type": "data-approval", "id": data["toolCallId"], "data": data}


def line(chunk: Any) -> bytes:
    return b"data: %b\n\n" % surrogates.dumps(chunk)
