"""One content block of the Claude API as chunks of the AI SDK's UI message stream.

Pure. The rule: what a block needs to be sent back to the API some day (a signature, the type of a tool's result) stays
with its part as `providerMetadata.anthropic`, under the names that the SDK's own provider uses; a block that there is
no part for goes whole into a `data-claude` part. `prompt` is the way back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from app import surrogates

Chunk = dict[str, Any]
Json = dict[str, Any]

TOOL_CALLS = ("tool_use", "server_tool_use", "mcp_tool_use")
TOOL_RESULT = "tool_result"  # how the types of all server tools' results end


class Seen:
    """What a message has shown so far: sources are named once, and an output needs its tool call.

    `ours`: the tools that the worker runs. A page must not run them, nor wait for what it gives to go on.
    """

    def __init__(self, ours: Collection[str] = ()) -> None:
        self.ours = ours
        self.sources: set[str] = set()
        self.tool_calls: dict[str, str] = {}


class Block:
    """A block that is under way; each method gives the chunks that what happened makes."""

    def __init__(self, start: Json, chunk_id: str, seen: Seen) -> None:
        self.start = start
        self.id = chunk_id
        self.seen = seen
        self.input = bytearray()  # a list of its pieces would take ten times as much, for each client

    def begin(self) -> Iterator[Chunk]:
        return iter(())

    def delta(self, delta: Json) -> Iterator[Chunk]:  # noqa: ARG002 - the shape of those that take them
        return iter(())

    def end(self) -> Iterator[Chunk]:
        return iter(())

    def cut(self) -> Iterator[Chunk]:
        """The stream ended inside of the block."""
        return iter(())


class Text(Block):
    def begin(self) -> Iterator[Chunk]:
        yield {"type": "text-start", "id": self.id}
        if self.start.get("text"):
            yield {"type": "text-delta", "id": self.id, "delta": self.start["text"]}

    def delta(self, delta: Json) -> Iterator[Chunk]:
        if delta.get("type") == "text_delta":
            yield {"type": "text-delta", "id": self.id, "delta": delta["text"]}
        elif delta.get("type") == "citations_delta":
            yield from source_of_citation(delta["citation"], self.seen)

    def end(self) -> Iterator[Chunk]:
        yield {"type": "text-end", "id": self.id}

    cut = end


class Thinking(Block):
    _signature: str | None = None

    def begin(self) -> Iterator[Chunk]:
        if "data" in self.start:
            yield {"type": "reasoning-start", "id": self.id, **_metadata(redactedData=self.start["data"])}
            return
        yield {"type": "reasoning-start", "id": self.id}
        if self.start.get("thinking"):
            yield {"type": "reasoning-delta", "id": self.id, "delta": self.start["thinking"]}

    def delta(self, delta: Json) -> Iterator[Chunk]:
        if delta.get("type") == "thinking_delta":
            yield {"type": "reasoning-delta", "id": self.id, "delta": delta["thinking"]}
        elif delta.get("type") == "signature_delta":
            self._signature = (self._signature or "") + delta["signature"]

    def end(self) -> Iterator[Chunk]:
        signature = self._signature or self.start.get("signature")
        yield {"type": "reasoning-end", "id": self.id, **(_metadata(signature=signature) if signature else {})}

    def cut(self) -> Iterator[Chunk]:
        yield {"type": "reasoning-end", "id": self.id}


class ToolCall(Block):
    def begin(self) -> Iterator[Chunk]:
        self.seen.tool_calls[self.start["id"]] = self.start["name"]
        yield {"type": "tool-input-start", **self._tool_call()}

    def delta(self, delta: Json) -> Iterator[Chunk]:
        if delta.get("type") == "input_json_delta" and delta["partial_json"]:
            self.input += delta["partial_json"].encode(errors="surrogatepass")
            yield {
                "type": "tool-input-delta",
                "toolCallId": self.start["id"],
                "inputTextDelta": delta["partial_json"],
            }

    def end(self) -> Iterator[Chunk]:
        text = self.input.decode(errors="surrogatepass")
        try:
            value = surrogates.loads(text) if text else self.start.get("input") or {}
        except ValueError:
            error = {"input": text, "errorText": "the input of the tool call is cut off"}
            yield {"type": "tool-input-error", **self._tool_call(), **error}
            return
        yield {"type": "tool-input-available", **self._tool_call(), "input": value, **self._origin()}

    def _tool_call(self) -> Chunk:
        call: Chunk = {"toolCallId": self.start["id"], "toolName": self.start["name"]}
        is_ours = self.start["type"] == "tool_use" and self.start["name"] in self.seen.ours
        if is_ours or self.start["type"] != "tool_use":
            call["providerExecuted"] = True
        if is_ours or self.start["type"] == "mcp_tool_use":
            call["dynamic"] = True
        return call

    def _origin(self) -> Chunk:
        """What a server's tool call is besides its id, name and input."""
        if self.start["type"] == "tool_use":
            return {}
        return _metadata(**{name: value for name, value in self.start.items() if name not in ("id", "name", "input")})


class ToolResult(Block):
    """The result of a tool that the API ran; it comes whole."""

    def end(self) -> Iterator[Chunk]:
        yield from tool_output(
            self.start.get("tool_use_id", ""),
            self.start.get("content"),
            self.seen,
            is_error=self.start.get("is_error") is True,
            kind=self.start["type"],
        )
        content = self.start.get("content")
        for result in content if isinstance(content, list) else ():
            if isinstance(result, dict) and result.get("type") == "web_search_result":
                yield from _source_url(result.get("url"), result.get("title"), {}, self.seen)


class File(Block):
    """An image or a document of the model's own."""

    def end(self) -> Iterator[Chunk]:
        source = self.start.get("source") or {}
        media_type = source.get("media_type") or ("image" if self.start["type"] == "image" else "application/pdf")
        if source.get("type") == "base64":
            yield {"type": "file", "mediaType": media_type, "url": f"data:{media_type};base64,{source['data']}"}
        elif source.get("type") == "url":
            yield {"type": "file", "mediaType": media_type, "url": source["url"]}
        else:
            yield {"type": "data-claude", "data": self.start}


class Other(Block):
    def delta(self, delta: Json) -> Iterator[Chunk]:
        self.start |= {name: value for name, value in delta.items() if name != "type"}
        return iter(())

    def end(self) -> Iterator[Chunk]:
        yield {"type": "data-claude", "data": self.start}


def block_of(start: Json, chunk_id: str, seen: Seen) -> Block:
    """The block that a `content_block_start` opens."""
    kind = start.get("type", "")
    if kind == "text":
        return Text(start, chunk_id, seen)
    if kind in ("thinking", "redacted_thinking"):
        return Thinking(start, chunk_id, seen)
    if kind in TOOL_CALLS:
        return ToolCall(start, chunk_id, seen)
    if kind.endswith(TOOL_RESULT):
        return ToolResult(start, chunk_id, seen)
    if kind in ("image", "document"):
        return File(start, chunk_id, seen)
    return Other(start, chunk_id, seen)


def tool_output(tool_call_id: str, content: Any, seen: Seen, *, is_error: bool, kind: str = "") -> Iterator[Chunk]:
    """A tool's result; nothing for one whose tool call was never shown, which no client could place."""
    if tool_call_id not in seen.tool_calls:
        return
    chunk: Chunk = {"toolCallId": tool_call_id}
    if kind:
        chunk |= {"providerExecuted": True, **_metadata(type=kind)}
    elif seen.tool_calls[tool_call_id] in seen.ours:
        chunk |= {"providerExecuted": True, "dynamic": True}
    failed = isinstance(content, dict) and str(content.get("type", "")).endswith("_error")
    if is_error or failed:
        text = content.get("error_code", "error") if isinstance(content, dict) else content
        text = text if isinstance(text, str) else surrogates.dumps(text).decode()
        yield {"type": "tool-output-error", **chunk, "errorText": text}
    else:
        yield {"type": "tool-output-available", **chunk, "output": content}


def source_of_citation(citation: Json, seen: Seen) -> Iterator[Chunk]:
    """What a citation points to."""
    url = citation.get("url") or citation.get("source")
    if isinstance(url, str) and url.startswith(("http://", "https://")):
        yield from _source_url(url, citation.get("title"), citation, seen)
        return
    index = citation.get("document_index", citation.get("search_result_index", 0))
    title = citation.get("document_title") or citation.get("title") or f"document {index}"
    if f"document-{index}" not in seen.sources:
        seen.sources.add(f"document-{index}")
        yield {
            "type": "source-document",
            "sourceId": f"document-{index}",
            "mediaType": "application/pdf" if citation.get("type") == "page_location" else "text/plain",
            "title": title,
            **_metadata(**citation),
        }


def _source_url(url: Any, title: Any, citation: Json, seen: Seen) -> Iterator[Chunk]:
    if not isinstance(url, str) or url in seen.sources:
        return
    seen.sources.add(url)
    chunk: Chunk = {"type": "source-url", "sourceId": url, "url": url}
    if isinstance(title, str):
        chunk["title"] = title
    yield chunk | (_metadata(**citation) if citation else {})


def _metadata(**values: Any) -> Chunk:
    return {"providerMetadata": {"anthropic": values}}
