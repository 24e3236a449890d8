"""JSON as text: an object's members are the text of its values, and what was cut off is closed to something whole."""

from __future__ import annotations

from typing import Any

from tests.fuzz.targets.body import exactly
from worker.rawjson import json_text
from worker.rawjson.codec import NotJSONError, dumps, loads


def check(data: bytes) -> None:
    data = data.decode(errors="ignore").encode()  # all that comes there is UTF-8
    value = value_of(data)
    assert json_text.is_json(data) == (value is not NOTHING)
    completed = json_text.complete(data)
    if completed is not None:
        assert value_of(completed) is not NOTHING
        assert json_text.complete(completed) == completed
    if value is NOTHING:
        return
    found = json_text.members(data)
    assert {name: exactly(one) for name, one in found.items()} == (value if isinstance(value, dict) else {})
    if isinstance(value, dict):
        assert exactly(json_text.assemble(found)) == value
    if isinstance(value, list):
        assert exactly(json_text.extended(data.strip(), b"1")) == [*value, "1"]
    assert json_text.is_readable(data)
    try:
        read = loads(data)
    except NotJSONError:
        return
    assert loads(dumps(read)) == read


NOTHING: Any = object()


def value_of(data: bytes) -> Any:
    """The value of what is JSON."""
    try:
        return exactly(data)
    except ValueError:
        return NOTHING
