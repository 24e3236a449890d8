"""Prompt caching as the API does it: marks that it refuses, what is read and what is written.

A prompt is the row of its blocks, tools, then system, then messages; a mark keeps what stands up to it, for five
minutes or an hour since it was last used, where that is as much as the model wants; a later prompt reads the longest
beginning that is kept, looking back a few blocks from each of its marks. The clock is handed in; knows nothing of HTTP.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain
from time import monotonic
from typing import Any

from app.dev.simulator.answer.plan import CHARACTERS_PER_TOKEN, Cached
from app.dev.simulator.calls import Recent
from app.dev.simulator.rules.errors import ApiError

MARKS_MAX = 4
LOOK_BACK = 20  # blocks
SECONDS = {"5m": 300.0, "1h": 3600.0}
# Tokens, as the API's documentation has them; what is newer than it is as what came before.
MINIMA = {"claude-opus-5-5": 512, "claude-opus-5": 512, "claude-haiku-4-5": 4096}
MINIMUM_OF_OTHERS = 1024
_UNMARKABLE = ("thinking", "redacted_thinking")


@dataclass(frozen=True, slots=True)
class _Block:
    """One place of a prompt, with its mark's time if it has one; `before` is what makes blocks of two places differ."""

    at: str
    value: Mapping[str, Any]
    before: str
    mark: str | None


def check_marks(body: Mapping[str, Any]) -> None:
    """Raises ApiError."""
    marks = [block for block in _blocks(body) if block.value.get("cache_control") is not None]
    for block in marks:
        _check_mark(block)
    automatic = body.get("cache_control")
    if automatic is not None:
        _time_of("", automatic)
    if (found := len(marks) + (automatic is not None)) > MARKS_MAX:
        raise ApiError(400, f"A maximum of {MARKS_MAX} blocks with cache_control may be provided. Found {found}.")
    short = False
    for block in marks:
        if short and block.mark == "1h":
            raise ApiError(
                400,
                f"{block.at}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' "
                "cache_control block. Note that blocks are processed in the following order: `tools`, `system`, "
                "`messages`.",
            )
        short = short or block.mark == "5m"


class Caches:
    """What is kept, of all prompts."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._until: Recent[float] = Recent(float)

    def use(self, body: Mapping[str, Any]) -> Cached:
        """What a call with this body reads and writes; nothing, where it has no mark."""
        blocks = list(_blocks(body))
        marks = {place: block.mark for place, block in enumerate(blocks) if block.mark is not None}
        if (automatic := body.get("cache_control")) is not None and blocks:
            markable = (n for n in range(len(blocks) - 1, -1, -1) if blocks[n].value.get("type") not in _UNMARKABLE)
            marks.setdefault(next(markable, 0), _time_of("", automatic))
        if not marks:
            return Cached()
        names, sizes = _beginnings(str(body["model"]), blocks)
        least, now = MINIMA.get(str(body["model"]), MINIMUM_OF_OTHERS), self._clock()
        near = (place for mark in marks for place in range(mark, max(mark - LOOK_BACK, -1), -1))
        read = max((place for place in near if self._until[names[place]] > now), default=-1)
        at = done = sizes[read] if read >= 0 else 0
        if read >= 0:  # what is read is kept on
            self._until[names[read]] = max(self._until[names[read]], now + SECONDS["5m"])
        written = {"5m": 0, "1h": 0}
        for place, time in sorted(marks.items()):
            if sizes[place] >= least:
                self._until[names[place]] = max(self._until[names[place]], now + SECONDS[time])
                written[time] += max(sizes[place] - at, 0)
                at = max(sizes[place], at)
        return Cached(done, written["5m"], written["1h"])

    def clear(self) -> None:
        self._until.clear()


def _blocks(body: Mapping[str, Any]) -> Iterator[_Block]:
    yield from chain(_of(body.get("tools"), "tools", ""), _of(body.get("system"), "system", "system"))
    for number, message in enumerate(body.get("messages") or ()):
        yield from _of(message.get("content"), f"messages.{number}.content", f"{number} {message.get('role')}")


def _of(content: Any, at: str, before: str) -> Iterator[_Block]:
    if isinstance(content, str):
        yield _Block(at, {"type": "text", "text": content}, before, None)
        return
    for place, value in enumerate(content if isinstance(content, list) else ()):
        if not isinstance(value, Mapping):
            continue
        here = f"{at}.{place}"
        for number, inner in enumerate(_marked_within(value)):
            within = f"{here}.tool_result.content.{number}"
            yield _Block(within, inner, before, _time_of(within, inner["cache_control"]))
        mark = value.get("cache_control")
        yield _Block(here, value, before, None if mark is None else _time_of(here, mark))


def _marked_within(block: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The blocks of a tool's result that have marks of their own."""
    content = block.get("content") if block.get("type") == "tool_result" else None
    inner = [one for one in content if isinstance(one, Mapping)] if isinstance(content, list) else []
    return [one for one in inner if one.get("cache_control") is not None]


def _check_mark(block: _Block) -> None:
    kind, value = block.value.get("type"), block.value
    if kind == "text" and not str(value.get("text")).strip():
        raise ApiError(400, f"{block.at}.text: cache_control cannot be set for empty text blocks")
    if kind in _UNMARKABLE:
        raise ApiError(400, f"{block.at}.{kind}.cache_control: Extra inputs are not permitted")
    if value.get("defer_loading"):
        name = value.get("name")
        raise ApiError(400, f"Tool '{name}' cannot have both defer_loading=true and cache_control set.")


def _time_of(at: str, mark: Any) -> str:
    where = f"{at}.cache_control" if at else "cache_control"
    if not isinstance(mark, Mapping):
        raise ApiError(400, f"{where}: Input should be a valid dictionary")
    if mark.get("type") != "ephemeral":
        raise ApiError(400, f"{where}.type: Input should be 'ephemeral'")
    time = mark.get("ttl", "5m")
    if time not in SECONDS:
        raise ApiError(400, f"{where}.ephemeral.ttl: Input should be '5m' or '1h'")
    return str(time)


def _beginnings(model: str, blocks: list[_Block]) -> tuple[list[str], list[int]]:
    """Of each place the name of all that stands up to it, and its size in tokens."""
    names, sizes, characters = [], [], 0
    running = blake2b(model.encode(), digest_size=16)
    for block in blocks:
        text = json.dumps({name: value for name, value in block.value.items() if name != "cache_control"})
        characters += len(text)
        running.update(f"\0{block.before}\0{text}".encode())
        names.append(running.hexdigest())
        sizes.append(characters // CHARACTERS_PER_TOKEN)
    return names, sizes
