"""What is said beside a log: it comes as it was meant, and can never be taken for a piece of the log."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from app.stream import asides, keys
from app.stream.asides import Held, Queued, Thinking, Told, decode, encode, status_of
from tests.patience import PATIENCE

TOLD = st.one_of(st.builds(Thinking, st.integers(0, 10**11)), st.builds(Held, st.integers(0, 10**11)))


@given(TOLD)
def test_what_is_said_is_heard(told: Told) -> None:
    assert decode(encode(told)) == told


@given(st.integers(0, 10**9), st.binary(max_size=20))
def test_no_piece_of_a_log_is_an_aside(offset: int, data: bytes) -> None:
    assert decode(b"%d:%b" % (offset, data)) is None


@given(st.binary(max_size=40))
def test_what_nobody_has_said_yet_is_nothing(payload: bytes) -> None:
    decode(b"!" + payload)
    assert decode(b"!dancing:" + payload) is None
    assert decode(b"v2 " + payload) is decode(b"v2 !" + payload) is None


@pytest.mark.parametrize("number", [b"", b"-1", b"1.5", b"\xb2", b"1 ", b"9" * 13])
def test_only_a_number_of_milliseconds_is_one(number: bytes) -> None:
    assert decode(b"!thinking:" + number) is None


def test_each_says_its_state() -> None:
    assert status_of(Thinking(42_000)) == {"state": "thinking", "silent_ms": 42_000}
    assert status_of(Held(7_000)) == {"state": "held", "retry_in_ms": 7_000}
    assert status_of(Queued(3)) == {"state": "queued", "position": 3}


def test_what_was_said_a_while_ago_is_said_as_it_is_now() -> None:
    assert Thinking(5_000).later(2_000) == Thinking(7_000)
    assert Thinking(5_000).later(6_000) is None
    assert Held(5_000).later(2_000) == Held(3_000)
    assert Held(5_000).later(5_000) is None


async def test_a_worker_says_it_on_the_streams_channel(redis: Redis) -> None:
    async with redis.pubsub() as listening:
        await listening.subscribe(keys.channel("st_1"))
        await asides.tell(redis, "st_1", Thinking(5_000))
        async with asyncio.timeout(PATIENCE):
            while (message := await listening.get_message(timeout=1)) is None or message["type"] != "message":
                pass
    assert decode(message["data"]) == Thinking(5_000)
