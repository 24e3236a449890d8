"""How a prompt is accepted, on whichever face: who is known by now, and what follows is one pipeline.

The rule: every face that submits does so here, and nothing is stored before each step has let the prompt pass.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request

from app.access.caller import Caller
from app.faces.base.front import Front
from app.http.body import headers_of
from app.intake.prompt import PASSED_HEADERS, Prompt
from app.intake.streams import NOTHING
from app.intake.submit import Accepted, Along


async def accept(
    front: Front,
    request: Request,
    caller: Caller,
    prompt: Prompt,
    *,
    query: str = "",
    idempotency_key: str | None = None,
    failure_frees_key: bool = False,
    fields: Mapping[str, str | bytes] | None = None,
    along: Along = NOTHING,
) -> Accepted:
    """Submits `prompt` for `caller`. Raises what `Streams.submit` raises; then nothing was accepted."""
    return await front.streams.submit(
        prompt,
        caller.owner,
        headers_of(request, PASSED_HEADERS),
        query=query,
        idempotency_key=idempotency_key,
        failure_frees_key=failure_frees_key,
        fields=fields,
        along=along,
    )
