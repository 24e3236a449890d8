"""What a client asks of the relay itself: the object `relay` of a body, as a checked value.

Pure. The rule: every field of it stands in one table, with what it may say; it never goes up, and what is asked for is
kept in the stream's meta under the field's own name, unless it is as it is anyhow. Which faces take which of them is
theirs to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.intake.raw_json import InvalidPromptError
from app.intake.unknown import unknown

ON_INTERRUPT = ("restart", "fail")
DELIVERY = ("progressive", "final")
CACHE_PROMPT = ("5m", "1h")
HALF_YEAR = 183 * 24 * 3600
TOOLS_MAX = 128
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}", re.ASCII)
MAX_TURNS, TURNS_CEILING = 10, 100
REPAIRS, REPAIRS_MAX = 1, 3
# For how long a submit may be waited for: clients and proxies give up on a connection that says nothing for longer.
WAIT_SECONDS_MAX = 120
# The fields of a stream's meta that say what its client asked for.
CARRIED = ("on_interrupt", "abandon_after", "tools", "max_turns", "delivery", "validate", "repair", "cache_prompt")


@dataclass(frozen=True, slots=True)
class Relay:
    """`on_interrupt` is '' where nothing is said of it. `ticket`: the answer is to carry one. `cache`: its answer may
    be one that was given so many seconds ago, None where nothing is said of that.

    `tools`: what the worker may run for it, in at most `max_turns` calls. `delivery`: whether readers see it as it
    comes. `validate`: its text is held against its schema, and mended by `repair` more calls at the most.
    `cache_prompt`: for how long the prompt's beginning is to be kept upstream; '' not at all, None where nothing is
    said of it.
    """

    on_interrupt: str = ""
    abandon_after: float | None = None
    ticket: bool = False
    cache: float | None = None
    tools: tuple[str, ...] = ()
    max_turns: int = MAX_TURNS
    delivery: str = "progressive"
    validate: bool = False
    repair: int = REPAIRS
    cache_prompt: str | None = None

    @property
    def is_final(self) -> bool:
        return self.delivery == "final"

    def fields(self) -> dict[str, str | bytes]:
        """What a stream's meta says of it; `on_interrupt` and `cache` are said by those who know the rest of it."""
        fields: dict[str, str | bytes] = {}
        if self.abandon_after is not None:
            fields["abandon_after"] = f"{self.abandon_after:g}"
        if self.tools:
            fields |= {"tools": orjson.dumps(self.tools), "max_turns": str(self.max_turns)}
        if self.is_final:
            fields["delivery"] = self.delivery
        if self.validate:
            fields |= {"validate": "1", "repair": str(self.repair)}
        if self.cache_prompt:
            fields["cache_prompt"] = self.cache_prompt
        return fields


def relay_of(given: Any) -> Relay:
    """The value of a body's `relay`. Raises `InvalidPromptError`."""
    if given is None:
        return Relay()
    if not isinstance(given, dict):
        raise InvalidPromptError("relay: must be an object")
    odd = sorted(set(given) - set(_FIELDS))
    if odd:
        raise InvalidPromptError(unknown(odd[0], _FIELDS, of="relay"))
    return Relay(**{name: _FIELDS[name](name, value) for name, value in given.items() if value is not None})


def carried(meta: Mapping[str, bytes], turns: int) -> dict[str, Any]:
    """What a stream's client asked of the relay, by the `CARRIED` fields of its meta, for a stream that goes on with it
    after so many turns: as a body would say it. A ticket is each answer's own, and so is whether it may be a saved one.
    """
    given = {name: meta[name].decode() for name in CARRIED if name in meta}
    relay: dict[str, Any] = {
        name: given[name] for name in ("on_interrupt", "delivery", "cache_prompt") if name in given
    }
    if "abandon_after" in given:
        relay["abandon_after"] = float(given["abandon_after"])
    if "tools" in given:
        left = int(given.get("max_turns", MAX_TURNS)) - turns
        relay |= {"tools": orjson.loads(given["tools"]), "max_turns": max(left, 1)}
    if "validate" in given:
        relay |= {"validate": True, "repair": int(given.get("repair", REPAIRS))}
    return relay


def _choice(*choices: str) -> Callable[[str, Any], str]:
    def read(name: str, value: Any) -> str:
        if value not in choices:
            raise InvalidPromptError(f"relay.{name}: must be {' or '.join(choices)}")
        return str(value)

    return read


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidPromptError(f"relay.{name}: must be true or false")
    return value


def _whole(least: int, most: int) -> Callable[[str, Any], int]:
    def read(name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise InvalidPromptError(f"relay.{name}: must be a whole number from {least} to {most}")
        return value

    return read


def _abandon_after(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < HALF_YEAR:
        raise InvalidPromptError(f"relay.{name}: must be a number of seconds above 0")
    return value


def _cache(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= HALF_YEAR:
        raise InvalidPromptError(f"relay.{name}: must be a number of seconds from 0 to {HALF_YEAR}")
    return value


def _tools(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and TOOL_NAME.fullmatch(one) for one in value):
        raise InvalidPromptError(f"relay.{name}: must be a list of names of tools, see GET /v1/tools")
    if len(value) > TOOLS_MAX:
        raise InvalidPromptError(f"relay.{name}: must have at most {TOOLS_MAX} names")
    if len(set(value)) < len(value):
        raise InvalidPromptError(f"relay.{name}: must have each name once")
    return tuple(value)


def _cache_prompt(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return CACHE_PROMPT[0] if value else ""
    if value not in CACHE_PROMPT:
        raise InvalidPromptError(f"relay.{name}: must be true, false, {' or '.join(CACHE_PROMPT)}")
    return str(value)


_FIELDS: Mapping[str, Callable[[str, Any], Any]] = {
    "on_interrupt": _choice(*ON_INTERRUPT),
    "abandon_after": _abandon_after,
    "ticket": _flag,
    "cache": _cache,
    "tools": _tools,
    "max_turns": _whole(1, TURNS_CEILING),
    "delivery": _choice(*DELIVERY),
    "validate": _flag,
    "repair": _whole(0, REPAIRS_MAX),
    "cache_prompt": _cache_prompt,
}
