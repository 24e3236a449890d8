"""Whether a tool may run: one key of who sits at the terminal, and no key that was pressed before the question."""

from __future__ import annotations

import asyncio
import os
import pty
import tty
from collections.abc import Iterator
from typing import Any, cast

import pytest

from app.clients.python.keepstream import AsyncClient, ConflictError, UnreachableError
from app.terminal.talking import allowing as module
from app.terminal.talking.allowing import Allowing
from tests.patience import PATIENCE

ASKED = {"t1": "`pay usd: 5`", "t2": "`pay usd: 6`"}


class Server:
    """Stands for the client: takes what is decided, after its `refusals`."""

    def __init__(self, *refusals: Exception) -> None:
        self.refusals = list(refusals)
        self.told: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()

    async def approve(self, _stream_id: str, tool_use_id: str, *, approve: bool) -> dict[str, Any]:
        if self.refusals:
            refusal = self.refusals.pop(0)
            if isinstance(refusal, ConflictError):
                await self.told.put(("refused", approve))
            raise refusal
        await self.told.put((tool_use_id, approve))
        return {}

    async def hears(self) -> tuple[str, bool]:
        async with asyncio.timeout(PATIENCE):
            return await self.told.get()

    def asks(self, *, can: bool = True) -> Allowing:
        return Allowing(cast("AsyncClient", self), "st_1", can=can)


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """What is written here is typed."""
    ours, theirs = pty.openpty()
    tty.setcbreak(theirs)
    with os.fdopen(theirs) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield ours
    os.close(ours)


async def test_one_call_after_the_other_is_asked_for(keyboard: int) -> None:
    server = Server()
    asks = server.asks()
    assert asks.question(ASKED) == "may it run? pay usd: 5 (y/n)"
    os.write(keyboard, b"xy")
    assert await server.hears() == ("t1", True)
    assert asks.question(ASKED) == "may it run? pay usd: 6 (y/n)"
    os.write(keyboard, b"N")
    assert await server.hears() == ("t2", False)
    assert asks.question(ASKED) == ""
    asks.close()


async def test_what_was_typed_before_the_question_is_no_answer(keyboard: int) -> None:
    os.write(keyboard, b"y")
    server = Server()
    asks = server.asks()
    asks.question(ASKED)
    os.write(keyboard, b"n")
    assert await server.hears() == ("t1", False)
    asks.close()


async def test_where_the_server_is_away_it_is_said_again_and_what_somebody_else_has_decided_is_left(
    keyboard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.0)
    away = UnreachableError("away", type="connection_error")
    server = Server(away, ConflictError("decided", status=409, type="conflict_error"))
    asks = server.asks()
    asks.question(ASKED)
    os.write(keyboard, b"y")
    assert await server.hears() == ("refused", True)
    assert server.told.empty()
    asks.close()


async def test_who_only_watches_is_told_where_to_go(keyboard: int) -> None:
    asks = Server().asks(can=False)
    assert asks.question(ASKED) == "may it run? pay usd: 5; approve it on the page"
    os.write(keyboard, b"y")
    asks.close()


async def test_where_nobody_sits_stderr_says_once_what_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    asks = Server().asks()
    for _ in range(2):
        asks.question(ASKED)
    first, second = capsys.readouterr().err.splitlines()
    asked = "keepstream: waits for a person: pay usd: 5; approve it on the page"
    assert first == f"{asked}, or at /v1/streams/st_1/tools/t1"
    assert "usd: 6" in second
    asks.close()
