"""What a call of a later turn says beside the client's request: the tools that are offered, and the turns before.

Pure. The rule: what stands is put beside, never written anew: the client's messages, the model's own blocks (thoughts
with their signatures, and numbers, to the digit) and the results go up as the bytes that they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from worker.life.tooling.turns import Turns, result_of
from worker.life.tooling.uses import uses_in
from worker.rawjson import json_text
from worker.rawjson.codec import NotJSONError, loads


def with_tools(members: Mapping[str, bytes], definitions: Iterable[bytes]) -> dict[str, bytes]:
    """The request with these tools behind the client's own."""
    tools: bytes | None = members.get("tools")
    for definition in definitions:
        tools = json_text.extended(tools, definition)
    return {**members, "tools": tools} if tools is not None else dict(members)


def with_turns(members: Mapping[str, bytes], turns: Turns) -> dict[str, bytes]:
    """The request with what the model said in the turns that are whole, and what it is to be told of its calls."""
    said = [_said(turns, message) for message in turns.finished]
    told = b",".join([messages for messages, _ in said if messages])
    if not told:
        return dict(members)
    container = next((container for _, container in reversed(said) if container), b"")
    more = {"container": container} if container and "container" not in members else {}
    return {**members, "messages": json_text.extended(members.get("messages"), told), **more}


def definition(name: str, description: str, input_schema: bytes) -> bytes:
    """A tool as the Messages API is told of it."""
    told = {"name": json_text.text(name), "description": json_text.text(description), "input_schema": input_schema}
    return json_text.assemble(told)


def _said(turns: Turns, message: bytes) -> tuple[bytes, bytes]:
    """The messages that a turn which is over is in later requests, and the container that it was given; made once."""
    if (known := turns.told.get(message)) is None:
        members = json_text.members(message)
        told = [_told(use.id, turns.results[use.id]) for use in uses_in(message, ()) if use.id in turns.results]
        both = ((b'"assistant"', sent_back(members.get("content", b"[]"))), (b'"user"', told))
        messages = b",".join([message_of(role, blocks) for role, blocks in both if blocks])
        known = turns.told[message] = messages, json_text.members(members.get("container", b"")).get("id", b"")
    return known


def message_of(role: bytes, content: Iterable[bytes]) -> bytes:
    return json_text.assemble({"role": role, "content": json_text.array(content)})


def sent_back(content: bytes) -> list[bytes]:
    """The blocks of an answer that may stand in a request: one of text without any is refused there."""
    return [block for block in json_text.items(content) if not _is_empty(json_text.members(block))]


def _is_empty(block: Mapping[str, bytes]) -> bool:
    try:
        return block.get("type") == b'"text"' and not str(loads(block.get("text", b'""'))).strip()
    except NotJSONError:
        return False


def _told(tool_use_id: str, data: bytes) -> bytes:
    result = result_of(data)
    block = {"type": b'"tool_result"', "tool_use_id": json_text.text(tool_use_id), "content": result.content}
    return json_text.assemble({**block, "is_error": b"true"} if result.is_error else block)
