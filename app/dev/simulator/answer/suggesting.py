"""Which tools a plain question suggests, as a model would see it: the time, a sum, or a tool that it names. Pure.

For whoever tries a tool without knowing a directive; a prompt that says what is answered suggests nothing.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.dev.simulator.answer.hearing import asked_at, text
from app.dev.simulator.directives import Directives
from app.dev.simulator.prompts import without
from app.dev.simulator.values import ToolCall

LOOKED_AT = 1_000  # characters of a question; a page of digits would be searched from each of them
_TIME = re.compile(r"\b(what time|time is it|o'clock|what (day|date)|which day|today's date|the time)\b", re.IGNORECASE)
# An operator between numbers, however they are grouped.
_SUM = re.compile(r"[(\d][\d\s.()]*(?:[-+*/^%\u00d7\u00f7][\d\s.()]+)+")
_ZONE = re.compile(r"\b[A-Z][a-z]+(?:/[A-Z][A-Za-z_]+)+\b")


def suggested(body: Mapping[str, Any], asked: Directives) -> Iterator[ToolCall]:
    if asked.text is not None or asked.tokens is not None or asked.hostile or asked.refusal:
        return
    question = without(text(body["messages"][asked_at(body["messages"])]))[:LOOKED_AT]
    for tool in body.get("tools") or ():
        name = str(tool.get("name"))
        words = name.rpartition("__")[2]
        if words == "clock" and _TIME.search(question):
            zone = _ZONE.search(question)
            yield ToolCall(name, {"timezone": zone[0]} if zone else {})
        elif words == "calculator" and (sums := _SUM.search(question)):
            expression = sums[0].strip().replace("\u00d7", "*").replace("\u00f7", "/")
            yield ToolCall(name, {"expression": expression.rstrip(" .(")})
        elif name and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", question):
            yield ToolCall(name)
