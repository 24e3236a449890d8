"""What looking at an answer can come to, and how it is looked at.

Pure. The rule: what does not fit is told by its place and in the library's words, which may quote the answer: they are
for who asked and for the model, and for no log.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import jiter

from app.stream.structured.answer_schema import InvalidSchemaError, Validator, clipped, validator_of

# So many of what does not fit are told: what is mended is to be mended at once.
FAULTS_MAX = 5


@dataclass(frozen=True, slots=True)
class Fits:
    """It is as it should be; or there was nothing but the schema to look at."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """It does not fit: at `path`, a JSON Pointer, empty for the whole. `faults`: that and others, each in a line."""

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
    return Fits() if text is None else _of_text(validator, text)


def _of_text(validator: Validator, text: bytes) -> Verdict:
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
        message = clipped(str(error))
        return Misfit("", message, (message,))
    if not found:
        return Fits()
    (path, message), *_ = found
    return Misfit(path, message, tuple(f"{where}: {what}" if where else what for where, what in found))


def _pointer(path: list[str | int]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
