"""JSON as text: an object's members are the text of its values, and what was cut off is closed to something whole."""

from __future__ import annotations

import json
from typing import Any
from zlib import crc32

import jiter

from tests.fuzz import mutating
from tests.fuzz.targets.body import exactly
from worker.rawjson import json_text
from worker.rawjson.codec import dumps, loads

mutate = mutating.of_json


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
    is_cut_off_as_the_sdk_has_it(data)
    try:
        read = loads(data)
        json.dumps(read, allow_nan=False)  # beyond a double it is infinite, for which JSON has no word
    except ValueError:
        return
    assert loads(dumps(read)) == read


def is_cut_off_as_the_sdk_has_it(data: bytes) -> None:
    """Wherever it is cut, where the SDK's parser takes all of it."""
    part = data[: crc32(data) % (len(data) + 1)]
    try:
        jiter.from_json(data)
    except ValueError:
        return
    completed = json_text.complete(part)
    try:
        wanted = jiter.from_json(part, partial_mode=True)
    except ValueError:
        assert completed is None
    else:
        assert completed is not None
        assert jiter.from_json(completed) == wanted


NOTHING: Any = object()


def value_of(data: bytes) -> Any:
    """The value of what is JSON."""
    try:
        return exactly(data)
    except ValueError:
        return NOTHING
