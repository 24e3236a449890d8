"""A tool's input that is no JSON object, in the object in which it can be sent back and told apart.

Models write such inputs where they are streamed as they come; the API's page on that advises this form. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from worker.rawjson import json_text

NAME = "INVALID_JSON"


def wrapped(told: str) -> bytes:
    return json_text.assemble({NAME: json_text.text(told)})


def is_wrapped(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and isinstance(value.get(NAME), str)
