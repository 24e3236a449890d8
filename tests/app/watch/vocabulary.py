"""All that can be told, and an example of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, get_type_hints

from app.stream import observing
from app.stream.observing import Event
from app.watch.events import of_fronts, of_processes, of_streams
from app.watch.events.subjects import Subject

MODULES = (observing, of_streams, of_fronts, of_processes)
BASES = {Event, of_streams.OfStream, of_streams.OfAttempt}
EXAMPLES: dict[Any, Any] = {
    str: "word",
    int: 7,
    float: 0.25,
    bool: True,
    bool | None: True,
    int | None: 8,
    float | None: 0.5,
    Subject: Subject("st_1", "me", "req_1", "theirs"),
}


def kinds() -> list[type[Event]]:
    """Every class of events, in the order of its module."""
    found = [
        member
        for module in MODULES
        for member in vars(module).values()
        if isinstance(member, type) and issubclass(member, Event) and member.__module__ == module.__name__
    ]
    return [kind for kind in found if kind not in BASES]


def types_of(kind: type[Event]) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(kind)
    yield from ((field.name, hints[field.name]) for field in fields(kind))


def example(kind: type[Event]) -> Event:
    return kind(**{name: EXAMPLES[of] for name, of in types_of(kind)})
