"""The board on a terminal: live, left as it was found, and honest about what it does not know."""

from __future__ import annotations

import fcntl
import struct
import termios
from collections.abc import AsyncIterator

import pytest

from app.terminal.exits import Exit
from tests.harness.boards import made_up
from tests.harness.boards.playing import KEY, Playing
from tests.harness.terminal.typing_at import CTRL_C, Typing


@pytest.fixture
async def playing() -> AsyncIterator[Playing]:
    async with Playing() as playing:
        yield playing


async def test_it_is_live_and_leaves_the_terminal_as_it_was(playing: Playing) -> None:
    async with Typing("top", "--url", playing.url) as at:
        await at.sees(r"(?s)All is well .*live\n.*running +31 .*q quits")
        assert at.screen.cursor_hidden
        await playing.show(made_up.dead_worker(adrift=8))
        await at.sees(r"(?s)A worker is gone.*running +23 .*gone, 4 s ago")
        resize(at, 40, 12)
        await at.sees(r"(?s)A worker is gone +live\n.*\nq quits$")
        at.type("xq")
        assert await at.ends() == Exit.COMPLETED
    assert (at.screen.text, at.screen.cursor_hidden) == ("", False)


async def test_numbers_that_do_not_come_are_told_to_be_old_and_come_back(playing: Playing) -> None:
    async with Typing("top", "--url", playing.url) as at:
        await at.sees("All is well")
        await playing.change(away=True)
        await at.sees(r"(?s)No numbers come +\d+ s old\n.*What stands below is \d+ s\s+old. Trying again")
        await playing.change(away=False)
        await at.sees("All is well .*live")
        at.type(CTRL_C)
        assert await at.ends() == Exit.INTERRUPTED
    assert not at.screen.cursor_hidden
    assert "Traceback" not in at.seen


async def test_who_is_no_operator_any_more_is_told_so(playing: Playing) -> None:
    playing.wants_key = True
    async with Typing("top", "--url", playing.url, KEEPSTREAM_KEY=KEY) as at:
        await at.sees("All is well")
        await playing.change(may=False, away=True)
        await playing.change(away=False)
        assert await at.ends() == Exit.FAILED
    assert at.screen.text == "keepstream: only a key or token with the right admin may see this"


async def test_before_there_is_anything_to_see_it_is_one_line(playing: Playing) -> None:
    playing.wants_key = True
    async with Typing("top", "--url", playing.url, width=160) as at:
        assert await at.ends() == Exit.FAILED
    assert at.screen.text.endswith("send a key that has the right admin; or set --key or KEEPSTREAM_KEY")
    async with Typing("top", "--url", "http://127.0.0.1:1", width=160) as at:
        assert await at.ends() == Exit.UNREACHABLE
    assert at.screen.text.startswith("keepstream: http://127.0.0.1:1 cannot be reached")


def resize(at: Typing, width: int, height: int) -> None:
    fcntl.ioctl(at.master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    at.screen.width, at.screen.height = width, height
