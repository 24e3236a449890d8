"""KEYS and ARGV of `log/append.lua`, for who sends one and who sends many in one pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.stream import keys

if TYPE_CHECKING:
    from app.stream.log import Claim


def append_arguments(
    claim: Claim,
    at: int,
    data: bytes,
    fields: Mapping[str, str | bytes | int] | None = None,
    ending_life_ms: int | None = None,
    *,
    told: str = "",
) -> tuple[tuple[str, ...], tuple[str | bytes | int, ...]]:
    """`told` goes into the timeline."""
    stream_id = claim.stream_id
    life: tuple[str | int, str | int] = ("", "")
    if ending_life_ms is not None:
        life = (ending_life_ms, ending_life_ms + keys.TOMB_SECONDS * 1000)
    flat = tuple(part for pair in fields.items() for part in pair) if fields else ()
    flat = ("", told, *flat) if told else flat
    return (
        (keys.log(stream_id), keys.meta(stream_id), keys.tomb(stream_id)),
        (keys.channel(stream_id), claim.fence, claim.holder, at, data, *life, *flat),
    )
