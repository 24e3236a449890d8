"""The directives of a prompt, read from its text.

A directive that is not understood is an error, never ignored: a fault that is silently not injected proves nothing.
Pure; what the keys are say `directives`.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import Field, fields
from typing import Any

from app.dev.simulator import values
from app.dev.simulator.directives import Directives

OPENING = "[[sim:"
# A quoted value may hold anything, also the closing brackets. Each character has one way to match: linear time.
_DIRECTIVE = re.compile(r'\[\[sim:((?:"(?:[^"\\]|\\.)*"|[^"\]]|\](?!\]))*)\]\]', re.DOTALL)
_PAIR = re.compile(r'\s*([A-Za-z][\w-]*)(?:=("(?:[^"\\]|\\.)*"|[^\s"]+))?(?=\s|$)', re.DOTALL)


class DirectiveError(ValueError):
    """The prompt's author wrote a directive that says nothing; the message tells what to write."""


_KEYS: dict[str, Field[Any]] = {item.name: item for item in fields(Directives)}
_SCOPES = ("times", "call", "turn")


def parse(text: str, call: int = 1, turn: int = 1) -> Directives:
    """The directives of a prompt at its `call`-th call (from 1), in the `turn`-th turn of a loop of tools (from 1).

    A later directive overrides an earlier one's keys. Without `turn=` a directive is of the first turn, but for the
    keys that are kept; `turn=0` is each.
    """
    found: dict[str, Any] = {}
    for body in _bodies(text):
        pairs = dict(_pairs(body))
        scope = {name: _read(name, values.count, pairs.pop(name)) for name in _SCOPES if name in pairs}
        faults_on = call <= scope.get("times", call) and call == scope.get("call", call)
        of_this_turn = scope.get("turn", 1) in (0, turn)
        for name, raw in pairs.items():
            if name not in _KEYS:
                raise DirectiveError(
                    f"[[sim: {name.replace('_', '-')}]] is not known; `keepstream simulate --help` lists the keys"
                )
            key = _KEYS[name].metadata
            value = _read(name, key["read"], raw)
            if (of_this_turn or (key["kept"] and "turn" not in scope)) and (faults_on or not key["fault"]):
                found[name] = value
    return Directives(**found)


def without(text: str) -> str:
    """The prompt as it would be without its directives."""
    return _DIRECTIVE.sub("", text).strip() if OPENING in text else text.strip()


def document() -> str:
    """Every key with its meaning and an example, for `--help`."""
    lines = []
    for item in _KEYS.values():
        key = item.name.replace("_", "-") + values.FORMS[item.metadata["read"]]
        lines.append(f"  {key:<24} {item.metadata['help']}")
        lines.append(f"  {'':<24}   [[sim: {item.metadata['example']}]]")
    return "\n".join(lines)


def kept() -> list[str]:
    """The keys that hold in all turns of a loop of tools."""
    return [item.name.replace("_", "-") for item in _KEYS.values() if item.metadata["kept"]]


def _bodies(text: str) -> Iterator[str]:
    if OPENING not in text:
        return
    found = _DIRECTIVE.findall(text)
    if OPENING in _DIRECTIVE.sub("", text):
        raise DirectiveError("a [[sim: ...]] directive is not closed, or a quote in it is not")
    yield from found


def _pairs(body: str) -> Iterator[tuple[str, str | None]]:
    body, at = body.rstrip(), 0
    while at < len(body):
        match = _PAIR.match(body, at)
        if match is None:
            raise DirectiveError(f"[[sim:{body}]]: cannot read from {body[at : at + 40].strip()!r} on")
        name, value = match.groups()
        yield name.replace("-", "_").lower(), _unquoted(value) if value else None
        at = match.end()


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value, strict=False))
    except ValueError as error:
        raise DirectiveError(f"[[sim: ...]]: {value[:40]} is not a JSON string") from error


def _read(name: str, read: Callable[[str | None], Any], raw: str | None) -> Any:
    try:
        return read(raw)
    except ValueError as error:
        raise DirectiveError(f"[[sim: {name.replace('_', '-')}]] {values.number_error(error)}") from error
