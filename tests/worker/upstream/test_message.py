from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, cast

import anthropic
import httpx2
import pytest
from anthropic.lib.streaming._beta_messages import accumulate_event

from app.dev.simulator.answer.events import frames, message
from app.dev.simulator.answer.plan import plan
from app.dev.simulator.prompts import parse
from app.stream.ledger.usage import Brought
from worker.rawjson.codec import dumps, loads
from worker.upstream.message import PARTS_MAX, GatheredMessage
from worker.upstream.sse import Parser

DOWNLOAD_SECONDS = 60
# The SDK itself refuses these two: a message that never begins, and a tool's input that is no JSON.
REFUSED_BY_THE_SDK = {"unknown_events_response.txt", "tool_use_invalid_json_response.txt"}

Events = list[dict[str, Any]]


def events_of(body: bytes) -> Events:
    parser = Parser()
    return [loads(data) for name, data in parser.feed(body) + parser.end() if name not in (None, b"ping", b"error")]


def ours(events: Events) -> Any:
    gathered = GatheredMessage()
    for event in events:
        add(gathered, event)
    return told(whole(gathered))


def add(gathered: GatheredMessage, event: Any) -> None:
    gathered.add(event, dumps(event))


def whole(gathered: GatheredMessage) -> Any:
    return loads(gathered.json() or b"null")


def by_the_sdk(events: Events) -> Any:
    snapshot, buffers = None, dict[int, bytes]()
    for event in cast("list[Any]", events):
        snapshot = accumulate_event(
            event=event, current_snapshot=snapshot, json_bufs=buffers, request_headers=httpx2.Headers()
        )
    assert snapshot is not None
    return told(json.loads(snapshot.to_json()))


def told(value: Any) -> Any:
    """Without what says nothing: the SDK adds and drops nulls by its types."""
    if isinstance(value, dict):
        return {name: told(item) for name, item in value.items() if item is not None and name != "parsed_output"}
    return [told(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(scope="session")
def recordings(request: pytest.FixtureRequest) -> dict[str, bytes]:
    """The streams that the SDK's source distribution brings, fetched once by pip."""
    directory = Path(request.config.cache.mkdir(f"anthropic-{anthropic.__version__}"))
    archives = list(directory.glob("*.tar.gz"))
    if not archives:
        wanted = f"anthropic=={anthropic.__version__}"
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "anthropic"]
        try:
            subprocess.run(
                [*pip, "-d", str(directory), wanted], check=True, capture_output=True, timeout=DOWNLOAD_SECONDS
            )
        except (OSError, subprocess.SubprocessError):
            pytest.skip("the SDK's source distribution cannot be had here")
        archives = list(directory.glob("*.tar.gz"))
    found = {}
    with tarfile.open(archives[0]) as archive:
        for member in archive:
            if "/streaming/fixtures/" in member.name or member.name.endswith(".sse"):
                found[Path(member.name).name] = archive.extractfile(member).read()  # type: ignore[union-attr]
    return found


def test_recorded_streams_give_the_message_that_the_sdk_gives(recordings: dict[str, bytes]) -> None:
    assert len(recordings) > 16
    for name, body in recordings.items():
        if name not in REFUSED_BY_THE_SDK:
            assert ours(events_of(body)) == by_the_sdk(events_of(body)), name


PROMPTS = {
    "text": "[[sim: tokens=30]]",
    "thinking": "[[sim: thinking tokens=5]]",
    "redacted": "[[sim: redacted-thinking tokens=5]]",
    "citations": "[[sim: citations tokens=5]]",
    "tool": '[[sim: tool=get_weather tool-input="{\\"city\\":\\"Łódź\\",\\"days\\":[1,2.5]}"]]',
    "refusal": "[[sim: refusal]]",
    "hostile": "[[sim: hostile]]",
    "nothing": "[[sim: tokens=0]]",
}


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS)
def test_a_stream_gives_the_message_that_is_answered_without_streaming(prompt: str) -> None:
    body = {"model": "claude-sonnet-5", "max_tokens": 500, "messages": [{"role": "user", "content": prompt}]}
    planned = plan(body, parse(prompt))
    streamed = b"".join(frame for frame, _ in frames(planned, "msg_1"))
    whole = message(planned, "msg_1")
    assert ours(events_of(streamed)) == told(whole)


def test_a_tool_s_input_that_max_tokens_cut_off_is_completed_as_the_sdk_does_it() -> None:
    start = {"type": "message_start", "message": {"id": "m", "content": [], "usage": {"output_tokens": 1}}}
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    parts = ['{"city": "Par', 'is", "days": [1, 2', ', {"a": "b']
    for count in range(4):
        events: Events = [start, {"type": "content_block_start", "index": 0, "content_block": block}]
        events += [
            {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": part}}
            for part in parts[:count]
        ]
        assert ours(events)["content"] == by_the_sdk(events)["content"]


def test_use_is_a_total_that_replaces_and_what_is_not_told_stays() -> None:
    gathered = GatheredMessage()
    add(gathered, {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1, "x": 2}}})
    assert gathered.usage == {"input_tokens": 9, "output_tokens": 1, "x": 2}
    assert not gathered.brought(whole=False).counted
    add(gathered, {"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 5}})
    add(
        gathered,
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7, "x": None}},
    )
    assert gathered.usage == {"input_tokens": 9, "output_tokens": 7, "x": 2}
    assert gathered.brought(whole=True) == Brought(
        None, b'{"input_tokens":9,"output_tokens":7,"x":2}', "end_turn", counted=True, whole=True
    )


@pytest.mark.parametrize(
    "event",
    [
        None,
        7,
        [],
        "message_start",
        {},
        {"type": None},
        {"type": "future_event", "index": 0},
        {"type": "message_start"},
        {"type": "message_start", "message": None},
        {"type": "message_start", "message": {"usage": 7}},
        {"type": "content_block_start", "content_block": None},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "fallback"}},
        {"type": "content_block_delta", "index": 5, "delta": {"type": "text_delta", "text": "x"}},
        {"type": "content_block_delta", "index": "0", "delta": {"type": "text_delta", "text": "x"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 7}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": ["x"]}},
        {"type": "content_block_delta", "index": 0, "delta": None},
        {"type": "message_delta", "delta": None},
        {"type": "message_delta", "delta": {}, "usage": [1]},
    ],
)
def test_an_event_of_any_shape_stops_nothing(event: Any) -> None:
    known: Events = [
        {"type": "message_start", "message": {"id": "m", "usage": {"output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "kept"}},
    ]
    add(GatheredMessage(), event)  # before anything is known
    gathered = GatheredMessage()
    for each in (*known, event):
        add(gathered, each)
    assert whole(gathered)["content"][0] == {"type": "text", "text": "kept"}


def test_blocks_and_deltas_that_nobody_knows_are_kept_as_they_began() -> None:
    block = {"type": "hologram", "shape": {"a": 1}}
    events: Events = [
        {"type": "message_start", "message": {"id": "m"}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "hologram_delta", "light": "x"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "not for this block"}},
    ]
    assert ours(events)["content"] == [block]


def test_nothing_begun_is_no_message() -> None:
    assert (GatheredMessage().json(), GatheredMessage().usage, GatheredMessage().stop_reason) == (None, None, None)


def test_what_it_holds_is_counted_whenever_it_is_asked() -> None:
    asked, other = GatheredMessage(), GatheredMessage()
    for number in range(2 * PARTS_MAX + 7):
        for gathered in (asked, other):
            if not number:
                add(gathered, {"type": "message_start", "message": {"id": "m", "content": []}})
                block = {"type": "text", "text": ""}
                add(gathered, {"type": "content_block_start", "index": 0, "content_block": block})
            delta = {"type": "text_delta", "text": "x" * number}
            add(gathered, {"type": "content_block_delta", "index": 0, "delta": delta})
        if number % 100 == 3:
            assert asked.memory_bytes == asked.memory_bytes
    assert asked.memory_bytes == other.memory_bytes > sum(range(2 * PARTS_MAX + 7))


@pytest.mark.parametrize(
    ("given", "readable"),
    [
        (' {"a": 1.50} ', {"a": 1.5}),
        ('{"a":"\\ud800"}', {"a": "\ud800"}),
        ("", {}),
        ('{"a": "ha', {"INVALID_JSON": '{"a": "ha'}),
        ("[1]", {"INVALID_JSON": "[1]"}),
        ('{"a": NaN}', {"INVALID_JSON": '{"a": NaN}'}),
        ('{"a": 1}}', {"INVALID_JSON": '{"a": 1}}'}),
    ],
)
def test_an_input_that_is_no_object_is_told_apart_where_it_would_be_run(given: str, readable: Any) -> None:
    gathered = GatheredMessage()
    add(gathered, {"type": "message_start", "message": {"id": "m", "content": []}})
    block = {"type": "tool_use", "id": "a", "name": "pay", "input": {}}
    add(gathered, {"type": "content_block_start", "index": 0, "content_block": block})
    delta = {"type": "input_json_delta", "partial_json": given}
    add(gathered, {"type": "content_block_delta", "index": 0, "delta": delta})
    assert loads(gathered.json(readable=True) or b"")["content"][0]["input"] == readable
