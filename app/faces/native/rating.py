"""`POST /v1/streams/{id}/feedback`: what people think of an answer.

The rule: an owner's own, by key or session; a ticket reads and says nothing. An answer may be rated as soon as it has
ended, and for as long as it can be read: with its stream, and then with the conversation that it stands in.
"""

from __future__ import annotations

import secrets
from functools import partial

from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.access.caller import Caller
from app.faces.base.front import Front, front_of
from app.faces.base.lookup import check_readable, stream_id_of
from app.faces.base.names import NO_STREAM
from app.http.body import read_fields
from app.http.errors import ApiError
from app.http.whole import json_response
from app.intake.raw_json import Fields, InvalidPromptError, Raw, kind_of, read
from app.intake.submit import again
from app.intake.unknown import unknown
from app.stream.conversations import turns
from app.stream.frames import origin
from app.stream.log import State
from app.stream.observing import tell
from app.stream.opinions.opinions import NOTE_CHARACTERS, Opinion, Rated, Said
from app.stream.redis.connect import AWAY
from app.watch.events.of_fronts import AnswerRated
from app.watch.events.subjects import subject, word

BODY_BYTES = 32 * 1024
FIELDS = ("rating", "note")
RATINGS = {b"1": 1, b"-1": -1}
# How an answer is shown whose stream says nothing of it.
PROGRESSIVE = "progressive"


async def feedback(request: Request) -> Response:
    front = front_of(request)
    caller = await front.caller(request)
    stream_id = stream_id_of(request)
    opinion = opinion_of(await read_fields(request, BODY_BYTES))
    rated = await _rated(front, caller, stream_id)
    said, number = await again(partial(front.opinions.say, rated, opinion, secrets.token_hex(8)))
    if said is Said.OFTEN:
        raise ApiError(409, "this answer was rated often enough; what was said last stands")
    copy = partial(front.opinions.copy, rated, turns.answer_id(stream_id), opinion, number)
    try:
        await copy()
    except (RedisError, *AWAY):  # it was said, and is shown a little later
        front.streams.owed.add("feedback", copy, front.settings.stream_ttl)
    if said is not Said.SAME:
        of, noted = subject(stream_id, caller.owner), bool(opinion.note)
        tell(AnswerRated(of, word(rated.model), rated.delivery, opinion.rating, said.value, noted=noted))
    return json_response({"rating": opinion.rating, "note": opinion.note or None})


def opinion_of(fields: Fields) -> Opinion:
    """Raises `InvalidPromptError`."""
    for name in fields:
        if name not in FIELDS:
            raise InvalidPromptError(unknown(name, FIELDS))
    rating = RATINGS.get(bytes(fields.get("rating", Raw(b""))))
    if rating is None:
        raise InvalidPromptError("rating: must be 1 or -1")
    return Opinion(rating, _note(fields.get("note", Raw(b"null"))))


def _note(given: Raw) -> str:
    kind = kind_of(given)
    if kind == "null":
        return ""
    if kind != "string":
        raise InvalidPromptError("note: must be a text")
    note = str(read(given)).strip()
    if len(note) > NOTE_CHARACTERS:
        raise InvalidPromptError(f"note: at most {NOTE_CHARACTERS:,} characters")
    return note


async def _rated(front: Front, caller: Caller, stream_id: str) -> Rated:
    """What is rated, if it is the caller's and has ended. Raises `ApiError`: 404, 409, 410."""
    log, owner = front.streams.log, caller.owner
    meta = await log.meta(stream_id, "owner", "withdrawn", "model", "delivery", "conversation")
    if meta is not None and meta.get("owner", b"").decode() == owner and "withdrawn" not in meta:
        if meta["state"] != State.ENDED.encode():
            raise ApiError(409, "the stream has not ended; rate its answer when it has")
        told = {name: meta.get(name, b"").decode() for name in ("model", "delivery", "conversation")}
        return Rated(stream_id, owner, told["model"], told["delivery"] or PROGRESSIVE, told["conversation"])
    # From here on in as many steps for another's as where it never was.
    home = await front.opinions.home(stream_id)
    if home is not None and home.owner == owner:
        found = await front.streams.conversations.read(home.conversation)
        if found is not None and not found.deleted:
            await front.opinions.stays_home(stream_id, found.life_ms)
            return Rated(stream_id, owner, home.model, PROGRESSIVE, home.conversation)
        raise ApiError(410, "the stream has ended and is no longer kept, and neither is its conversation")
    check_readable(await log.read(stream_id, origin(stream_id), 1), owner)
    raise ApiError(404, NO_STREAM)


ROUTES = [Route("/v1/streams/{id}/feedback", feedback, methods=["POST"])]
