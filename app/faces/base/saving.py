"""A prompt whose answer may be one that was given before: by what it is known, and what is promised for it.

The rule: two requests are the same where nothing in them can make another answer, and their owner is one. What an
answer costs that is there already is nothing, so nothing is promised for it; its worker sees to that where it is not
there any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from app.intake.prompt import Prompt, digest_of, fields_of, forwarded
from app.intake.raw_json import InvalidPromptError
from app.stream.accounts import Demand
from app.stream.concurrency.threads import beside
from app.stream.saved.saved_calls import UNRESERVED, Saved, Wanted, digest_of_call


async def wanted(prompt: Prompt, owner: str, headers: Mapping[str, str], query: str, seconds: float) -> Wanted | None:
    """What is asked for; None where the prompt is one that we cannot tell from another."""

    def digest() -> str:
        return digest_of_call(digest_of(fields_of(prompt.body)), owner, forwarded(headers), query)

    try:
        return Wanted(await beside(len(prompt.body), digest), seconds)
    except InvalidPromptError:
        return None


async def demand_of(saved: Saved, wanted: Wanted, demand: Demand) -> tuple[Demand, dict[str, str | bytes]]:
    """What such a prompt asks of its accounts, and the fields of its meta. Raises Redis' errors."""
    if not demand.reserve_nano or await saved.ask(wanted) is None:
        return demand, {**wanted.fields}
    return replace(demand, reserve_nano=0), {**wanted.fields, UNRESERVED: str(demand.reserve_nano)}
