"""What comes in: a head without its offer says all the rest, who sends fast is read on at the loop's next turn."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.http.connection.incoming import let_others, without_offer


def test_a_head_without_its_offer_says_the_rest() -> None:
    fields = [(b"host", b"x"), (b"connection", b"Upgrade"), (b"upgrade", b"h2c"), (b"x-two", b"1"), (b"x-two", b"2")]
    head = without_offer(b"POST", b"/a?b", fields)
    assert head == b"POST /a?b HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nx-two: 1\r\nx-two: 2\r\n\r\n"


class Wire:
    """A transport that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.closing = False

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.told.append("pause")

    def resume_reading(self) -> None:
        self.told.append("resume")


async def let(wire: Wire, *, paused: bool = False) -> SimpleNamespace:
    flow = SimpleNamespace(read_paused=paused)
    let_others(asyncio.get_running_loop(), cast("Any", wire), cast("Any", flow))
    return flow


async def test_others_have_their_turn_and_then_it_is_read_on() -> None:
    wire = Wire()
    await let(wire)
    assert wire.told == ["pause"]
    await asyncio.sleep(0)
    assert wire.told == ["pause", "resume"]


@pytest.mark.parametrize("what", ["closing", "paused"])
async def test_who_is_not_read_is_let_be(what: str) -> None:
    wire = Wire()
    wire.closing = what == "closing"
    await let(wire, paused=what == "paused")
    assert wire.told == []


@pytest.mark.parametrize("what", ["closing", "paused"])
async def test_who_is_not_to_be_read_any_more_is_not_read_on(what: str) -> None:
    wire = Wire()
    flow = await let(wire)
    wire.closing, flow.read_paused = what == "closing", what == "paused"
    await asyncio.sleep(0)
    assert wire.told == ["pause"]
