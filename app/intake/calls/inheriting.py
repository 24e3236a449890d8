"""What a request that goes on with results of tools takes over from the one whose answer called them.

Pure. The rule: it is asked as that was, for as long as that is kept; what is said anew goes before it.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from app.intake.raw_json import Fields, InvalidPromptError, Raw, fields_of, joined, kind_of, raw
from app.intake.relay import CARRIED, carried

# The fields of a stream's meta that it is read from.
FIELDS = ("request", "headers", *CARRIED)


def inherited(anew: Fields, meta: Mapping[str, bytes], turns: int) -> Fields:
    """The fields of a body without its messages: as the first was asked, in so many turns, and what is said `anew`.

    Raises `InvalidPromptError`.
    """
    if "request" not in meta:
        return anew
    first = {name: value for name, value in fields_of(meta["request"]).items() if name != "messages"}
    relay = {name: raw(value) for name, value in carried(meta, turns).items()}
    asked = anew.get("relay", Raw(b"null"))
    if kind_of(asked) == "object":
        relay |= fields_of(bytes(asked))
    elif kind_of(asked) != "null":
        raise InvalidPromptError("relay: must be an object")
    return {**first, **anew, "relay": Raw(joined(relay))}


def headers_of(meta: Mapping[str, bytes]) -> dict[str, str]:
    """The headers that hold where the request has none of the name."""
    headers: dict[str, str] = orjson.loads(meta.get("headers", b"{}"))
    return headers
