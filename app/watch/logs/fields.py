"""An event's fields as a line has them. Pure.

The rule: the names are the event's own; whom it is about is told by id, owner and the request's ids; what is not known
(empty, or None) is left out. A text is cut at `LETTERS`: no line is longer than it can be read.
"""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any

from app.stream.observing import Event
from app.watch.events.of_streams import Ended
from app.watch.events.subjects import Subject

LETTERS = 300
# Of seconds; and of dollars, whose smallest part that is counted is a billionth.
_DIGITS, _OF_DOLLARS = 6, 9

Fields = dict[str, Any]


@cache
def names_of(kind: type[Event]) -> tuple[str, ...]:
    """Of whom it is comes first, whatever the event begins with."""
    return tuple(sorted((field.name for field in fields(kind)), key=lambda name: name != "of"))


def fields_of(event: Event) -> Fields:
    """What an event says, of whom first."""
    found: Fields = {}
    for name in names_of(type(event)):  # type: ignore[arg-type]  # every class can be a key
        value = getattr(event, name)
        if value is None or value == "":
            continue
        if isinstance(value, str):
            found[name] = bounded(value)
        elif isinstance(value, float):
            found[name] = round(value, _OF_DOLLARS if name == "cost_usd" else _DIGITS)
        elif isinstance(value, Subject):
            add(found, value)
        else:
            found[name] = value
    if isinstance(event, Ended) and event.output_tokens and event.writing_seconds:
        found["tokens_per_second"] = round(event.output_tokens / event.writing_seconds, 1)
    return found


def add(found: Fields, of: Subject) -> None:
    if of.stream_id:
        found["stream_id"] = bounded(of.stream_id)
    if of.owner:
        found["owner"] = bounded(of.owner)
    if of.request_id:
        found["request_id"] = of.request_id
    if of.client_request_id:
        found["client_request_id"] = bounded(of.client_request_id)


def bounded(text: str) -> str:
    """A text of ours or of somebody else's; of an enumeration its value."""
    text = str(text)
    return text if len(text) <= LETTERS else text[:LETTERS] + "…"
