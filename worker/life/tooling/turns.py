"""Where a stream stands in its turns: the fields of the meta that a loop of tools goes on from.

Pure. The rule: what stands here is enough to go on without reading anything back: the Messages that are whole, the
results that the model is to be told, and which calls began that must not begin twice. Each is written in the same
append as the frames that it follows from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import orjson

from app.stream.readback.steps import ask_field, message_field, result_field
from worker.life.tooling.verdicts import Verdict, asked_in, verdicts_of
from worker.rawjson import json_text

Fields = dict[str, str | bytes | int]

TURN, BEGAN = "turn", "began"


@dataclass(frozen=True, slots=True)
class Turns:
    """`number`: the turn that is to be called or under way, from 1, or whose tools run.

    `finished`: the Messages of the turns that are whole, as JSON; `results`: the data of each `relay.tool`, by its
    call; `began`: the calls of this turn whose running began, and that must not run twice; `asks`: those of which
    a person was asked, and `verdicts`: what was said. `told`: what whoever makes requests keeps of turns that are over.
    """

    number: int = 1
    finished: tuple[bytes, ...] = ()
    results: Mapping[str, bytes] = field(default_factory=dict)
    began: frozenset[str] = frozenset()
    asks: frozenset[str] = frozenset()
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    told: dict[bytes, tuple[bytes, bytes]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def due(self) -> bool:
        """Whether this turn's Message is whole, and the results of its tools are awaited."""
        return len(self.finished) == self.number

    @property
    def readable(self) -> bool:
        """Whether all is there that the next call has to be told."""
        return self.number - 1 <= len(self.finished) <= self.number

    @property
    def memory_bytes(self) -> int:
        kept = [*self.finished, *self.results.values(), *(messages for messages, _ in self.told.values())]
        return sum(map(len, kept))

    # --- what happens, and what the meta says of it

    def finish(self, message: bytes) -> tuple[Turns, Fields]:
        """The Message of this turn is whole."""
        finished = (*self.finished, message)
        return replace(self, finished=finished), {TURN: self.number, message_field(self.number): message}

    def begin(self, ids: frozenset[str]) -> tuple[Turns, Fields]:
        """These calls are about to run, and must not run twice."""
        began = self.began | ids
        return replace(self, began=began), {BEGAN: orjson.dumps(sorted(began))}

    def result(self, tool_use_id: str, data: bytes) -> tuple[Turns, Fields]:
        return replace(self, results={**self.results, tool_use_id: data}), {result_field(tool_use_id): data}

    def ask(self, tool_use_id: str, data: bytes) -> tuple[Turns, Fields]:
        """A person is asked, in these words of `relay.approval`."""
        return replace(self, asks=self.asks | {tool_use_id}), {ask_field(tool_use_id): data}

    def next(self) -> tuple[Turns, Fields]:
        """All results are there, and another call is to be told them."""
        return replace(self, number=self.number + 1, began=frozenset()), {TURN: self.number + 1, BEGAN: "[]"}


def turns_of(meta: Mapping[str, bytes]) -> Turns:
    """As the last holder left them."""
    number = _whole(meta.get(TURN))
    finished: list[bytes] = []
    while len(finished) < number and (message := meta.get(message_field(len(finished) + 1))) is not None:
        finished.append(message)
    prefix = result_field("")
    results = {name.removeprefix(prefix): data for name, data in meta.items() if name.startswith(prefix)}
    return Turns(number, tuple(finished), results, _ids(meta.get(BEGAN)), asked_in(meta), verdicts_of(meta))


@dataclass(frozen=True, slots=True)
class Result:
    """What a call came to, as the model is told it. `content` is JSON."""

    content: bytes
    is_error: bool


def result_data(tool_use_id: str, name: str, content: bytes, *, is_error: bool, elapsed_ms: int) -> bytes:
    """The data of `relay.tool`. `content` stands in it as it is told."""
    told = {
        "tool_use_id": json_text.text(tool_use_id),
        "name": json_text.text(name),
        "content": content,
        "is_error": b"true" if is_error else b"false",
        "elapsed_ms": b"%d" % elapsed_ms,
    }
    return json_text.assemble(told)


def result_of(data: bytes) -> Result:
    """As `result_data` made it."""
    found = json_text.members(data)
    return Result(found.get("content", b'""'), found.get("is_error") == b"true")


def _whole(value: bytes | None) -> int:
    try:
        return max(int(value or b"1"), 1)
    except ValueError:
        return 1


def _ids(value: bytes | None) -> frozenset[str]:
    try:
        found = orjson.loads(value or b"[]")
    except orjson.JSONDecodeError:
        return frozenset()
    return frozenset(one for one in found if isinstance(one, str)) if isinstance(found, list) else frozenset()
