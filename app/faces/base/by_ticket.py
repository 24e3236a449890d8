"""Reading with a ticket: who a reader is that came with one, and how one is given out.

The rule: a ticket is looked at only where a route says so, and there a key goes before it. What it opens is somebody's,
and whoever has it is told what its owner would be told; everything else never was.
"""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from app.access.caller import Caller, Confined, Refused, Why
from app.access.identity.entrance import credential_of
from app.faces.base.front import Front
from app.faces.base.names import NO_STREAM, path_of
from app.http.body import read_fields
from app.http.errors import ApiError
from app.http.who import refusal
from app.http.whole import json_response
from app.intake.raw_json import Fields, InvalidPromptError, Raw, kind_of, read, size
from app.intake.streams import is_stream_id
from app.intake.unknown import unknown
from app.stream.conversations.turns import iso
from app.stream.errors import NoConversationError
from app.stream.frames import origin
from app.stream.log import State
from app.stream.observing import tell
from app.watch.events.of_fronts import CallerRefused

BODY_BYTES = 4096
NO_TICKET = Refused(Why.UNKNOWN, "the ticket has ended, or never was one; ask for another", "no_ticket")


async def reader_of(front: Front, request: Request) -> Caller:
    """Who reads the log that the path names: as `Front.caller`, or whoever has a ticket for it. Raises `ApiError`."""
    ticket = request.query_params.get("ticket")
    if not ticket or credential_of(request.headers) is not None:
        return await front.caller(request)
    opens = await front.tickets.check(ticket)
    if opens is None:
        tell(CallerRefused(NO_TICKET.reason))
        raise refusal(NO_TICKET)
    log_id = request.path_params["id"]
    owner = await _owner_of(front, log_id, opens)
    if owner is None:
        raise NoConversationError if log_id.startswith("cv_") else ApiError(404, NO_STREAM)
    return replace(Caller.of(owner), confined=opens)


async def _owner_of(front: Front, log_id: str, opens: Confined) -> str | None:
    """Whose a log is; None where the ticket does not open it, or where it never was."""
    if log_id == opens.log_id:
        tail = front.hub.known(log_id)
        if tail is not None:
            return tail.owner
        found = await front.streams.log.read(log_id, origin(log_id), 1)
        return found.owner if found.state is not State.UNKNOWN else None
    if not is_stream_id(log_id):
        return None
    meta = await front.streams.log.meta(log_id, "owner", "conversation")
    if meta is None or meta.get("conversation") != opens.log_id.encode():
        return None
    return meta["owner"].decode()


async def ticket_for(front: Front, request: Request, log_id: str, path: str) -> Response:
    """A ticket for the log that is read at `path`, as the body asks for it."""
    seconds = _seconds(await read_fields(request, BODY_BYTES, empty=True))
    ticket, expires_ms = await front.tickets.issue(log_id, seconds)
    told = {"ticket": ticket, "expires_at": iso(expires_ms), "events_url": with_ticket(front, path, ticket)}
    return json_response(told, 201)


async def ticket_of_stream(front: Front, stream_id: str, *, asked: bool) -> dict[str, str]:
    """What the answer to a submit says more where that has asked for a ticket: its reader needs nothing else.

    Whoever submits sees to it that the office is open: what was accepted is not to fail of its ticket.
    """
    if not asked:
        return {}
    ticket, _ = await front.tickets.issue(stream_id)
    return {"ticket": ticket, "events_url": with_ticket(front, path_of(stream_id), ticket)}


def with_ticket(front: Front, path: str, ticket: str) -> str:
    return f"{front.settings.root_path}{path}/events?ticket={ticket}"


def _seconds(fields: Fields) -> float | None:
    """How long a ticket is to live, None where nothing is said of it. Raises `InvalidPromptError`."""
    for name in fields:
        if name != "expires_in":
            raise InvalidPromptError(unknown(name, ("expires_in",)))
    asked = fields.get("expires_in", Raw(b"null"))
    kind = kind_of(asked)
    if kind == "null":
        return None
    if kind != "number" or size((asked,)) > BODY_BYTES or not (seconds := read(asked)) > 0:
        raise InvalidPromptError("expires_in: must be a number of seconds above 0")
    return float(seconds)
