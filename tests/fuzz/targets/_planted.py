"""A target that is broken, for the test of the fuzzer."""

from __future__ import annotations


def check(data: bytes) -> None:
    assert len(data) < 3
