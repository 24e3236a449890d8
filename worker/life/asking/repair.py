"""What is asked again of a model whose answer did not fit its schema: that answer, and what is wrong with it.

Pure. The rule: it stands in the meta as soon as it counts, so that whoever takes over asks the same; of several only
the newest is told, at its place among the turns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from worker.life.asking.continuing import message_of, sent_back, with_turns
from worker.life.tooling.turns import Turns
from worker.rawjson import json_text

Fields = dict[str, str | bytes | int]

REPAIRS, INVALID, FAULTS, BEHIND = "repairs", "invalid", "invalid_faults", "invalid_behind"
_ASKED = (
    "Your answer does not fit the JSON schema that it must fit:\n\n{faults}\n\n"
    "Answer again, with the whole JSON as it should be, and with nothing else."
)


@dataclass(frozen=True, slots=True)
class Repair:
    """`made`: how many were begun. `message`: the Message that did not fit, as JSON, `behind` so many whole turns;
    `faults`: what is wrong with it.
    """

    made: int = 0
    message: bytes = b""
    faults: str = ""
    behind: int = 0

    def again(self, message: bytes, faults: str, behind: int) -> Repair:
        return replace(self, made=self.made + 1, message=message, faults=faults, behind=behind)

    @property
    def fields(self) -> Fields:
        """What the meta is to say of it."""
        return {REPAIRS: self.made, INVALID: self.message, FAULTS: self.faults, BEHIND: self.behind}


def repair_of(meta: Mapping[str, bytes]) -> Repair:
    """As the last holder left it."""
    return Repair(
        made=_whole(meta.get(REPAIRS)),
        message=meta.get(INVALID, b""),
        faults=meta.get(FAULTS, b"").decode("utf-8", "replace"),
        behind=_whole(meta.get(BEHIND)),
    )


def with_repair(members: Mapping[str, bytes], repair: Repair, turns: Turns) -> dict[str, bytes]:
    """The request with the turns that are whole, and among them the answer that is to be mended."""
    before, after = turns.finished[: repair.behind], turns.finished[repair.behind :]
    found = with_turns(members, replace(turns, finished=before))
    messages: bytes | None = found.get("messages")
    if blocks := sent_back(json_text.members(repair.message).get("content", b"[]")):
        messages = json_text.extended(messages, message_of(b'"assistant"', blocks))
    asked = json_text.text(_ASKED.format(faults=repair.faults))
    block = json_text.assemble({"type": b'"text"', "text": asked})
    messages = json_text.extended(messages, message_of(b'"user"', [block]))
    return with_turns({**found, "messages": messages}, replace(turns, finished=after))


def _whole(value: bytes | None) -> int:
    try:
        return max(int(value or b"0"), 0)
    except ValueError:
        return 0
