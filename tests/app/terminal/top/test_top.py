"""Where nobody sits at a terminal: one snapshot, as text or as JSON, and an exit code."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from app.terminal.exits import Exit
from app.terminal.top.top import main
from tests.harness.boards import made_up
from tests.harness.boards.playing import Playing


@pytest.fixture
async def playing() -> AsyncIterator[Playing]:
    async with Playing() as playing:
        yield playing


async def test_a_pipe_is_given_one_snapshot_as_text(playing: Playing, capfd: pytest.CaptureFixture[str]) -> None:
    playing.shown = made_up.loaded()
    assert await asyncio.to_thread(main, ["--url", playing.url]) == Exit.COMPLETED
    told = capfd.readouterr().out
    assert told.startswith("A prompt waits for 41 s")
    assert made_up.WORKERS[3] in told
    assert "\x1b" not in told
    assert not any(line != line.rstrip() for line in told.splitlines())


async def test_json_is_the_snapshot_as_it_came(playing: Playing, capfd: pytest.CaptureFixture[str]) -> None:
    playing.shown["workers"].append(made_up.worker("\x9b31m", 1))
    assert await asyncio.to_thread(main, ["--json", "--url", playing.url]) == Exit.COMPLETED
    told = capfd.readouterr().out
    assert json.loads(told) == made_up.judged(playing.shown)
    assert "\x9b" not in told


async def test_a_server_without_numbers_says_so(playing: Playing, capfd: pytest.CaptureFixture[str]) -> None:
    playing.away = True
    assert await asyncio.to_thread(main, ["--once", "--url", playing.url]) == Exit.FAILED
    assert capfd.readouterr().err == "keepstream: this front is shutting down; try again\n"
