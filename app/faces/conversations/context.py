"""Whether a history fits into its model's context, as far as that can be known before it is sent.

The rule: whoever speaks waits a few seconds for the count at the most, and what cannot be counted is sent: the Claude
API judges it then. Knows no HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import quote

import orjson

from app.intake.raw_json import Fields, InvalidPromptError, Raw, joined
from app.stream.observing import tell
from app.upstream import UP, UnreachableError, Upstream
from app.watch.events import of_fronts

# Below so many bytes no history fills any model's context; counting them would only cost time.
COUNTED_BYTES = 200_000
# Whoever speaks waits for the count; a client waits 30 s at the most for all of it.
COUNT_SECONDS = 5.0
# Of whoever names none: as the SDK would, through which a worker asks.
_VERSION = {"anthropic-version": "2023-06-01"}
_COUNTED = ("model", "system", "tools", "tool_choice", "thinking")
_OK = 200


class Context:
    """What models take, as the Claude API says it."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._limits: dict[str, int | None] = {}

    async def check(self, model: str, rest: Fields, messages: bytes, headers: Mapping[str, str]) -> None:
        """Raises `InvalidPromptError` for a history beyond the model's context, as far as that can be known.

        `messages` is the JSON of the history, `rest` all else of the request.
        """
        if len(messages) < COUNTED_BYTES or "context_management" in rest:  # the API makes room itself
            return
        body = with_messages({name: rest[name] for name in _COUNTED if name in rest}, messages)
        up = _VERSION | {name: headers[name] for name in UP if name in headers} | {"content-type": "application/json"}
        try:
            async with asyncio.timeout(COUNT_SECONDS):
                limit = await self._limit(model, up)
                if limit is None:
                    return
                reply = await self._upstream.ask("POST", "/v1/messages/count_tokens", "", up, body)
            tokens = orjson.loads(reply.body)["input_tokens"] if reply.status == _OK else 0
        except (UnreachableError, TimeoutError, ValueError, KeyError, TypeError) as error:
            # The Claude API judges it then.
            tell(of_fronts.HistoryUncounted(type(error).__name__))
            return
        if tokens > limit:
            raise InvalidPromptError(
                f"the conversation is longer than the model's context: {tokens} tokens, and {model} takes "
                f"{limit}; fork it at an earlier message, begin another, or ask for compaction (context_management)"
            )

    async def _limit(self, model: str, headers: Mapping[str, str]) -> int | None:
        """How many tokens of input a model takes, where the Claude API says so."""
        if model not in self._limits:
            reply = await self._upstream.ask("GET", f"/v1/models/{quote(model, safe='')}", "", headers)
            if reply.status != _OK:
                return None
            limit = orjson.loads(reply.body).get("max_input_tokens")
            self._limits[model] = limit if isinstance(limit, int) else None
        return self._limits[model]


def with_messages(rest: Fields, messages: bytes) -> bytes:
    """A request's JSON, of its messages and all else in it."""
    return joined({**rest, "messages": Raw(messages)})
