"""UI messages of the AI SDK as a prompt of the Messages API.

Pure. The rule: what can be known to be wrong is refused in words that name the place; what only the page cares about
(sources, data, files of the model's) stays behind. A tool call that was never answered is left out when the talk has
gone on since, as the SDK itself can do: the API refuses it, and the chat would be stuck for good.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app import surrogates
from app.faces.chat.prompt_files import file_block
from app.faces.chat.prompt_tools import RELAY_TOOLS, named_tools, relay_tools
from app.intake.raw_json import Fields, InvalidPromptError, built, kind_of

Json = dict[str, Any]

CHAT_ID_MAX = 1024
# What of a body is looked at; all else is handed on as it was sent, or stays behind.
LOOKED_AT = ("id", "messages", "trigger", "messageId", "model", "relay")
# Fields of the Messages API that a browser may not choose unless the settings say so.
GUARDED = ("system", "max_tokens", "tools", "tool_choice", "thinking")
_UNANSWERED = ("input-streaming", "input-available", "approval-requested", "approval-responded")
_RESULT_BLOCKS = ("text", "image", "document", "search_result")  # compared, for a type may be anything


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a body may choose, and what stands where it does not."""

    model: str
    max_tokens: int
    system: str | None
    models: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatPrompt:
    """`body` is for the Messages API, of values and of bytes that were sent.

    `continues`: the assistant's message that the answer goes on with, if any.
    """

    chat_id: str
    body: Json
    continues: Json | None


def chat_prompt(sent: Fields, allowed: Allowed) -> ChatPrompt:
    """The prompt in a body of `POST /api/chat`. Raises `InvalidPromptError`, or its `FileTooLargeError`."""
    body: Json = {**sent, **{name: built(name, sent[name]) for name in LOOKED_AT if name in sent}}
    if "tools" in sent and kind_of(sent["tools"]) == "object":
        body["tools"] = named_tools(built("tools", sent["tools"]))
        if not body["tools"]:
            del body["tools"]
    chat_id = body.get("id")
    if not isinstance(chat_id, str) or not 0 < len(chat_id) <= CHAT_ID_MAX:
        raise InvalidPromptError(f"id: must be the chat's id, a text of 1 to {CHAT_ID_MAX} characters")
    ui_messages = _checked(body.get("messages"))
    if body.get("trigger") == "regenerate-message":
        ui_messages = _before(ui_messages, body.get("messageId"))
    if not any(message["role"] == "user" for message in ui_messages):
        raise InvalidPromptError("messages: there is no user message to answer")
    prompt = _chosen(body, allowed)
    system, messages = _converted(ui_messages)
    if system:
        if "system" not in allowed.fields:
            raise InvalidPromptError("messages: a system message is not accepted here")
        prompt["system"] = system
    last = ui_messages[-1]
    return ChatPrompt(chat_id, prompt | {"messages": messages}, last if last["role"] == "assistant" else None)


def _chosen(body: Json, allowed: Allowed) -> Json:
    model = body.get("model", allowed.model)
    if model != allowed.model and model not in allowed.models:
        raise InvalidPromptError("model: is not one of those that this chat may use")
    prompt: Json = {"model": model, "max_tokens": allowed.max_tokens}
    if allowed.system:
        prompt["system"] = allowed.system
    for name in GUARDED:
        if name in body and name not in allowed.fields:
            raise InvalidPromptError(f"{name}: may not be chosen here")
    if relay := relay_tools(body.get("relay"), allowed.fields):
        prompt["relay"] = relay
    return prompt | {name: body[name] for name in allowed.fields if name in body and name != RELAY_TOOLS}


def _checked(messages: Any) -> list[Json]:
    if not isinstance(messages, list) or not messages:
        raise InvalidPromptError("messages: must be a list with at least one message")
    for n, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in ("system", "user", "assistant"):
            raise InvalidPromptError(f"messages.{n}: must be an object whose role is user, assistant or system")
        # The id of an answer that goes on is kept with the chat, and is said to each who reads it.
        if not isinstance(message.get("id"), str) or len(message["id"]) > CHAT_ID_MAX:
            raise InvalidPromptError(f"messages.{n}.id: must be a text of at most {CHAT_ID_MAX} characters")
        parts = message.get("parts")
        if not isinstance(parts, list):
            raise InvalidPromptError(f"messages.{n}.parts: must be a list of parts")
        for m, part in enumerate(parts):
            _check_part(part, f"messages.{n}.parts.{m}")
    return messages


def _check_part(part: Any, where: str) -> None:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise InvalidPromptError(f"{where}: must be an object with a type")
    kind = part["type"]
    if kind in ("text", "reasoning") and not isinstance(part.get("text"), str):
        raise InvalidPromptError(f"{where}.text: must be a text")
    if kind == "steering-message":
        _check_steering(part, where)
    if _is_tool(part):
        _check_tool(part, where)


def _check_steering(part: Json, where: str) -> None:
    parts = part.get("parts") or []
    if not isinstance(parts, list):
        raise InvalidPromptError(f"{where}.parts: must be a list of parts")
    for n, one in enumerate(parts):
        if isinstance(one, dict) and one.get("type") == "steering-message":
            raise InvalidPromptError(f"{where}.parts.{n}: a steering message has none in it")
        _check_part(one, f"{where}.parts.{n}")


def _check_tool(part: Json, where: str) -> None:
    if not isinstance(part.get("toolCallId"), str) or not part["toolCallId"] or not _tool_name(part):
        raise InvalidPromptError(f"{where}: a tool part needs the call it belongs to: toolCallId and the tool's name")
    if part.get("state") in ("output-available", "input-available") and "input" not in part:
        raise InvalidPromptError(f"{where}.input: a tool's output without the input of its call cannot be sent")
    if part.get("state") == "output-available" and "output" not in part:
        raise InvalidPromptError(f"{where}.output: is missing, though the state is output-available")


def _before(messages: list[Json], message_id: Any) -> list[Json]:
    """What stands before the answer that is to be made anew; the SDK has cut it off already."""
    for n, message in enumerate(messages):
        if message["id"] == message_id and message["role"] == "assistant":
            return messages[:n]
    return messages


def _converted(ui_messages: list[Json]) -> tuple[str, list[Json]]:
    system: list[str] = []
    messages: list[Json] = []
    last = len(ui_messages) - 1
    for n, message in enumerate(ui_messages):
        where = f"messages.{n}"
        match message["role"]:
            case "system":
                system += [part["text"] for part in message["parts"] if part["type"] == "text"]
            case "user":
                content = _user(message["parts"], where)
                if not content:
                    raise InvalidPromptError(f"{where}.parts: a user message needs a text or a file")
                _add(messages, "user", content)
            case _:
                for role, content in _assistant(message["parts"], where, is_last=n == last):
                    _add(messages, role, content)
    return "\n\n".join(system), messages


def _add(messages: list[Json], role: str, content: list[Json]) -> None:
    """One message, or more of the last one: results come before what the user says next, as the API wants them."""
    if not content:
        return
    if messages and messages[-1]["role"] == role:
        messages[-1]["content"] += content
    else:
        messages.append({"role": role, "content": content})


def _user(parts: list[Json], where: str) -> list[Json]:
    content: list[Json] = []
    for m, part in enumerate(parts):
        if part["type"] == "text" and part["text"].strip():
            content.append({"type": "text", "text": part["text"]})
        elif part["type"] == "file":
            content.append(file_block(part, f"{where}.parts.{m}"))
    return content


def _assistant(parts: list[Json], where: str, *, is_last: bool) -> Iterator[tuple[str, list[Json]]]:
    """An assistant's message, step by step: what it said, and what its tools gave."""
    content: list[Json] = []
    results: list[Json] = []
    for m, part in enumerate([*parts, {"type": "step-start"}]):
        kind = part["type"]
        if kind in ("step-start", "steering-message"):
            if any(block["type"] not in ("thinking", "redacted_thinking") for block in content):
                yield "assistant", content
            yield "user", results
            content, results = [], []
            if kind == "steering-message":
                yield "user", _user(part.get("parts") or [], f"{where}.parts.{m}")
        elif _is_tool(part):
            if part.get("state") not in _UNANSWERED:
                _add_tool(part, content, results)
            elif is_last and part.get("providerExecuted") is not True:  # a page cannot answer what is not its own
                raise InvalidPromptError(f"{where}.parts.{m}: the tool call has no output yet")
        else:
            content += _said(part)


def _said(part: Json) -> Iterator[Json]:
    match part:
        case {"type": "text", "text": text} if text.strip():
            yield {"type": "text", "text": text}
        case {"type": "reasoning", "providerMetadata": {"anthropic": {"signature": str(signature)}}, "text": text}:
            yield {"type": "thinking", "thinking": text, "signature": signature}
        case {"type": "reasoning", "providerMetadata": {"anthropic": {"redactedData": str(data)}}}:
            yield {"type": "redacted_thinking", "data": data}
        case {"type": "data-claude", "data": {"type": str(kind)} as block} if kind:
            yield block


def _add_tool(part: Json, content: list[Json], results: list[Json]) -> None:
    tool_call_id, state = part["toolCallId"], part.get("state")
    value = part.get("input")
    use: Json = {
        "type": "tool_use",
        "id": tool_call_id,
        "name": _tool_name(part),
        "input": value if isinstance(value, dict) else {},
    }
    origin = _anthropic(part, "callProviderMetadata")
    kind = _anthropic(part, "resultProviderMetadata").get("type")
    if part.get("providerExecuted") is True and (origin or kind is not None):
        if isinstance(kind, str) and state == "output-available":
            content.append(use | {"type": "server_tool_use"} | origin)
            content.append({"type": kind, "tool_use_id": tool_call_id, "content": part["output"]})
        return
    content.append(use)
    result: Json = {"type": "tool_result", "tool_use_id": tool_call_id}
    match state:
        case "output-available":
            results.append(result | {"content": _result(part["output"])})
        case "output-denied":
            match part.get("approval"):
                case {"reason": str(reason)} if reason:
                    pass
                case _:
                    reason = "the user denied the call of this tool"
            results.append(result | {"content": reason, "is_error": True})
        case _:
            results.append(result | {"content": str(part.get("errorText") or "the tool failed"), "is_error": True})


def _result(output: Any) -> str | list[Json]:
    """A tool's output as the API takes it: text, content blocks as they are, anything else as JSON."""
    if isinstance(output, str):
        return output
    if isinstance(output, list) and output:
        blocks = [block for block in output if isinstance(block, dict) and block.get("type") in _RESULT_BLOCKS]
        if len(blocks) == len(output):
            return blocks
    try:
        return surrogates.dumps(output).decode()
    except TypeError:
        raise InvalidPromptError("messages: the output of a tool is nested too deeply") from None


def _is_tool(part: Json) -> bool:
    kind: str = part["type"]
    return kind == "dynamic-tool" or kind.startswith("tool-")


def _tool_name(part: Json) -> str:
    name = part.get("toolName") if part["type"] == "dynamic-tool" else part["type"].removeprefix("tool-")
    return name if isinstance(name, str) else ""


def _anthropic(part: Json, name: str) -> Json:
    match part.get(name):
        case {"anthropic": dict(found)}:
            return found
        case _:
            return {}
