"""An owner's stream, found: by the id in a path, by what was accepted, and where its reader begins.

The rule: another's stream is one that never was (404), and only what its owner once had is gone (410).
"""

from __future__ import annotations

from starlette.requests import Request

from app.faces.base.by_ticket import reader_of
from app.faces.base.front import Front
from app.faces.base.names import NO_STREAM
from app.http.errors import ApiError
from app.intake.streams import is_stream_id
from app.intake.submit import Accepted
from app.stream.frames import Position, origin
from app.stream.log import Read, State


def stream_id_of(request: Request) -> str:
    """The id in the path. Raises `ApiError` for what was never one, before it gets near a key."""
    stream_id: str = request.path_params["id"]
    if not is_stream_id(stream_id):
        raise ApiError(404, NO_STREAM)
    return stream_id


async def meta_of(front: Front, request: Request, *names: str, by_ticket: bool = False) -> dict[str, bytes]:
    """Fields of the stream that the path names, if the caller owns it, or has a ticket for it. Raises `ApiError`."""
    owner = (await (reader_of(front, request) if by_ticket else front.caller(request))).owner
    return await meta_of_owner(front, owner, stream_id_of(request), *names)


async def meta_of_owner(front: Front, owner: str, stream_id: str, *names: str) -> dict[str, bytes]:
    """The same for who knows by now who is asking."""
    meta = await front.streams.log.meta(stream_id, "owner", "withdrawn", *names)
    if meta is None or meta.get("owner", b"").decode() != owner or "withdrawn" in meta:
        # In as many steps for another's as where it never was: no clock tells them apart.
        check_readable(await front.streams.log.read(stream_id, origin(stream_id), 1), owner)
        raise ApiError(404, NO_STREAM)
    return meta


def check_readable(read: Read, owner: str) -> None:
    """Raises `ApiError`: 404 for what never was or is another's, 410 for what was kept and is gone."""
    if read.state is State.UNKNOWN or read.owner != owner:
        raise ApiError(404, NO_STREAM)
    if read.state is State.GONE:
        raise ApiError(410, "the stream has ended and is no longer kept")


async def start_of(front: Front, accepted: Accepted) -> Position:
    """Where a client that has had nothing begins to read what was accepted."""
    return await newest_of(front, accepted.stream_id) if accepted.repeated else origin(accepted.stream_id)


async def newest_of(front: Front, stream_id: str) -> Position:
    """Where the newest attempt begins: a replay shows nothing of the ones before. Raises `ApiError`."""
    start = (await front.streams.log.read(stream_id, None, 1)).start
    if start is None:
        # The log has lost what stood before its newest attempt; its worker is about to write it again.
        raise ApiError(503, "the stream cannot be read right now; try again", headers={"retry-after": "1"})
    return start
