"""The Message against a slow reference that works on the frames' text: any indexes, numbers, depth, halves of pairs."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.rawjson.test_json_text import Digits, documents, exactly, numbers, objects, texts
from worker.upstream.reading import Reading

indexes = st.sampled_from(["0", "0", "1", "2", "5", "-1", "1000000", "18446744073709551617"])
kinds = st.sampled_from(["text", "thinking", "tool_use", "server_tool_use", "hologram"])
usages = st.lists(
    st.tuples(st.sampled_from(['"input_tokens"', '"output_tokens"', '"odd"', '"other"']), numbers | documents),
    max_size=4,
).map(lambda found: "{" + ",".join(f"{name}:{value}" for name, value in found) + "}")


@st.composite
def blocks(draw: st.DrawFn) -> list[str]:
    """The events of one block."""
    index, kind = draw(indexes), draw(kinds)
    more = draw(st.sampled_from(["", ""]) | documents.map(lambda value: f',"future":{value}'))
    begun = {"text": ',"text":""', "thinking": ',"thinking":"","signature":""'}.get(kind, ',"id":"t","input":{}')
    events = [f'{{"type":"content_block_start","index":{index},"content_block":{{"type":"{kind}"{begun}{more}}}}}']
    if kind == "hologram":
        deltas = ['{"type":"hologram_delta","light":1}']
    elif kind in ("text", "thinking"):
        parts = draw(st.lists(texts, max_size=4))
        deltas = [f'{{"type":"{kind}_delta","{kind}":{part}}}' for part in parts]
        if kind == "text":
            citations = draw(st.lists(documents, max_size=2))
            deltas += [f'{{"type":"citations_delta","citation":{citation}}}' for citation in citations]
    else:
        told = draw(objects | st.just('{"a":' * 260 + "1.50" + "}" * 260))
        cut = draw(st.integers(0, len(told)))
        deltas = [
            json.dumps({"type": "input_json_delta", "partial_json": part}) for part in (told[:cut], told[cut:]) if part
        ]
    events += [f'{{"type":"content_block_delta","index":{index},"delta":{delta}}}' for delta in deltas]
    return events


@st.composite
def streams(draw: st.DrawFn) -> list[str]:
    """The data of a message's events: blocks one after the other, or through one another."""
    start = f'{{"id":"m","content":[],"model":"x","stop_reason":null,"usage":{draw(usages)}}}'
    several = draw(st.lists(blocks(), max_size=4))
    if draw(st.booleans()):
        events = [event for block in several for event in block]
    else:
        events = []
        while several := [block for block in several if block]:
            events.append(several[draw(st.integers(0, len(several) - 1))].pop(0))
    reason = draw(st.sampled_from(['"end_turn"', "null", "7"]) | documents)
    done = (
        f'{{"type":"message_delta","delta":{{"stop_reason":{reason},"new":{draw(documents)}}},"usage":{draw(usages)}}}'
    )
    return [f'{{"type":"message_start","message":{start}}}', *events, done, '{"type":"message_stop"}']


def expected(told: list[bytes]) -> Any:  # noqa: C901  # the book is one table
    """The Message by the book, from the frames' data."""
    start: dict[str, Any] = {}
    found: list[tuple[int, dict[str, Any]]] = []
    by_index: dict[int, dict[str, Any]] = {}
    inputs: dict[int, str] = {}
    for data in told:
        event = exactly(data)
        index = int(event.get("index", 0))
        match event["type"]:
            case "message_start":
                start = event["message"]
            case "content_block_start":
                block = by_index[index] = event["content_block"]
                found.append((index, block))
            case "content_block_delta":
                block, delta = by_index[index], event["delta"]
                match delta["type"], block["type"]:
                    case ("text_delta", "text") | ("thinking_delta", "thinking"):
                        block[block["type"]] += delta[block["type"]]
                    case "input_json_delta", "tool_use" | "server_tool_use":
                        inputs[id(block)] = inputs.get(id(block), "") + delta["partial_json"]
                    case "citations_delta", "text":
                        block["citations"] = [*(block.get("citations") or []), delta["citation"]]
            case "message_delta":
                start["stop_reason"] = event["delta"]["stop_reason"]
                start |= {name: value for name, value in event["delta"].items() if value is not None or name in start}
                start["usage"] |= {name: value for name, value in event["usage"].items() if value is not None}
    for _, block in found:
        if told_input := inputs.get(id(block)):
            try:
                block["input"] = exactly(told_input)
            except ValueError:
                block["input"] = Digits("anything: two inputs that met in one block")
    return start | {"content": [block for _, block in sorted(found, key=lambda pair: pair[0])]}


@given(streams())
@settings(max_examples=80, deadline=None)
def test_the_message_is_what_the_frames_say(events: list[str]) -> None:
    put: list[bytes] = []
    reading = Reading(lambda _, data: put.append(data), lambda: None, lambda: 0.0, lambda: None)
    body = "".join(f"event: {json.loads(data)['type']}\ndata: {data}\n\n" for data in one_line(events))
    assert reading.feed(body.encode())
    made, wanted = reading.message.json(), expected(put)
    assert made is not None
    for block, other in zip(exactly(made)["content"], wanted["content"], strict=True):
        if isinstance(other.get("input"), Digits):
            other["input"] = block["input"]
    assert whole(exactly(made)) == whole(wanted)


def one_line(events: list[str]) -> list[str]:
    """White space within values that is no part of them, without the line ends of SSE."""
    return [event.replace("\n", " ") for event in events]


def whole(value: Any) -> Any:
    """With halves of pairs that met as what they are together."""
    if isinstance(value, dict):
        return {whole(name): whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, str) and not isinstance(value, Digits):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return value
