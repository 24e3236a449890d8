"""What looking at an answer can come to, and how it is looked at.

Pure. The rule: what does not fit is told to who asked by its place and by what its schema wants there, and quotes no
word of an answer that nobody is to see; the model is told in the library's words, which quote it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

import jiter

from app.stream.structured.answer_schema import InvalidSchemaError, Validator, clipped, validator_of

# So many of what does not fit are told: what is mended is to be mended at once.
FAULTS_MAX = 5
# Stands for what the answer says, where that is for nobody.
HIDDEN = "what stands there"
# Whose words quote the names of members all the same.
_OF_NAMES = frozenset({"additionalProperties", "unevaluatedProperties", "propertyNames"})


@dataclass(frozen=True, slots=True)
class Fits:
    """It is as it should be; or there was nothing but the schema to look at."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """It does not fit: at `path`, a JSON Pointer, empty for the whole, which `message` says without a word of it.

    `faults`: that and others, each in a line, for the model that has written it.
    """

    path: str
    message: str
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unusable:
    """Nothing can be held against the schema, or not in time; `message` quotes no answer."""

    message: str


Verdict = Fits | Misfit | Unusable


def verdict_of(schema: bytes, text: bytes | None, known: dict[bytes, Validator]) -> Verdict:
    """Of `text`, or without any of the schema alone. `known`: the validator that was used last."""
    validator = known.get(schema)
    if validator is None:
        try:
            validator = validator_of(schema)
        except InvalidSchemaError as error:
            return Unusable(str(error))
        known.clear()
        known[schema] = validator
    return Fits() if text is None else _of_text(schema, validator, text)


def _of_text(schema: bytes, validator: Validator, text: bytes) -> Verdict:
    try:
        value = jiter.from_json(text, allow_inf_nan=False)
    except ValueError as error:  # which tells the place and does not quote
        message = clipped(f"it is no JSON: {error}")
        return Misfit("", message, (message,))
    try:
        found = [
            (_pointer(one.instance_path), clipped(one.message))
            for one in islice(validator.iter_errors(value), FAULTS_MAX)
        ]
    except ValueError as error:
        return Misfit("", "it cannot be looked at", (clipped(str(error)),))
    if not found:
        return Fits()
    faults = tuple(f"{where}: {what}" if where else what for where, what in found)
    return Misfit(found[0][0], _told(schema, value), faults)


def _told(schema: bytes, value: Any) -> str:
    """What is wrong with a value that does not fit, in words without it."""
    first = next(iter(validator_of(schema, mask=HIDDEN).iter_errors(value)))
    return f"{first.kind.name} does not allow {HIDDEN}" if first.kind.name in _OF_NAMES else clipped(first.message)


def _pointer(path: list[str | int]) -> str:
    return clipped("".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path))
