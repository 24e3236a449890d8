"""`POST /v1/streams/{id}/tools/{tool_use_id}`: a person says whether a tool may be called.

The rule: the owner's own word, by key or session; a ticket reads and says nothing. The first word counts, and whoever
says the same again hears the same.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.faces.base.front import front_of
from app.faces.base.lookup import meta_of_owner, stream_id_of
from app.http.body import read_fields
from app.http.errors import ApiError
from app.http.whole import json_response
from app.intake.calls.results import ID_BYTES
from app.intake.calls.verdicts import decide, verdict_of
from app.stream.approvals.approvals import Decided
from app.stream.log import State

BODY_BYTES = 32 * 1024
NO_CALL = "nobody was asked whether such a call may be made; see relay.approval among the stream's events"


async def approval(request: Request) -> Response:
    front = front_of(request)
    caller = await front.caller(request)
    stream_id = stream_id_of(request)
    verdict = verdict_of(await read_fields(request, BODY_BYTES))
    call: str = request.path_params["tool_use_id"]
    await meta_of_owner(front, caller.owner, stream_id)
    if len(call.encode(errors="surrogatepass")) > ID_BYTES or not call.isprintable():
        raise ApiError(404, NO_CALL)
    decided, state = await decide(front.streams, stream_id, caller.owner, call, verdict)
    match decided:
        case Decided.OK | Decided.SAME:
            return json_response({"id": stream_id, "state": state or State.ENDED}, 202)
        case Decided.UNKNOWN:
            raise ApiError(404, NO_CALL)
        case Decided.DECIDED:
            raise ApiError(409, "somebody has said otherwise, and the first word counts")
        case Decided.OVER:
            raise ApiError(409, "the stream has ended, or is cancelled")
        case Decided.GONE:
            raise ApiError(410, "the stream is no longer kept")


ROUTES = [Route("/v1/streams/{id}/tools/{tool_use_id}", approval, methods=["POST"])]
