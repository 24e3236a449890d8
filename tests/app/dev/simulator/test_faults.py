"""Faults within the stream, each exactly where it was asked for."""

import asyncio
import json
from itertools import pairwise
from time import monotonic
from typing import Any

import anthropic
import pytest
from anthropic import AsyncAnthropic, AsyncStream
from hypothesis import given
from hypothesis.strategies import text

from app.dev.simulator.faults import dribble
from tests.app.dev.simulator.claude import (
    WEATHER,
    asking,
    chunks_of,
    error_of,
    expected,
    raw_body,
    raw_call,
    raw_events,
    said,
    streamed,
    text_deltas,
    text_of,
)


async def until_it_breaks(claude: AsyncAnthropic, prompt: str) -> tuple[list[Any], Exception | None]:
    """The events up to a failure, and the failure; None if the body just ended."""
    events: list[Any] = []
    try:
        await collect(await claude.messages.create(**asking(prompt), stream=True), events)
    except Exception as error:  # noqa: BLE001 which one it is, is what the test asks
        return events, error
    return events, None


async def collect(stream: AsyncStream[Any], events: list[Any]) -> None:
    async for event in stream:
        events.append(event)  # noqa: PERF401 what came before a failure counts


def types(events: list[Any]) -> list[str]:
    return [event.type for event in events]


@pytest.mark.parametrize("after", [0, 1, 5])
async def test_error_after(claude: AsyncAnthropic, after: int) -> None:
    events, error = await until_it_breaks(claude, f"hello [[sim: error-after={after}]]")
    assert text_of(events) == expected("hello", after)
    assert isinstance(error, anthropic.APIStatusError)
    assert error_of(error)["type"] == "overloaded_error"
    assert types(events) == ["message_start"] if after == 0 else "content_block_start" in types(events)


async def test_error_after_of_another_type(claude: AsyncAnthropic) -> None:
    _, error = await until_it_breaks(claude, "hello [[sim: error-after=1 error-type=api_error]]")
    assert error_of(error)["type"] == "api_error"
    with pytest.raises(anthropic.InternalServerError) as caught:
        await claude.messages.create(**asking("hello [[sim: error-after=1]]"))
    assert caught.value.status_code == 529


@pytest.mark.parametrize("after", [0, 3])
async def test_end_after_ends_cleanly_and_early(claude: AsyncAnthropic, after: int) -> None:
    events, error = await until_it_breaks(claude, f"hello [[sim: end-after={after}]]")
    assert error is None  # which is why its reader has to look for message_stop
    assert text_of(events) == expected("hello", after)
    assert "message_stop" not in types(events)


@pytest.mark.parametrize("after", [0, 3])
async def test_cut_after_resets_the_connection(claude: AsyncAnthropic, url: str, after: int) -> None:
    events, error = await until_it_breaks(claude, f"hello [[sim: cut-after={after}]]")
    assert text_of(events) == expected("hello", after)
    assert type(error).__name__ in {"ReadError", "RemoteProtocolError"}
    reader, writer = await raw_call(url, "hello [[sim: cut-after=3]]")
    with pytest.raises(ConnectionResetError):
        await reader.read(-1)
    writer.close()


async def test_a_fault_after_the_last_token_still_happens(claude: AsyncAnthropic) -> None:
    events, _ = await until_it_breaks(claude, "[[sim: tokens=4 end-after=1000]]")
    assert types(events)[-1] == "content_block_delta"
    assert len(text_deltas(events)) == 4


@pytest.mark.parametrize("key", ["stall-after", "pings-after"])
async def test_silence_for_ever(claude: AsyncAnthropic, key: str) -> None:
    stream = await claude.messages.create(**asking(f"hello [[sim: {key}=3]]"), stream=True)
    events: list[Any] = []
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(collect(stream, events), 0.3)
    assert text_of(events) == expected("hello", 3)
    await stream.close()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(claude.messages.create(**asking(f"hello [[sim: {key}=3]]")), 0.1)


async def test_pings_go_on(claude: AsyncAnthropic) -> None:
    create = claude.messages.with_streaming_response.create
    names: list[str | None] = []
    async with create(**asking("hello [[sim: pings-after=0]]"), stream=True) as response:
        async for event in AsyncStream.raw_events(response.http_response):
            names.append(event.event)
            if len(names) == 4:
                break
    assert names == ["message_start", "ping", "ping", "ping"]


async def names_and_times(claude: AsyncAnthropic, prompt: str, **more: Any) -> list[tuple[str | None, float]]:
    began = monotonic()
    create = claude.messages.with_streaming_response.create
    async with create(**asking(prompt, **more), stream=True) as response:
        events = AsyncStream.raw_events(response.http_response)
        return [(event.event, monotonic() - began) async for event in events]


async def test_a_silence_of_pings_ends(claude: AsyncAnthropic) -> None:
    seen = await names_and_times(claude, "hello [[sim: think=0.3 think-after=2 ping=0.1 tokens=4]]")
    names = [name for name, _ in seen]
    third = [at for name, at in seen if name == "content_block_delta"][2]
    assert names.count("content_block_delta") == 4
    assert names.count("ping") == 1 + 3
    assert third >= 0.3
    assert names[-1] == "message_stop"


async def test_a_silence_without_pings_ends(claude: AsyncAnthropic) -> None:
    seen = await names_and_times(claude, "hello [[sim: mute=0.2 tokens=4]]")
    assert [name for name, _ in seen][:2] == ["message_start", "content_block_start"]
    assert seen[1][1] - seen[0][1] > 0.1
    assert [name for name, _ in seen].count("ping") == 1


async def test_the_input_of_a_tool_is_held_back_and_comes_at_once(claude: AsyncAnthropic) -> None:
    prompt = '[[sim: tool buffer-tool=0.3 ping=0.1 rate=1 first=0 tool-input="{\\"text\\":\\"one two three\\"}"]]'
    seen = await names_and_times(claude, prompt, tools=[WEATHER])
    names = [name for name, _ in seen]
    assert names[:2] == ["message_start", "content_block_start"]
    assert names.count("ping") == 1 + 3
    assert names.count("content_block_delta") > 3
    assert 0.3 <= seen[-1][1] < 1.0
    whole = await claude.messages.create(**asking(prompt, tools=[WEATHER]))
    assert whole.content[0].type == "tool_use"


async def test_a_forged_event(claude: AsyncAnthropic) -> None:
    names = [name for name, _ in await names_and_times(claude, "hello [[sim: forged-after=1 tokens=3]]")]
    assert names[3:5] == ["content_block_delta", "relay.end"]
    assert names[-1] == "message_stop"


async def test_bad_json(claude: AsyncAnthropic) -> None:
    events, error = await until_it_breaks(claude, "hello [[sim: bad-json-after=2]]")
    assert text_of(events) == expected("hello", 2)
    assert isinstance(error, json.JSONDecodeError)
    assert (await raw_events(claude, "hello [[sim: bad-json-after=2]]"))[-1][0] == "message_stop"


async def test_bad_utf8(claude: AsyncAnthropic) -> None:
    events, error = await until_it_breaks(claude, "hello [[sim: bad-utf8-after=2]]")
    assert text_of(events) == expected("hello", 2)
    assert isinstance(error, UnicodeDecodeError)


async def test_unknown_events_are_of_every_kind(claude: AsyncAnthropic) -> None:
    events = await raw_events(claude, "hello [[sim: unknown-events]]")
    names = [name for name, _ in events]
    assert {"future_event", "future_lines", "future_id", None} <= set(names)
    assert names[-2:] == ["message_stop", "future_event"]
    assert json.loads(dict(events)["future_lines"]) == {"type": "future_lines", "detail": "data of three lines"}
    body = await raw_body(claude, "hello [[sim: unknown-events]]")
    assert b"\n: a comment" in body
    assert b"\nid: 17\n" in body
    async with claude.messages.stream(**asking("hello [[sim: unknown-events]]")) as stream:
        assert await stream.get_final_text() == said("hello")


async def test_no_blank_at_end(claude: AsyncAnthropic) -> None:
    for prompt in ("hello [[sim: no-blank-at-end]]", "hello [[sim: no-blank-at-end unknown-events]]"):
        assert (await raw_body(claude, prompt)).endswith(b'\nevent: message_stop\ndata: {"type":"message_stop"}')


async def test_crlf(claude: AsyncAnthropic) -> None:
    body = await raw_body(claude, "hello [[sim: crlf]]")
    assert body.count(b"\n") == body.count(b"\r\n") > 100
    assert text_of(await streamed(claude, "hello [[sim: crlf]]")) == said("hello")


async def test_split_cuts_within_characters(claude: AsyncAnthropic, url: str) -> None:
    prompt = "[[sim: split text=żółw🐢]]"
    assert text_of(await streamed(claude, prompt)) == "żółw🐢"
    reader, writer = await raw_call(url, prompt)
    await reader.readuntil(b"\r\n\r\n")
    chunks = [chunk async for chunk in chunks_of(reader)]
    writer.close()
    assert max(len(chunk) for chunk in chunks) <= 24
    assert any(before.endswith(b"\xc5") and after.startswith(b"\xbc") for before, after in pairwise(chunks))
    assert any(before.endswith(b"\xf0") for before in chunks)


async def test_hostile_text_arrives_unharmed(claude: AsyncAnthropic) -> None:
    prompt = "[[sim: hostile]]"
    body = await raw_body(claude, prompt)
    assert b"\\ud800" in body
    assert b"\\u0000" in body
    assert "\u2028".encode() in body
    arrived = text_of(await streamed(claude, prompt))
    assert arrived == said(prompt)
    for danger in (
        "<script>",
        "</script>",
        "](javascript:",
        "onerror=",
        "<svg",
        "\n\ndata: {}\n\nid: 1",
        "\u202e",
        "w" * 500,
    ):
        assert danger in arrived


async def test_a_big_delta(claude: AsyncAnthropic) -> None:
    deltas = text_deltas(await streamed(claude, "[[sim: big-delta=3000000 tokens=3]]"))
    assert len(deltas[0]) == 3_000_000
    assert len(deltas) == 4


@given(text())
def test_a_dribbled_frame_is_the_same_frame(words: str) -> None:
    frame = words.encode()
    assert b"".join(dribble(frame)) == frame
    assert all(dribble(frame))
