"""What a person said of calls that wait for one: the fields of the meta that a front writes.

Pure. The rule: a call is run only where somebody said so in words that can be read; who refuses is heard by the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from app.stream.readback.steps import ask_field, verdict_field
from worker.rawjson import json_text
from worker.tools.tool import Result

_ASK, _VERDICT = ask_field(""), verdict_field("")
REFUSED = "A person refused this call"


@dataclass(frozen=True, slots=True)
class Verdict:
    approve: bool
    reason: str = ""

    def refusal(self) -> Result:
        """What the model is told instead of a result."""
        said = f"{REFUSED}: {self.reason}" if self.reason else f"{REFUSED}."
        return Result(json_text.text(said), is_error=True, elapsed_ms=0)


def verdicts_of(meta: Mapping[str, bytes]) -> dict[str, Verdict]:
    """By the calls that they are of."""
    found = {}
    for name, value in meta.items():
        if name.startswith(_VERDICT) and (verdict := _verdict(value)) is not None:
            found[name.removeprefix(_VERDICT)] = verdict
    return found


def asked_in(meta: Mapping[str, bytes]) -> frozenset[str]:
    """The calls of which a person was asked."""
    return frozenset(name.removeprefix(_ASK) for name in meta if name.startswith(_ASK))


def approval_data(tool_use_id: str, name: str, tool_input: bytes) -> bytes:
    """The data of `relay.approval`."""
    told = {"tool_use_id": json_text.text(tool_use_id), "name": json_text.text(name), "input": tool_input}
    return json_text.assemble(told)


def _verdict(value: bytes) -> Verdict | None:
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    match found:
        case {"approve": bool(approve), **rest}:
            reason = rest.get("reason")
            return Verdict(approve, reason if isinstance(reason, str) else "")
    return None
