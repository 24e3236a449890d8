"""What a stream's client asked of the worker beside its request, as its meta says.

Pure. The rule: a field that cannot be read is as if it had not been asked for; what it may say was checked where it was
taken (app/intake/relay.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson


@dataclass(frozen=True, slots=True)
class Asked:
    """`tools`: those that the worker may run for it, in at most `max_turns` calls; `validate`: its text is held against
    its schema, and mended by `repair` more calls at the most; `cache_prompt`: '', '5m' or '1h'.
    """

    tools: tuple[str, ...] = ()
    max_turns: int = 1
    validate: bool = False
    repair: int = 0
    cache_prompt: str = ""

    @property
    def adds(self) -> bool:
        """Whether more goes up than the client sent."""
        return bool(self.tools or self.validate or self.cache_prompt)


def asked_of(meta: Mapping[str, bytes]) -> Asked:
    """What the fields of a meta say."""
    return Asked(
        tools=_names(meta.get("tools", b"[]")),
        max_turns=_whole(meta.get("max_turns"), 1),
        validate=meta.get("validate") == b"1",
        repair=_whole(meta.get("repair"), 0),
        cache_prompt=meta.get("cache_prompt", b"").decode("ascii", "replace"),
    )


def _names(value: bytes) -> tuple[str, ...]:
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        return ()
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def _whole(value: bytes | None, otherwise: int) -> int:
    try:
        return int(value) if value is not None else otherwise
    except ValueError:
        return otherwise
