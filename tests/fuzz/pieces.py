"""An input as what arrives in pieces: its first bytes say where it is cut, the rest is what is cut there."""

from __future__ import annotations

from itertools import pairwise

CUTS_MAX = 7


def pieces_of(data: bytes) -> list[bytes]:
    """The pieces; together they are all but the first bytes, none where there is nothing."""
    count = min(data[0] % (CUTS_MAX + 1), len(data) - 1) if data else 0
    cuts, whole = data[1 : 1 + count], data[1 + count :]
    places = [0, *sorted(cut % (len(whole) + 1) for cut in cuts), len(whole)]
    return [whole[start:end] for start, end in pairwise(places) if start < end]
