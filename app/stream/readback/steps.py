"""The turns of a stream whose tools a worker runs: their Messages, and what the tools brought.

The rule: everything in the bytes that were told; what cannot be read is left out. The fields of a stream's meta that it
stands in: `turn`, the number of the newest turn, from 1; `turn:<n>`, the Message of a turn whose tools were run;
`turns`, at the ending, how many there were; by the id of a call `result:`, the data of its `relay.tool`, `ask:`, that
of its `relay.approval`, and `verdict:`, what was said to that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.stream.log import Log
from app.stream.readback.values import parse

FIELDS = ("turn", "turns")


def message_field(number: int) -> str:
    return f"turn:{number}"


def result_field(call: str) -> str:
    return f"result:{call}"


def ask_field(call: str) -> str:
    return f"ask:{call}"


def verdict_field(call: str) -> str:
    return f"verdict:{call}"


@dataclass(frozen=True, slots=True)
class Steps:
    """`messages` are those before the last one, each as JSON; `results` stand by the ids of the calls."""

    messages: tuple[bytes, ...] = ()
    results: Mapping[str, bytes] = field(default_factory=dict)


async def steps_of(log: Log, stream_id: str, meta: Mapping[str, bytes], last: bytes = b"") -> Steps:
    """What a stream's meta, of which `meta` has the `FIELDS`, says of its turns. `last`: its last Message, where it has
    one, whose results are wanted too.
    """
    newest, number = _whole(meta.get("turn")), _whole(meta.get("turns"))
    if not newest:
        return Steps()
    names = [message_field(n) for n in range(1, newest + 1)]
    found = await log.meta(stream_id, *names) or {}
    messages = [found[name] for name in names if name in found]
    if last and number and len(messages) >= number:  # it was not gone on from
        messages = messages[: number - 1]
    calls = [call for message in (*messages, last) for call in calls_of(message)]
    told = await log.meta(stream_id, *map(result_field, calls)) or {} if calls else {}
    return Steps(tuple(messages), {call: told[result_field(call)] for call in calls if result_field(call) in told})


async def asks_of(log: Log, stream_id: str, meta: Mapping[str, bytes]) -> list[Any]:
    """What a person is to decide of a stream that waits: the data of each `relay.approval` that has no verdict."""
    newest = message_field(_whole(meta.get("turn")))
    calls = calls_of((await log.meta(stream_id, newest) or {}).get(newest, b""))
    told = await log.meta(stream_id, *(name(call) for call in calls for name in (ask_field, verdict_field))) or {}
    asks = (told[ask_field(call)] for call in calls if ask_field(call) in told and verdict_field(call) not in told)
    return [found for found in map(parse, asks) if isinstance(found, dict)]


def calls_of(message: bytes) -> list[str]:
    """The ids of a Message's calls of tools, in order."""
    whole = parse(message)
    content = whole.get("content") if isinstance(whole, dict) else None
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    ids = [block.get("id") for block in blocks if block.get("type") == "tool_use"]
    return [one for one in ids if isinstance(one, str)]


def _whole(value: bytes | None) -> int:
    try:
        return int(value or b"0")
    except ValueError:
        return 0
