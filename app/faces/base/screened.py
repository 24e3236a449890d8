"""What the screen says of a prompt, as an answer to its client.

The rule: a refusal is in the screen's own words, never in the prompt's; where the screen says nothing nobody passes.
"""

from __future__ import annotations

from starlette.requests import Request

from app.access.caller import Caller
from app.access.screening.asking import Unscreened
from app.access.screens import Metadata, Refusal, ScreenedPrompt
from app.faces.base.front import Front
from app.http.errors import AWAY_RETRY_AFTER, ApiError
from app.intake.prompt import Prompt


async def screened(front: Front, request: Request, caller: Caller, prompt: Prompt) -> dict[str, bytes]:
    """What is kept of it with the stream. Raises `ApiError`: 403, and 503 for a closed door."""
    if front.screening.off:
        return {}
    route = getattr(request.scope.get("route"), "path", "")
    shown = ScreenedPrompt(caller.owner, caller.tenant, caller.user, route, prompt.model, prompt.body)
    match await front.screening.ask(shown):
        case None:
            return {}
        case Metadata() as metadata:
            return {"metadata": metadata.encoded}
        case Refusal(message):
            raise ApiError(403, message)
        case Unscreened():
            headers = {"retry-after": AWAY_RETRY_AFTER}
            raise ApiError(503, "prompts cannot be screened right now, and none is taken unscreened", headers=headers)
