from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """One mechanism, and the text that takes it away."""

    name: str
    file: str
    old: str
    new: str
