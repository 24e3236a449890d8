from __future__ import annotations

import pytest

from app.intake.relay import relay_of
from worker.life.asking.asked import Asked, asked_of


def test_what_the_front_writes_the_worker_reads() -> None:
    given = {"tools": ["clock"], "max_turns": 3, "validate": True, "repair": 2, "cache_prompt": "1h"}
    fields = relay_of(given).fields()
    meta = {name: value if isinstance(value, bytes) else value.encode() for name, value in fields.items()}
    assert asked_of(meta) == Asked(("clock",), 3, validate=True, repair=2, cache_prompt="1h")


@pytest.mark.parametrize("meta", [{}, {"tools": b"{", "max_turns": b"x", "repair": b""}, {"tools": b"7"}])
def test_what_cannot_be_read_was_not_asked_for(meta: dict[str, bytes]) -> None:
    assert asked_of(meta) == Asked()
