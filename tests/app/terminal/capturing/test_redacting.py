from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.terminal.capturing.redacting import redacted
from app.terminal.capturing.upstream_events import frames


def event(**data: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (data["type"].encode(), orjson.dumps(data))


def delta(index: int, **said: str) -> bytes:
    return event(type="content_block_delta", index=index, delta=said)


def data_of(events: bytes) -> list[Any]:
    return [json.loads(frame.partition(b"data: ")[2]) for frame in frames(events)]


def test_letters_and_digits_are_others_and_all_else_stands() -> None:
    said = delta(0, type="text_delta", text='Hällo "World" 42\n€ 🐢 字')
    assert data_of(redacted(said))[0]["delta"] == {"type": "text_delta", "text": 'Xéxxx "Xxxxx" 00\n€ 🐢 字'}
    escaped = rb'data: {"type":"content_block_delta","index":0,"delta":{"text":"\u00e9\n\ud83d\ude00a"}}' + b"\n\n"
    assert redacted(escaped) == escaped.replace(rb"\u00e9", rb"\u0078").replace(rb"\ud83d\ude00a", rb"\ud835\udc99x")


def test_what_events_are_stands() -> None:
    started = event(
        type="message_start", message={"id": "msg_1", "model": "claude-x", "role": "assistant", "content": []}
    )
    call = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}
    begun = event(type="content_block_start", index=1, content_block=call)
    assert redacted(started + begun) == started + begun


def test_nothing_of_a_call_or_of_a_page_stands_for_its_keys_are_foreign() -> None:
    call = {
        "type": "tool_use",
        "id": "toolu_1",
        "name": "mail",
        "input": {"name": "Bob", "a": [{"id": "Eve"}]},
        "model": "m",
    }
    page = {"type": "web_search_tool_result", "content": [{"type": "web_search_result", "name": "Bob", "id": "Eve"}]}
    shown = data_of(redacted(event(type="x", content_block=call) + event(type="x", content_block=page)))
    assert shown[0]["content_block"] == call | {"input": {"name": "Xxx", "a": [{"id": "Xxx"}]}}
    assert shown[1]["content_block"] == page | {"content": [{"type": "web_search_result", "name": "Xxx", "id": "Xxx"}]}


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUES, max_size=4), st.lists(st.integers(0, 200), max_size=6), st.booleans())
def test_json_in_pieces_stays_json_wherever_it_is_cut(value: Any, cuts: list[int], ascii_only: bool) -> None:  # noqa: FBT001
    text = json.dumps(value, ensure_ascii=ascii_only)
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(places)]
    for name, kind in (("partial_json", "input_json_delta"), ("text", "text_delta")):
        events = b"".join(
            b"data: " + json.dumps({"type": "d", "index": 0, "delta": {"type": kind, name: piece}}).encode() + b"\n\n"
            for piece in pieces
        )
        hidden = redacted(events)
        assert len(hidden) == len(events)
        assert _form(json.loads("".join(found["delta"][name] for found in data_of(hidden)))) == _form(value)


def _form(value: Any) -> Any:
    """What is to be left of a value: keys, how long its texts and numbers are, and where letters were none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return len(str(value))
    if isinstance(value, str):
        return [letter if letter.isascii() and not letter.isalnum() else "" for letter in value]
    if isinstance(value, list):
        return [_form(one) for one in value]
    return {key: _form(one) for key, one in value.items()} if isinstance(value, dict) else value


def test_no_letter_of_a_text_is_left() -> None:
    secret = "Grüße, 42 Żółw 漢語 한글 \U0001d49c!"
    for ascii_only in (True, False):
        inner = json.dumps({"": secret}, ensure_ascii=ascii_only)
        for said in ({"text": secret}, {"text": inner}, {"partial_json": inner}):
            line = json.dumps({"type": "d", "index": 0, "delta": said}, ensure_ascii=ascii_only)
            (found,) = data_of(redacted(b"data: " + line.encode() + b"\n\n"))
            shown = str(list(found["delta"].values()))
            assert not [letter for letter in secret if letter.isalnum() and letter in shown and letter not in "x0"]


@pytest.mark.parametrize(
    "said",
    [
        "[Ann] lives in Bonn, 53111 Bonn",
        "[Bonn](https://bonn.example)",
        "{Ann lives} in Bonn",
        '{"a": 1} Ann lives in Bonn',
        '["a"] "a" Ann',
        '{"a" Ann}',
        "[1 Ann]",
        "[53111, 0.53111, -5e3111]",
        '{"a": Ann, "b": 53111}',
        "[,Ann]",
    ],
)
def test_what_only_begins_as_json_is_a_text(said: str) -> None:
    for pieces in ([said], list(said)):
        events = b"".join(delta(0, type="text_delta", text=piece) for piece in pieces)
        shown = "".join(found["delta"]["text"] for found in data_of(redacted(events)))
        assert len(shown) == len(said)
        assert not [word for word in ("Ann", "Bonn", "onn", "lives", "53", "11") if word in shown]


def test_numbers_of_a_call_and_what_is_no_json_at_all_are_hidden() -> None:
    call = event(type="x", content_block={"type": "tool_use", "id": "t4", "name": "n", "input": {"card": 4111.5}})
    assert data_of(redacted(call))[0]["content_block"]["input"] == {"card": 1000.0}
    usage = event(type="message_delta", usage={"output_tokens": 4111})
    assert redacted(usage) == usage
    assert redacted(b"event: x\ndata: no Ann\ndata: {Bonn}\n\n") == b"event: x\ndata: xx Xxx\ndata: {Xxxx}\n\n"
    assert redacted(b'event: x\ndata:{"a":"Ann"}\n\n') == b'event: x\ndata:{"a":"Xxx"}\n\n'
