"""The values of directives and options, read from text. Pure.

A ValueError raised here ends the sentence that the name of the value begins.
"""

import json
from collections.abc import Callable
from typing import Any

LARGEST = 50_000_000  # of every number: a slip of the keyboard must not take all memory
SLOWEST = 0.001  # tokens per second: slower is a stall, and has its own key


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


def optional_text(value: str | None) -> str:
    return value or ""


# How each is written after its key, for --help.
FORMS: dict[Callable[[str | None], Any], str] = {
    flag: "",
    truth: "=true|false",
    count: "=N",
    rate: "=N",
    seconds: "=SECONDS",
    status: "=STATUS",
    text: "=TEXT",
    optional_text: "[=NAME]",
    json_object: "=JSON",
}


def number_error(error: ValueError) -> str:
    """Our words; where int() or float() spoke, what they mean."""
    return str(error) if str(error).startswith(("is ", "takes ", "needs ")) else "is a number"
