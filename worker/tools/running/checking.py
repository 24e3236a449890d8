"""The schema of a tool's input, and whether an input is what it asks for.

Pure. The rule: a schema that the API would refuse, that asks another machine, or whose checking could take long, is
refused before any model is told of it. What a schema says of an input is told with its path, clipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import orjson
from jsonschema_rs import FancyRegexOptions, ValidationError, validator_for

SCHEMA_BYTES_MAX = 64 * 1024
# Of a schema with all its references followed: what is a page of JSON may be a tree without end.
NODES_MAX = 20_000
# Of an input's faults, these are told.
FAULTS_MAX = 3
WORDS_MAX = 300
BACKTRACKS_MAX = 10_000
# For one pattern, and what it makes of itself.
PATTERN_BYTES_MAX = 1024 * 1024
_NOT_AT_THE_TOP = ("oneOf", "anyOf", "allOf")


class BadSchemaError(ValueError):
    """A schema that cannot be used, in words that say why."""


class InputSchema:
    """Raises `BadSchemaError`."""

    def __init__(self, schema: object) -> None:
        if not isinstance(schema, dict) or schema.get("type") != "object":
            raise BadSchemaError('it must be a JSON object with "type": "object"')
        if found := [key for key in _NOT_AT_THE_TOP if key in schema]:
            raise BadSchemaError(f"the API takes no {found[0]} at its top")
        try:
            self.json = orjson.dumps(schema)
        except TypeError:
            raise BadSchemaError("it is no JSON, or nested too deeply") from None
        if len(self.json) > SCHEMA_BYTES_MAX:
            raise BadSchemaError(f"it has {len(self.json)} bytes; {SCHEMA_BYTES_MAX} are allowed")
        try:
            _Size(schema).of(schema)
            options = FancyRegexOptions(
                backtrack_limit=BACKTRACKS_MAX, size_limit=PATTERN_BYTES_MAX, dfa_size_limit=PATTERN_BYTES_MAX
            )
            self._validator = validator_for(schema, offline=True, pattern_options=options)
        except ValidationError as error:
            raise BadSchemaError(f"{_where(error)}{error.message[:WORDS_MAX]}") from None
        except (ValueError, RecursionError) as error:
            raise BadSchemaError(str(error)[:WORDS_MAX] or type(error).__name__) from None

    def fault_of(self, arguments: Mapping[str, Any]) -> str:
        """What is wrong with an input, in words for the model; '' where nothing is."""
        try:
            faults = [
                f"{_where(error)}{error.message[:WORDS_MAX]}"
                for error, _ in zip(self._validator.iter_errors(arguments), range(FAULTS_MAX), strict=False)
            ]
        except ValueError as error:
            return str(error)[:WORDS_MAX]
        return "; ".join(faults)


def _where(error: ValidationError) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
    return f"{path.removeprefix('.')[:WORDS_MAX]}: " if path else ""


class _Size:
    """How much there is to a schema once its references are followed. What refers to itself is as large as what it is
    applied to, and counts once.
    """

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._known: dict[str, int] = {}

    def of(self, node: object) -> int:
        inner: list[object] = []
        size = 1
        if isinstance(node, dict):
            inner = list(node.values())
            for key in ("$ref", "$dynamicRef", "$recursiveRef"):
                if isinstance(reference := node.get(key), str):
                    size += self._referred(reference)
        elif isinstance(node, list):
            inner = node
        size += sum(map(self.of, inner))
        if size > NODES_MAX:
            raise ValueError(f"with its references followed it has more than {NODES_MAX} parts")
        return size

    def _referred(self, reference: str) -> int:
        if reference not in self._known:
            self._known[reference] = 1  # meanwhile: it may refer to itself
            self._known[reference] = self.of(self._found(reference))
        return self._known[reference]

    def _found(self, reference: str) -> object:
        if reference != "#" and not reference.startswith("#/"):
            raise ValueError(f"$ref must point into the schema itself, such as #/$defs/item, not {reference[:64]!r}")
        node: Any = self._root
        for step in unquote(reference).split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(node, list):
                node = node[int(key)] if key.isdecimal() and int(key) < len(node) else None
            else:
                node = node.get(key) if isinstance(node, dict) else None
        return node
