"""A stream with all that it has said: its Message, or what stands of one, its turns, and what a person is to decide.

The rule: what was said goes out in the bytes that it is kept in; nothing of it before the ending, where its readers are
to see it whole.
"""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

from app.faces.base.front import Front
from app.faces.base.result import message_of
from app.http.whole import Large, json_response
from app.stream.conversations import turns
from app.stream.endings import is_withheld
from app.stream.frames import parse_id
from app.stream.log import State
from app.stream.readback.partial import partial_of
from app.stream.readback.steps import FIELDS as STEPS
from app.stream.readback.steps import asks_of, steps_of

# Of a stream's meta, beside what is shown of it as it stands there.
FIELDS = ("tools", "delivery", *STEPS)


async def described(front: Front, stream_id: str, meta: dict[str, bytes], data: dict[str, Any]) -> Response:
    """`data` is all but what it has said."""
    ended = data["state"] is State.ENDED
    if is_withheld(meta) and (ended or "tools" not in meta):
        return json_response(data)
    if "tools" in meta:
        return await _of_turns(front, stream_id, meta, data)
    if not ended:
        return json_response(data)
    if size := await front.streams.log.field_bytes(stream_id, "message"):
        return message_of(front, stream_id, size, before=_open(data) + b',"message":', after=b"}")
    if not turns.stands_in_log(meta):
        return json_response(data)

    async def make() -> list[bytes]:
        return [orjson.dumps(data | await _standing(front, stream_id))]

    return Large(front.bulk, ("standing", stream_id), _length(data), make)


async def _of_turns(front: Front, stream_id: str, meta: dict[str, bytes], data: dict[str, Any]) -> Response:
    ended = data["state"] is State.ENDED

    async def make() -> list[bytes]:
        log = front.streams.log
        if not ended:
            said = () if is_withheld(meta) else (await steps_of(log, stream_id, meta)).messages
            more = {"approvals": await asks_of(log, stream_id, meta)} if data["state"] is State.WAITING else {}
            return [_open(data | more), b',"turns":[', b",".join(said), b"]}"]
        last = (await log.meta(stream_id, "message") or {}).get("message", b"")
        whole = data | ({} if last or not turns.stands_in_log(meta) else await _standing(front, stream_id))
        before = (await steps_of(log, stream_id, meta, last)).messages
        message = [b',"message":', last] if last else []
        return [_open(whole), b',"turns":[', b",".join([*before, last] if last else before), b"]", *message, b"}"]

    key = ("turns", stream_id, data["state"], data["offset"])
    return Large(front.bulk, key, 2 * _length(data), make)


async def _standing(front: Front, stream_id: str) -> dict[str, Any]:
    """What stands in the log alone: nobody who had read it wrote the ending, but a front, for one that waited."""
    standing = (await partial_of(front.streams.log, stream_id)).message
    return {} if standing is None else {"message": standing, "partial": True}


def _length(data: dict[str, Any]) -> int:
    return parse_id(data["offset"]).offset if data["offset"] else 0


def _open(data: dict[str, Any]) -> bytes:
    """An object whose end is left off."""
    return orjson.dumps(data)[:-1]
