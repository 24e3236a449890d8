"""What a client's tools brought, and the request that goes on with it.

Pure. The rule: every call of a tool that nobody has answered is answered, once, and nothing else is; and what was asked
and what was said goes up again in the bytes that it came in: a number keeps its digits, and thinking its signature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from app.intake.raw_json import Fields, InvalidPromptError, Raw, elements, fields_of, joined, kind_of, read, size

# Kept at a stream's submit: at an ending with a call of a tool its request stays, see scripts/log/append.lua.
RESUMES = "resumes"
# No model makes so many calls at once; each costs a look.
RESULTS_MAX = 1000
# Of an id no more is read, and no more is told.
ID_BYTES = 256
# Blocks of a result are looked at one by one where they are small; beyond, the upstream does it.
LOOKED_AT_BYTES = 256 * 1024
_SHAPE = 'results: must be a list of {"tool_use_id", "content", "is_error"?}'
_TYPE = b'"tool_result"'


@dataclass(frozen=True, slots=True)
class Result:
    """`block` is a content block of the Messages API, as JSON."""

    tool_use_id: str
    block: bytes


@dataclass(frozen=True, slots=True)
class Turn:
    """What a model has said: `content` are its blocks, as JSON; `calls` the ids of its calls of tools, in order."""

    content: tuple[Raw, ...]
    calls: tuple[str, ...]


def resumes(fields: Fields) -> dict[str, str]:
    """Of a new stream's meta, by the body that it was asked with: whether it may end with a call of a client's tool."""
    return {RESUMES: "1"} if "tools" in fields else {}


class _Many(Exception):  # noqa: N818  # a way out of the decoder
    """There are more than can be meant."""


class _Id(str):
    __slots__ = ()


class _Given(msgspec.Struct):
    tool_use_id: _Id


def results_of(value: Raw | None) -> list[Result]:
    """The checked `results` of a body, as they were sent. Raises `InvalidPromptError`."""
    if value is None or kind_of(value) != "array":
        raise InvalidPromptError(_SHAPE)
    _check_number(value)
    return [_result(n, given) for n, given in enumerate(elements(value))]


def _check_number(value: Raw) -> None:
    """Before anything of them is built: whoever sends millions of them is not given room for as many."""
    count = 0

    def counted(_type: Any, found: Any) -> _Id:
        nonlocal count
        if not isinstance(found, str):
            raise TypeError
        count += 1
        if count > RESULTS_MAX:
            raise _Many
        return _Id(found)

    try:
        msgspec.json.decode(value, type=list[_Given], dec_hook=counted)
    except _Many:
        raise InvalidPromptError(f"results: must be at most {RESULTS_MAX}") from None
    except msgspec.ValidationError:
        if count > RESULTS_MAX:
            raise InvalidPromptError(f"results: must be at most {RESULTS_MAX}") from None
        raise InvalidPromptError(_SHAPE) from None
    except RecursionError:
        raise InvalidPromptError("results: is nested too deeply") from None


def _result(n: int, given: Raw) -> Result:
    where = f"results.{n}"
    fields = fields_of(bytes(given))
    named = fields["tool_use_id"]
    if size((named,)) > ID_BYTES:
        raise InvalidPromptError(f"{where}.tool_use_id: must be the id of a call of this stream")
    if bytes(fields.setdefault("type", Raw(_TYPE))) != _TYPE:
        raise InvalidPromptError(f"{where}.type: must be tool_result, or not be there")
    _check_content(where, fields.get("content"))
    if "is_error" in fields and kind_of(fields["is_error"]) not in ("true", "false"):
        raise InvalidPromptError(f"{where}.is_error: must be true or false")
    return Result(str(read(named)), joined(fields))


def _check_content(where: str, content: Raw | None) -> None:
    kind = kind_of(content) if content is not None else None
    blocks = [] if content is None or kind != "array" or size((content,)) > LOOKED_AT_BYTES else elements(content)
    if kind not in ("string", "array") or any(kind_of(block) != "object" for block in blocks):
        raise InvalidPromptError(f"{where}.content: must be a text or a list of content blocks")


def turn_of(message: bytes) -> Turn:
    """What a Message says; empty texts are left out, which the Messages API takes from nobody."""
    content = fields_of(message).get("content")
    if content is None or kind_of(content) != "array":
        return Turn((), ())
    blocks, calls = [], []
    for block in elements(content):
        fields = fields_of(bytes(block)) if kind_of(block) == "object" else {}
        kind = bytes(fields.get("type", b""))
        if kind == b'"tool_use"' and "id" in fields:
            calls.append(str(read(fields["id"])))
        if kind != b'"text"' or bytes(fields.get("text", b"")) != b'""':
            blocks.append(block)
    return Turn(tuple(blocks), tuple(calls))


def answered(calls: Sequence[str], ours: Mapping[str, bytes], results: Sequence[Result]) -> list[bytes]:
    """The blocks that answer a turn's calls, in their order: `ours` by id, and those that the client gives.

    Raises `InvalidPromptError` where a call has no answer, or what is answered was no call of the client's.
    """
    given: dict[str, bytes] = {}
    for result in results:
        if result.tool_use_id in ours or result.tool_use_id not in calls:
            raise InvalidPromptError(f"results: {_quoted(result.tool_use_id)} is no call that waits for its result")
        if result.tool_use_id in given:
            raise InvalidPromptError(f"results: {_quoted(result.tool_use_id)} is there twice")
        given[result.tool_use_id] = result.block
    missing = [one for one in dict.fromkeys(calls) if one not in given and one not in ours]
    if missing:
        raise InvalidPromptError(f"results: there is none for {', '.join(map(_quoted, missing))}")
    every = {**ours, **given}
    return [every[one] for one in dict.fromkeys(calls)]


def result_block(told: bytes) -> bytes:
    """The content block of a tool's result that was told by a `relay.tool`, of its data."""
    fields = fields_of(told)
    block: Fields = {"type": Raw(_TYPE), "tool_use_id": fields["tool_use_id"]}
    block |= {"content": fields["content"]} if "content" in fields else {}
    if bytes(fields.get("is_error", b"")) == b"true":
        block["is_error"] = fields["is_error"]
    return joined(block)


def continued(messages: Raw, turns: Sequence[tuple[Turn, Sequence[bytes]]]) -> Raw:
    """A request's `messages`, which has at least one, and what was said to it and answered since."""
    parts = [bytes(messages).rstrip()[:-1]]
    for turn, answers in turns:
        said = b",".join(map(bytes, turn.content))
        parts.append(b'{"role":"assistant","content":[%b]}' % said)
        if answers:  # else the API has paused there, and goes on by itself
            parts.append(b'{"role":"user","content":[%b]}' % b",".join(answers))
    return Raw(b",".join(parts) + b"]")


def _quoted(name: str) -> str:
    """An id as it stands in a message that says what is wrong: a line, and never longer than one."""
    return orjson.dumps(name[:ID_BYTES]).decode()
