"""JSON as bytes: the fields of an object without their values being built.

Pure. The law: nothing that a client sends is walked in Python. A body is checked whole (by msgspec, in C) and cut into
the bytes of its fields; only what we have to judge is read, and what is handed on is handed on as it was sent: numbers
of any length, escapes, order. Errors tell the place and never quote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import orjson

from app.stream.errors import KeepstreamError

Raw = msgspec.Raw
Fields = dict[str, Raw]

# No call of the API comes near; each field costs a look.
FIELDS_MAX = 1000
# What is built of a body costs 20 ms at the most, whatever is in it: each value weighs what it takes of them.
WEIGHT_MAX = 300_000
_WEIGHTS = {b"{": 4, b"[": 4, b":": 3, b",": 1}
# A string whole, without a step back, or what weighs.
_WEIGHING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[{:,]', re.DOTALL)
# What is built may come to stand in a message, a history, an event, and JSON is written only so deep.
WRAPPING = 8
_TOO_DEEP = "the body is nested too deeply"
_PLACE = re.compile(r"\(byte (\d+)\)")


class InvalidPromptError(KeepstreamError):
    """The client's fault: a body that cannot be a prompt. The message says what to change."""


class _Name(str):
    """A field's name: of a type of its own, so that its reader is asked for each."""

    __slots__ = ()


class _Counter:
    """Refuses an object with more fields than can be meant, before they are all there."""

    def __init__(self) -> None:
        self.fields = 0

    def name(self, _type: Any, value: str) -> _Name:
        self.fields += 1
        if self.fields > FIELDS_MAX:
            raise InvalidPromptError(f"the body has more than {FIELDS_MAX} fields")
        return _Name(value)


def fields_of(body: bytes) -> Fields:
    """The fields of the JSON object in `body`, each as its bytes; of a name that is there twice, the last one.

    About 2 ms for a MiB at the worst, whatever is in it. Raises `InvalidPromptError`.
    """
    counter = _Counter()
    try:
        if not body.isascii():
            body.decode()
        found = msgspec.json.decode(body, type=dict[_Name, Raw], dec_hook=counter.name)
    except UnicodeDecodeError as error:
        raise _invalid(body, error.start) from None
    except msgspec.ValidationError:
        if counter.fields > FIELDS_MAX:
            raise InvalidPromptError(f"the body has more than {FIELDS_MAX} fields") from None
        raise InvalidPromptError("the body must be a JSON object") from None
    except msgspec.DecodeError as error:
        place = _PLACE.search(str(error))
        raise _invalid(body, int(place[1]) if place else len(body)) from None
    except RecursionError:
        raise InvalidPromptError("the body is not valid JSON for us: it is nested too deeply") from None
    return {str(name): value for name, value in found.items()}


def raw(value: Any) -> Raw:
    """A value as the bytes of its JSON. Raises `InvalidPromptError` for one that nobody could write down."""
    if isinstance(value, Raw):
        return value
    try:
        return Raw(orjson.dumps(value))
    except TypeError:
        raise InvalidPromptError(_TOO_DEEP) from None


def joined(fields: Mapping[str, Raw]) -> bytes:
    """An object of fields, as bytes."""
    pieces: list[bytes | Raw] = []
    for name, value in fields.items():
        pieces += (b"," if pieces else b"{", orjson.dumps(name), b":", value)
    return b"".join([*pieces, b"}" if pieces else b"{}"])


def elements(value: Raw) -> list[Raw]:
    """The elements of an array that is known to be one."""
    return _ARRAY.decode(value)


def members(value: Raw) -> Fields:
    """The members of an object that is known to be one, and to be small."""
    return _OBJECT.decode(value)


def minified(value: Raw) -> bytes:
    """A value without the white space between what it is made of."""
    return msgspec.json.format(bytes(value), indent=-1)


def kind_of(value: Raw) -> str:
    """The type of a value, by its first byte: object, array, string, number, true, false or null."""
    return _KINDS.get(bytes(memoryview(value)[:1]), "number")


def read(value: Raw) -> Any:
    """A value that is known to be small, built.

    Raises `InvalidPromptError` for a number beyond a double, and for a depth, that nothing of ours takes.
    """
    try:
        return orjson.loads(bytes(value))
    except orjson.JSONDecodeError as error:
        if "depth" in error.msg:
            raise InvalidPromptError(_TOO_DEEP) from None
        raise InvalidPromptError("a number is larger than any that could be meant") from None


def built(name: str, value: Raw) -> Any:
    """A value of any size, built where that costs little. `name` is what the field is called in errors.

    Raises `InvalidPromptError` for one that is made of too much, or is nested deeper than it could be written again.
    """
    text = bytes(value)
    if sum(weight * text.count(sign) for sign, weight in _WEIGHTS.items()) > WEIGHT_MAX and _is_heavy(text):
        raise InvalidPromptError(f"{name}: is made of more values than can be meant")
    wrapped = found = read(value)
    for _ in range(WRAPPING):
        wrapped = [wrapped]
    raw(wrapped)
    return found


def _is_heavy(text: bytes) -> bool:
    """Whether what weighs is no text: signs within strings cost nothing."""
    weight = 0
    for found in _WEIGHING.finditer(text):
        weight += _WEIGHTS.get(found[0], 0)
        if weight > WEIGHT_MAX:
            return True
    return False


def size(values: Iterable[Raw]) -> int:
    return sum(len(memoryview(value)) for value in values)


def _invalid(body: bytes, at: int) -> InvalidPromptError:
    line = body.count(b"\n", 0, at) + 1
    column = at - (body.rfind(b"\n", 0, at) + 1) + 1
    return InvalidPromptError(f"the body is not valid JSON (line {line}, column {column})")


_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_ARRAY = msgspec.json.Decoder(list[Raw])
_KINDS = {b"{": "object", b"[": "array", b'"': "string", b"t": "true", b"f": "false", b"n": "null"}
