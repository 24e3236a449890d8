"""What a call used: the counts in the Messages API's `usage`, and how much of it somebody counted.

Pure. The rule: what the upstream told counts as it told it; output that nobody counted is estimated by its bytes, and
is never less than what was told. A count that is none, or that no call could reach, is nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import orjson

# What a use is paid by.
COUNTS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
# More than any call can use, and so little that what it costs, in nano-dollars, is exact also in Lua.
COUNT_MAX = 10**10
# Of text, thinking and tool input: a rule of thumb for what no tokenizer has seen.
BYTES_PER_TOKEN = 4
# Iterations whose use is not part of the counts above them.
_BESIDE = frozenset({"compaction", "advisor_message"})


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens by kind, and web searches; `input` are those that were neither read from a cache nor written to one."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    searches: int = 0

    @property
    def cache_write(self) -> int:
        return self.cache_write_5m + self.cache_write_1h

    @property
    def all_input(self) -> int:
        """What decides whether a prompt is a long one."""
        return self.input + self.cache_read + self.cache_write

    def __add__(self, other: Counts) -> Counts:
        return _each(self, other, lambda one, two: one + two)

    def beyond(self, other: Counts) -> Counts:
        """How much more this is than the other, kind by kind."""
        return _each(self, other, lambda one, two: max(one - two, 0))


NOTHING = Counts()


@dataclass(frozen=True, slots=True)
class Part:
    """Of what a call used, what one model did; None is the one that answered."""

    model: str | None
    counts: Counts


@dataclass(frozen=True, slots=True)
class Cost:
    """In nano-dollars. `nano` is None where a model that was used has no known price; `saved` by what caches had."""

    nano: int | None = 0
    saved: int = 0


@dataclass(frozen=True, slots=True)
class Brought:
    """What a call has brought, as far as it came. `usage` is JSON as the upstream last told it, None where it did not.

    `output_bytes` are those of its text, thinking and tool input; `counted`: the upstream has told of all of them;
    `whole`: its `message_stop` has come.
    """

    model: str | None = None
    usage: bytes | None = None
    stop_reason: str | None = None
    output_bytes: int = 0
    counted: bool = False
    whole: bool = False

    @property
    def begun(self) -> bool:
        """Whether its `message_start` has come."""
        return self.model is not None or self.usage is not None

    @property
    def estimated(self) -> bool:
        """Whether the output in `used` is an estimate."""
        return self.usage is not None and not self.counted

    @property
    def used(self) -> bytes | None:
        """`usage` with its output estimated where nobody counted it."""
        if not self.estimated:
            return self.usage
        told = values(self.usage)
        output = max(count(told, "output_tokens"), -(-self.output_bytes // BYTES_PER_TOKEN))
        try:
            return orjson.dumps(told | {"output_tokens": output})
        except TypeError:  # of what cannot be written again only what it is paid by
            return orjson.dumps(
                {name: count(told, name) for name in COUNTS if name in told} | {"output_tokens": output}
            )

    @property
    def free(self) -> bool:
        """Whether the model declined before it said anything: nobody pays for that."""
        return self.whole and self.stop_reason == "refusal" and not self.output_bytes


def values(usage: bytes | None) -> dict[str, Any]:
    """The use as values to reckon with; nothing for what cannot be read."""
    try:
        found = orjson.loads(usage or b"null")
    except orjson.JSONDecodeError:
        found = _strange(usage or b"")
    return found if isinstance(found, dict) else {}


def _strange(usage: bytes) -> Any:
    """What has numbers beyond a double, or halves of surrogate pairs."""
    try:
        return json.loads(usage)
    except (ValueError, RecursionError):
        return None


def parts_of(usage: Mapping[str, Any]) -> tuple[Part, ...]:
    """What each model used, by the iterations where they are told; what they leave out of the counts above, too."""
    whole = counts_of(usage)
    iterations = [one for one in _list(usage.get("iterations")) if isinstance(one, Mapping)]
    served = any(one.get("type") == "fallback_message" for one in iterations)
    parts, within = [], []
    for one in iterations:
        counts, kind = counts_of(one), one.get("type")
        if kind not in _BESIDE:
            within.append(counts)
            if served and kind == "message" and not counts.output:
                continue  # declined before it said anything
        model = one.get("model")
        parts.append(Part(model if isinstance(model, str) else None, counts))
    rest = whole.beyond(reduce(Counts.__add__, within, NOTHING))
    return tuple(part for part in (*parts, Part(None, rest)) if part.counts != NOTHING)


def counts_of(usage: Mapping[str, Any]) -> Counts:
    """The counts of a `usage`, or of one of its iterations."""
    creation = usage.get("cache_creation")
    creation = creation if isinstance(creation, Mapping) else {}
    hour = count(creation, "ephemeral_1h_input_tokens")
    written = count(usage, "cache_creation_input_tokens") or hour + count(creation, "ephemeral_5m_input_tokens")
    hour = min(hour, written)
    tools = usage.get("server_tool_use")
    return Counts(
        input=count(usage, "input_tokens"),
        output=count(usage, "output_tokens"),
        cache_read=count(usage, "cache_read_input_tokens"),
        cache_write_5m=written - hour,
        cache_write_1h=hour,
        searches=count(tools, "web_search_requests") if isinstance(tools, Mapping) else 0,
    )


def paid_by(told: Mapping[str, Any]) -> dict[str, int]:
    """Of a use, its counts alone."""
    return {name: count(told, name) for name in COUNTS if name in told}


def count(told: Mapping[str, Any], name: str) -> int:
    value = told.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= COUNT_MAX else 0


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _each(one: Counts, two: Counts, make: Callable[[int, int], int]) -> Counts:
    return Counts(*(make(getattr(one, name), getattr(two, name)) for name in Counts.__slots__))
