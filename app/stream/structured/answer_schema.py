"""The JSON schema of a request: where it stands, and whether an answer can be held against it.

Pure. The law: nothing is ever fetched for a schema, and what is matched takes time in proportion to its text: patterns
are those of an engine that never steps back. What a schema may be is the library's to say, and how large it may be,
ours.
"""

from __future__ import annotations

from typing import Any, Protocol

import jsonschema_rs
import msgspec
from jiter import from_json

# No model takes one that is as large.
SCHEMA_BYTES = 64 * 1024
# Of what is said of a fault.
MESSAGE_CHARACTERS = 200
# For one pattern of a schema, and what it makes of itself.
_PATTERN_BYTES = 256 * 1024
_Members = dict[str, msgspec.Raw]


class Validator(Protocol):
    """What an answer is held against."""

    def iter_errors(self, instance: Any) -> Any: ...


class InvalidSchemaError(ValueError):
    """Nothing can be held against this schema. The message says why, and quotes the schema at the most."""


def schema_of(output_config: bytes | None, output_format: bytes | None) -> bytes | None:
    """The schema in these fields of a request, as it stands there; None where it asks for none.

    `output_format` is the older place. Raises `InvalidSchemaError` for one that is too large.
    """
    asked = _members(output_config).get("format") or output_format
    format_ = _members(asked)
    schema = format_.get("schema")
    if schema is None or bytes(format_.get("type", b"")) != b'"json_schema"':
        return None
    if len(bytes(schema)) > SCHEMA_BYTES:
        raise InvalidSchemaError(f"the schema is longer than the {SCHEMA_BYTES // 1024} KiB that are looked at")
    return bytes(schema)


def validator_of(schema: bytes, mask: str | None = None) -> Validator:
    """`mask` stands in its messages for what was looked at. Raises `InvalidSchemaError`."""
    options = jsonschema_rs.RegexOptions(size_limit=_PATTERN_BYTES, dfa_size_limit=_PATTERN_BYTES)
    try:
        value = from_json(schema, allow_inf_nan=False)
        return jsonschema_rs.validator_for(value, pattern_options=options, offline=True, mask=mask)
    except jsonschema_rs.ValidationError as error:
        place = "".join(f"/{step}" for step in error.instance_path)
        raise InvalidSchemaError(clipped(f"{place}: {error.message}" if place else error.message)) from None
    except ValueError as error:
        raise InvalidSchemaError(clipped(str(error))) from None


def clipped(text: str) -> str:
    """One line of a text, as far as it is told."""
    line = " ".join(text.split())
    return line if len(line) <= MESSAGE_CHARACTERS else line[: MESSAGE_CHARACTERS - 1] + "…"


def _members(value: bytes | msgspec.Raw | None) -> _Members:
    try:
        return msgspec.json.decode(value or b"{}", type=_Members)
    except (msgspec.MsgspecError, RecursionError):  # the upstream will say what is wrong with it
        return {}
