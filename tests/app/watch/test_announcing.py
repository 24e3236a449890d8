from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.watch import announcing
from app.watch.announcing import announce


def test_a_line_is_there_at_once_and_nobody_to_read_it_is_no_fault(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    announce("ready")
    assert capfd.readouterr().out == "ready\n"
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr(announcing, "STDOUT", writing)
    announce("ready")
    os.close(writing)
    if Path("/dev/full").exists():
        with Path("/dev/full").open("wb", buffering=0) as full:
            monkeypatch.setattr(announcing, "STDOUT", full.fileno())
            announce("ready")
