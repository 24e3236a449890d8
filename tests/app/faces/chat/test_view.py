"""The log as the AI SDK's UI message stream, chunk by chunk."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest

from app.faces.chat.view import BEGAN_AGAIN, LOST
from app.fanout.audience import PING
from app.stream.asides import Asked, Queued
from tests.app.faces.chat.logged import START, STOP, STREAM, TEXT, WHOLE, Event, block, delta, end, frames, view


def chunks(stream: bytes) -> list[dict[str, Any]]:
    lines = [line.removeprefix(b"data: ") for line in stream.split(b"\n\n") if line]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def shown(*events: Event) -> list[dict[str, Any]]:
    return chunks(view().take(frames(*events)))


def kinds(found: list[dict[str, Any]]) -> list[str]:
    return [chunk["type"] for chunk in found]


def test_a_text() -> None:
    made = view()
    assert chunks(made.head()) == [{"type": "start", "messageId": "m1", "messageMetadata": {"streamId": STREAM}}]
    stream = made.take(frames(*WHOLE))
    assert made.over
    assert stream.endswith(b"data: [DONE]\n\n")
    *most, finish = chunks(stream)
    assert most == [
        {"type": "start-step"},
        {"type": "text-start", "id": "1-0"},
        {"type": "text-delta", "id": "1-0", "delta": "Hi"},
        {"type": "text-delta", "id": "1-0", "delta": "!"},
        {"type": "text-end", "id": "1-0"},
        {"type": "finish-step"},
    ]
    assert finish["finishReason"] == "stop"
    assert finish["messageMetadata"]["usage"] == {"input_tokens": 3, "output_tokens": 5}


def test_however_the_frames_are_divided_the_chunks_are_the_same() -> None:
    one, many = view(), view()
    whole = frames(*WHOLE)
    parts = [frame + b"\n\n" for frame in whole.split(b"\n\n") if frame]
    assert b"".join(map(many.take, parts)) == one.take(whole)


@pytest.mark.parametrize(
    ("stop_reason", "finish_reason"),
    [
        ("end_turn", "stop"),
        ("max_tokens", "length"),
        ("refusal", "content-filter"),
        ("tool_use", "tool-calls"),
        ("pause_turn", "stop"),
        ("something new", "other"),
    ],
)
def test_why_it_finished(stop_reason: str, finish_reason: str) -> None:
    found = shown(START, delta(stop_reason), STOP, end(stop_reason=stop_reason))
    assert found[-1]["finishReason"] == finish_reason


def test_thinking_keeps_its_signature() -> None:
    found = shown(
        START,
        *block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "Hm"},
            {"type": "signature_delta", "signature": "abc"},
        ),
        *block(1, {"type": "redacted_thinking", "data": "xyz"}),
    )
    assert kinds(found)[1:] == [
        *("reasoning-start", "reasoning-delta", "reasoning-end"),
        *("reasoning-start", "reasoning-end"),
    ]
    assert found[3]["providerMetadata"] == {"anthropic": {"signature": "abc"}}
    assert found[4]["providerMetadata"] == {"anthropic": {"redactedData": "xyz"}}


def test_a_tool_of_the_pages_and_one_of_the_workers() -> None:
    call = {"type": "tool_use", "id": "t1", "name": "clock", "input": {}}
    json_ = [{"type": "input_json_delta", "partial_json": part} for part in ("", '{"zone":', '"東京"}')]
    result = {"tool_use_id": "t1", "name": "clock", "content": "noon", "is_error": False, "elapsed_ms": 1}
    found = shown(START, *block(0, call, *json_), delta("tool_use"), STOP, ("relay.tool", result), START)
    assert found[1] == {"type": "tool-input-start", "toolCallId": "t1", "toolName": "clock"}
    assert [chunk["inputTextDelta"] for chunk in found[2:4]] == ['{"zone":', '"東京"}']
    assert found[4] == {
        "type": "tool-input-available",
        "toolCallId": "t1",
        "toolName": "clock",
        "input": {"zone": "東京"},
    }
    assert found[6] == {"type": "tool-output-available", "toolCallId": "t1", "output": "noon"}
    assert kinds(found)[5:] == ["finish-step", "tool-output-available", "start-step"]


CALL = {"type": "tool_use", "id": "t1", "name": "clock", "input": {"zone": "x"}}
NOON = {"tool_use_id": "t1", "name": "clock", "content": "noon", "is_error": False, "elapsed_ms": 1}


def test_what_the_worker_runs_is_not_the_pages_to_run() -> None:
    theirs = CALL | {"id": "t2", "name": "map"}
    stream = frames(START, *block(0, CALL), *block(1, theirs), STOP, ("relay.tool", NOON))
    ours = {"providerExecuted": True, "dynamic": True}
    _, begun, whole, other, _, _, given = chunks(view("clock").take(stream))
    assert {name: begun[name] for name in ours} == {name: whole[name] for name in ours} == ours
    assert not ours.keys() & other.keys()
    assert given == {"type": "tool-output-available", "toolCallId": "t1", "output": "noon"} | ours


def test_a_call_that_waits_for_a_person_is_a_part_of_its_own_until_it_was_answered() -> None:
    asked = ("relay.approval", {"tool_use_id": "t1", "name": "clock", "input": {"zone": "x"}})
    found = chunks(view("clock").take(frames(START, *block(0, CALL), STOP, asked, ("relay.tool", NOON))))
    data = {"streamId": STREAM, "toolCallId": "t1", "toolName": "clock", "input": {"zone": "x"}}
    assert kinds(found)[3:] == ["finish-step", "data-approval", "data-approval", "tool-output-available"]
    assert found[4] == {"type": "data-approval", "id": "t1", "data": data | {"state": "requested"}}
    assert found[5] == {"type": "data-approval", "id": "t1", "data": data | {"state": "answered"}}


def test_a_tool_that_failed_was_cut_off_or_was_never_called() -> None:
    call = {"type": "tool_use", "id": "t1", "name": "clock", "input": {}}
    failed = {"tool_use_id": "t1", "name": "clock", "content": "no clock", "is_error": True, "elapsed_ms": 1}
    found = shown(
        START,
        *block(0, call, {"type": "input_json_delta", "partial_json": '{"zo'}),
        ("relay.tool", failed),
        ("relay.tool", failed | {"tool_use_id": "t2"}),
    )
    assert found[3]["type"] == "tool-input-error"
    assert found[4:] == [{"type": "tool-output-error", "toolCallId": "t1", "errorText": "no clock"}]


def test_the_input_of_a_tool_under_way_takes_about_its_length() -> None:
    start = {"type": "tool_use", "id": "toolu_1", "name": "write", "input": {}}
    piece = {"type": "input_json_delta", "partial_json": "12345"}
    shows, (begin, *_) = view(), block(0, start)
    delta_frames = frames(*[("content_block_delta", {"index": 0, "delta": piece})] * 100)
    shows.take(frames(begin))
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(200):
        shows.take(delta_frames)
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert held < 3 * 200 * 100 * len("12345")


def test_what_the_api_ran_by_itself_is_shown_with_its_sources() -> None:
    call = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}, "caller": {"a": 1}}
    page = {"type": "web_search_result", "url": "https://a.example/", "title": "A", "encrypted_content": "e"}
    error = {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}
    cited = {"type": "web_search_result_location", "url": "https://a.example/", "title": "A", "cited_text": "…"}
    paper = {"type": "page_location", "document_index": 0, "document_title": "P", "cited_text": "…"}
    found = shown(
        START,
        *block(0, call),
        *block(1, {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [page]}),
        *block(2, {"type": "text", "text": ""}, *({"type": "citations_delta", "citation": c} for c in (cited, paper))),
        *block(3, call | {"id": "s2"}),
        *block(4, {"type": "web_search_tool_result", "tool_use_id": "s2", "content": error}),
        *block(5, {"type": "mcp_tool_use", "id": "m1", "name": "f", "server_name": "s", "input": {}}),
        *block(6, {"type": "mcp_tool_result", "tool_use_id": "m1", "is_error": False, "content": []}),
    )
    assert kinds(found) == [
        "start-step",
        *("tool-input-start", "tool-input-available", "tool-output-available", "source-url"),
        *("text-start", "source-document", "text-end"),
        *("tool-input-start", "tool-input-available", "tool-output-error"),
        *("tool-input-start", "tool-input-available", "tool-output-available"),
    ]
    assert found[2]["providerMetadata"] == {"anthropic": {"type": "server_tool_use", "caller": {"a": 1}}}
    assert found[3]["output"] == [page]
    assert found[10]["errorText"] == "max_uses_exceeded"
    assert found[11]["dynamic"]


def test_an_ending_that_is_none_says_so() -> None:
    error = {"type": "overloaded_error", "message": "Overloaded"}
    failed = shown(START, *TEXT[:2], end(outcome="failed", error=error))
    assert failed[-2:] == [{"type": "text-end", "id": "1-0"}, {"type": "error", "errorText": "Overloaded"}]
    assert shown(end(outcome="cancelled"))[-1] == {"type": "abort", "reason": "cancelled"}
    assert shown(end(outcome="expired", error={"type": "api_error", "message": "late"}))[-1]["errorText"] == "late"
    assert chunks(view().lost()) == [{"type": "error", "errorText": LOST}]


def test_a_reset_takes_back_what_was_shown() -> None:
    reset = ("relay.reset", {"attempt": 2, "reason": "cut"})
    assert kinds(shown(reset, START)) == ["start-step"]
    found = shown(START, *TEXT[:2], reset, START, *TEXT)
    again = ["text-start", "text-delta", "text-delta", "text-end"]
    assert kinds(found) == ["start-step", "text-start", "text-delta", "reset-step", *again]


def test_more_than_one_step_cannot_be_taken_back() -> None:
    made = view()
    made.take(frames(START, STOP, START))
    assert chunks(made.reset()) == [{"type": "error", "errorText": BEGAN_AGAIN}]
    assert made.over
    assert made.take(frames(*WHOLE)) == b""


def test_the_place_in_the_line_is_for_the_page_and_no_part_of_the_message() -> None:
    assert chunks(view().aside(Queued(3))) == [
        {"type": "data-status", "data": {"state": "queued", "position": 3}, "transient": True}
    ]
    assert view().aside(PING) == b""


def test_what_nobody_knows_yet_stops_nobody() -> None:
    strange: list[Event] = [
        ("something_new", {"type": "something_new"}),
        ("content_block_delta", {"index": 7, "delta": {}}),
        ("content_block_start", {"index": 1}),
        ("content_block_delta", {"index": 0, "delta": {"type": "text_delta"}}),
    ]
    assert kinds(shown(START, *TEXT[:1], *strange, *TEXT[1:])) == kinds(shown(START, *TEXT))


def test_what_a_person_is_asked_of_an_answer_that_is_not_shown_yet_is_a_part_of_its_own() -> None:
    data = {"tool_use_id": "toolu_1", "name": "pay", "input": {"usd": 1}}
    shown = view()
    told = shown.aside(Asked(json.dumps(data).encode()))
    assert [chunk["data"]["state"] for chunk in chunks(told)] == ["requested"]
    assert shown.aside(Asked(b"{}")) == b""
