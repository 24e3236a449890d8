"""Answers are looked at in a process of its own: whatever a schema does to that, somebody is told something."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest

from worker.schemas import checker as module
from worker.schemas.checker import FAILED, TOO_LONG, Checker
from worker.schemas.verdict import Fits, Misfit, Unusable


@pytest.fixture
async def checker() -> AsyncIterator[Checker]:
    made = Checker()
    yield made
    await made.close()


def doubling(times: int) -> bytes:
    """A small schema by which to look at anything takes two to the power of `times` steps."""
    steps: dict[str, Any] = {
        f"s{n}": {"allOf": [{"$ref": f"#/$defs/s{n + 1}"}, {"$ref": f"#/$defs/s{n + 1}"}]} for n in range(times)
    }
    return json.dumps({"$ref": "#/$defs/s0", "$defs": {**steps, f"s{times}": {}}}).encode()


async def test_it_says_what_there_is_to_say_and_takes_one_after_the_other(checker: Checker) -> None:
    large = json.dumps(["x" * 80] * 10_000).encode()
    looks = [checker.look(b'{"type":"array"}', large), checker.look(b'{"type":"object"}', large), checker.look(b"{")]
    first, second, third = await asyncio.gather(*looks)
    assert first == Fits()
    assert isinstance(second, Misfit)
    assert isinstance(third, Unusable)


async def test_what_takes_too_long_ends_and_the_next_one_is_looked_at(
    checker: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await checker.look(b"true", b"{}") == Fits()
    monkeypatch.setattr(module, "SECONDS", 0.3)
    assert await checker.look(doubling(60), b"{}") == Unusable(TOO_LONG)
    monkeypatch.undo()
    assert await checker.look(b"true", b"{}") == Fits()


async def test_it_ends_itself_when_nobody_waits_for_it(checker: Checker) -> None:
    assert await checker.look(b"true", b"{}") == Fits()
    process = checker._process
    assert process is not None
    looking = asyncio.create_task(checker.look(doubling(60), b"{}"))
    with contextlib.suppress(ProcessLookupError):  # it has ended
        while not looking.done():
            os.kill(process.pid, signal.SIGALRM)  # as its own clock would; see `Checker._end`
            await asyncio.sleep(0.01)
    assert await looking == Unusable(TOO_LONG)


async def test_who_gives_up_leaves_no_answer_to_the_next(checker: Checker) -> None:
    assert await checker.look(b"true", b"{}") == Fits()
    looking = asyncio.create_task(checker.look(doubling(60), b"{}"))
    await asyncio.sleep(0)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert isinstance(await checker.look(b"false", b"{}"), Misfit)


async def test_a_process_that_dies_is_told_and_followed_by_another(checker: Checker) -> None:
    assert await checker.look(b"true", b"{}") == Fits()
    assert checker._process is not None
    checker._process.kill()
    await checker._process.wait()
    assert await checker.look(b"true", b"{}") == Unusable(FAILED)
    assert await checker.look(b"true", b"{}") == Fits()


async def test_it_is_given_no_secret(checker: Checker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "made-up")
    assert "ANTHROPIC_API_KEY" not in module._environment()
    assert await checker.look(b"true", b"{}") == Fits()
