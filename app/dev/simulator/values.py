"""The values of directives and options, read from text. Pure.

A ValueError raised here ends the sentence that the name of the value begins.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LARGEST = 50_000_000  # of every number: a slip of the keyboard must not take all memory
SLOWEST = 0.001  # tokens per second: slower is a stall, and has its own key
_CALL = re.compile(r"\s*([^\s,;{\[!~]+)([!~]?)")
_BETWEEN = re.compile(r"\s*([,;]|\Z)")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a prompt asks for: `input` None is made up from the tool's schema; `*` is every tool there is.

    `breaks`: the input does not fit the schema. `broken`: its JSON stops in the middle.
    """

    name: str
    input: Any = None
    breaks: bool = False
    broken: bool = False


Turns = tuple[tuple[ToolCall, ...], ...]


def flag(value: str | None) -> bool:
    if value is not None:
        raise ValueError("takes no value")
    return True


def truth(value: str | None) -> bool:
    if value not in {"true", "false"}:
        raise ValueError("is true or false")
    return value == "true"


def count(value: str | None) -> int:
    number = int(value or "")
    if not 0 <= number <= LARGEST:
        raise ValueError(f"is a whole number from 0 to {LARGEST}")
    return number


def often(value: str | None) -> int:
    """So many times; without a number always."""
    return LARGEST if value is None else count(value)


def rate(value: str | None) -> float:
    number = float(value or "")
    if number and not SLOWEST <= number <= LARGEST:
        raise ValueError(f"is 0 or a number from {SLOWEST}")
    return number


def seconds(value: str | None) -> float:
    number = float(value or "")
    if not 0 <= number <= LARGEST:
        raise ValueError(f"is a number from 0 to {LARGEST}")
    return number


def status(value: str | None) -> int:
    number = int(value or "")
    if not 400 <= number <= 599:  # noqa: PLR2004 the range of HTTP's errors
        raise ValueError("is an HTTP status from 400 to 599")
    return number


def text(value: str | None) -> str:
    if value is None:
        raise ValueError("needs a value")
    return value


def json_object(value: str | None) -> dict[str, Any]:
    try:
        found = json.loads(value or "")
    except ValueError as error:
        raise ValueError("is a JSON object in quotes") from error
    if not isinstance(found, dict):
        raise ValueError("is a JSON object in quotes")  # noqa: TRY004 one kind of error for whatever is not understood
    return found


def tool_turns(value: str | None) -> Turns:
    """`a,b{"x":1};c!` is two turns: a and b at once, b with that input; then c with one that its schema forbids."""
    turns, turn, at = [], list[ToolCall](), 0
    text = value or "*"
    while at < len(text):
        if (found := _CALL.match(text, at)) is None:
            raise ValueError(f"is a tool's name before {text[at : at + 20]!r}")
        name, mark, given, at = found[1], found[2], None, found.end()
        if text[at : at + 1] in {"{", "["}:
            try:
                given, at = _DECODER.raw_decode(text, at)
            except ValueError as error:
                raise ValueError(f"is no JSON after {name}") from error
        turn.append(ToolCall(name, given, breaks=mark == "!", broken=mark == "~"))
        if (between := _BETWEEN.match(text, at)) is None:
            raise ValueError(f"needs , or ; before {text[at : at + 20]!r}")
        at = between.end()
        if between[1] != ",":
            turns.append(tuple(turn))
            turn = []
    if turn:
        raise ValueError("needs a tool after its last ,")
    return tuple(turns)


def optional_text(value: str | None) -> str:
    return value or ""


_DECODER = json.JSONDecoder()

# How each is written after its key, for --help.
FORMS: dict[Callable[[str | None], Any], str] = {
    flag: "",
    truth: "=true|false",
    count: "=N",
    often: "[=N]",
    rate: "=N",
    seconds: "=SECONDS",
    status: "=STATUS",
    text: "=TEXT",
    optional_text: "[=NAME]",
    json_object: "=JSON",
    tool_turns: "[=CALLS]",
}


def number_error(error: ValueError) -> str:
    """Our words; where int() or float() spoke, what they mean."""
    return str(error) if str(error).startswith(("is ", "takes ", "needs ")) else "is a number"
