"""How a prompt is accepted, on whichever face: who is known by now, and what follows is one pipeline.

The rule: every face that submits does so here, and nothing is stored before each step has let the prompt pass: may its
caller ask this, does the screen let it pass, and have its accounts room for it? The last of them is asked in the
submit's own script.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from starlette.requests import Request

from app.access.caller import Caller
from app.access.limits import may
from app.access.limits.allowance import Granted
from app.access.limits.asked import asked_of
from app.access.limits.demand import demand_of
from app.access.limits.not_allowed import NotAllowedError
from app.faces.base import saving
from app.faces.base.front import Front
from app.faces.base.screened import screened
from app.http.body import headers_of
from app.intake.checked import structured
from app.intake.prompt import PASSED_HEADERS, InvalidPromptError, Prompt, delivered
from app.intake.streams import NOTHING
from app.intake.submit import Accepted, Along, again
from app.stream.accounts import Account, Demand
from app.stream.concurrency.threads import beside
from app.stream.errors import LimitedError

BETAS = "anthropic-beta"
NO_HEADERS: Mapping[str, str] = {}


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
    saves: bool = False,
    waits: bool = False,
    inherited: Mapping[str, str] = NO_HEADERS,
) -> Accepted:
    """Submits `prompt` for `caller`. With `saves` its answer may be a saved one where the caller's limits say so and
    the prompt does not; `waits`: its client is told how it ends; `inherited` are headers of an earlier request that
    hold where this one has none of the name.
    Raises `InvalidPromptError`, `NotAllowedError`, what `screened` raises, and what `Streams.submit` does; then
    nothing was accepted.
    """
    if prompt.relay.tools:
        saves = False
        if prompt.relay.cache:
            raise InvalidPromptError("relay.cache: an answer with relay.tools is made anew for each who asks")
    if prompt.relay.validate:
        saves = False
        # In a thread whatever its size: what the patterns of a schema take to be made is the client's to choose.
        await beside(len(prompt.body), lambda: structured.check(prompt), large=0)
    headers = {**inherited, **headers_of(request, PASSED_HEADERS)}
    granted = front.limits.of(caller)
    prompt = delivered(prompt, final=granted.final, waits=waits)
    await _offered(front, caller, prompt, key=idempotency_key)
    demand, refused = await _may(front, caller, granted, prompt, headers.get(BETAS, ""), key=idempotency_key)
    kept = await screened(front, request, caller, prompt)
    seconds = prompt.relay.cache if prompt.relay.cache is not None else granted.cache if saves else 0.0
    wanted = None
    if seconds and refused is None:
        wanted = await saving.wanted(prompt, caller.owner, headers, query, seconds)
    if wanted is not None:
        demand, saved = await saving.demand_of(front.saved, wanted, demand)
        fields = {**(fields or {}), **saved}
    try:
        return await front.streams.submit(
            prompt,
            caller.owner,
            headers,
            demand=demand,
            query=query,
            idempotency_key=idempotency_key,
            failure_frees_key=failure_frees_key,
            fields={**(fields or {}), **kept},
            along=along,
        )
    except LimitedError as error:
        raise refused or error from None


@dataclass(frozen=True, slots=True)
class Accepting:
    """The same for who knows no HTTP: of one request, whose caller is known."""

    front: Front
    request: Request
    caller: Caller

    async def submit(
        self,
        prompt: Prompt,
        *,
        idempotency_key: str | None,
        fields: Mapping[str, str | bytes],
        along: Along,
        inherited: Mapping[str, str] = NO_HEADERS,
    ) -> Accepted:
        """As `accept`."""
        return await accept(
            self.front,
            self.request,
            self.caller,
            prompt,
            idempotency_key=idempotency_key,
            fields=fields,
            along=along,
            inherited=inherited,
        )

    def max_tokens(self, default: int) -> int:
        return self.front.limits.of(self.caller).max_tokens(default)

    async def resubmit(self, stream_id: str, idempotency_key: str, digest: str) -> bool:
        """As `Streams.resubmit`, with what the stream's own prompt asks for."""
        streams = self.front.streams
        meta = await again(lambda: streams.log.meta(stream_id, "model", "request", "headers")) or {}
        if "request" not in meta:
            return await streams.keep(stream_id)  # somebody has ended it meanwhile
        betas = orjson.loads(meta.get("headers", b"{}")).get(BETAS, "")
        granted = self.front.limits.of(self.caller)
        demand = await _demand(self.front, granted, meta.get("model", b"").decode(), meta["request"], betas)
        return await streams.resubmit(stream_id, self.caller.owner, idempotency_key, digest, demand)


async def _offered(front: Front, caller: Caller, prompt: Prompt, *, key: str | None) -> None:
    """Raises `InvalidPromptError` where the prompt asks for tools that nobody offers its caller, unless it was accepted
    once.
    """
    if not prompt.relay.tools:
        return
    try:
        await front.offered.check(prompt.relay.tools, prompt.body, caller.owner)
    except InvalidPromptError:
        if key is None or not await again(lambda: front.streams.queue.find(caller.owner, key)):
            raise


async def _may(
    front: Front, caller: Caller, granted: Granted, prompt: Prompt, betas: str, *, key: str | None
) -> tuple[Demand, NotAllowedError | None]:
    """What the prompt asks of the caller's accounts. Raises `NotAllowedError` where the caller may not ask it.

    What was accepted once is answered again, though the limits have changed since: then it is told beside a demand
    that lets in nothing new.
    """
    try:
        return await _demand(front, granted, prompt.model, prompt.body, betas), None
    except NotAllowedError as error:
        if key is None or not await again(lambda: front.streams.queue.find(caller.owner, key)):
            raise
        return Demand((Account(caller.owner, concurrent_streams=0),)), error


async def _demand(front: Front, granted: Granted, model: str, body: bytes, betas: str) -> Demand:
    """What is asked of the caller's accounts, where the caller may ask it at all. Raises `NotAllowedError`."""
    if not granted.judges:
        return demand_of(granted, None, front.prices)

    def judged() -> Demand:
        asked = asked_of(model, body, betas)
        may.check(granted, asked)
        return demand_of(granted, asked, front.prices)

    return await beside(len(body), judged)
