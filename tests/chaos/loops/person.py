"""A person who is asked: after a while it is approved or refused, over whichever front answers."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable

import httpx

from tests.chaos.loops.case import Loop
from tests.harness.reader import ViolationError

LOOK_SECONDS = 0.3
APPROVED_SHARE = 0.7


async def decide(http: httpx.AsyncClient, url: Callable[[str], str], case: Loop, rng: random.Random) -> None:
    """Until the stream has ended: says of each call whether it may be made, and says it until it is heard."""
    while True:
        with contextlib.suppress(httpx.TransportError):
            answer = await http.get(url(f"/v1/streams/{case.stream_id}"))
            shown = answer.json() if answer.status_code == httpx.codes.OK else {}
            if shown.get("state") == "ended":
                return
            for one in shown.get("approvals", ()):
                await asyncio.sleep(rng.uniform(0, 1))
                await _say(http, url, case, one["tool_use_id"], approve=rng.random() < APPROVED_SHARE)
        await asyncio.sleep(LOOK_SECONDS)


async def _say(http: httpx.AsyncClient, url: Callable[[str], str], case: Loop, call: str, *, approve: bool) -> None:
    approve = case.verdicts.setdefault(call, approve)
    while True:
        with contextlib.suppress(httpx.TransportError):
            answer = await http.post(url(f"/v1/streams/{case.stream_id}/tools/{call}"), json={"approve": approve})
            if answer.status_code in (httpx.codes.ACCEPTED, httpx.codes.CONFLICT):
                return  # heard, or the stream has ended
            if answer.status_code < 500:
                raise ViolationError(f"{case.stream_id}: of {call}: {answer.status_code} {answer.text[:200]}")
        await asyncio.sleep(LOOK_SECONDS)
