"""What goes up in a later turn: every byte that stood stays as it is."""

from __future__ import annotations

import orjson
import pytest

from worker.life.asking.asked import Asked
from worker.life.asking.compose import compose
from worker.life.asking.continuing import definition
from worker.life.tooling.turns import Turns, result_data
from worker.upstream.request import Request

ASKED = Asked(tools=("clock",), max_turns=10)
CLOCK = definition("clock", 'says "now"', b'{"type":"object"}')
BODY = b'{"model": "m", "n": 1.10000000000000000001, "messages": [ {"role":"user","content":"hi"} ]}'
THOUGHT = b'{"type":"thinking","thinking":"\\u00e9","signature":"s=="},{"type":"redacted_thinking","data":"x"}'
USE = b'{"type":"tool_use","id":"t1","name":"clock","input":{"at":1.0000000000000000009}}'


def sent(body: bytes, turns: Turns, *tools: bytes) -> bytes:
    return compose(Request("m", body, {}, ""), ASKED, tools, turns).body


def turns(*messages: bytes, **results: bytes) -> Turns:
    return Turns(len(messages) + 1, messages, results)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (BODY, ["clock"]),
        (b'{"messages":[],"tools":[]}', ["clock"]),
        (b'{"messages":[],"tools":[ {"name":"theirs","x":1.50} ]}', ["theirs", "clock"]),
    ],
)
def test_our_tools_stand_behind_the_client_s(body: bytes, names: list[str]) -> None:
    made = sent(body, Turns(), CLOCK)
    assert [tool["name"] for tool in orjson.loads(made)["tools"]] == names
    assert b"1.10000000000000000001" in made or b'"x":1.50' in made or names == ["clock"]


def test_the_turns_before_go_up_byte_for_byte_in_the_order_of_the_calls() -> None:
    second = b'{"type":"tool_use","id":"t2","name":"clock","input":{}}'
    message = b'{"role":"assistant","content":[%b,%b,%b],"stop_reason":"tool_use"}' % (THOUGHT, USE, second)
    told = turns(
        message,
        t2=result_data("t2", "clock", b'[{"type":"text","text":"12"}]', is_error=False, elapsed_ms=1),
        t1=result_data("t1", "clock", b'"no \\u2028"', is_error=True, elapsed_ms=2),
    )
    assert sent(BODY, told) == (
        b'{"model":"m","n":1.10000000000000000001,"messages":[{"role":"user","content":"hi"},'
        b'{"role":"assistant","content":[%b,%b,%b]},{"role":"user","content":['
        b'{"type":"tool_result","tool_use_id":"t1","content":"no \\u2028","is_error":true},'
        b'{"type":"tool_result","tool_use_id":"t2","content":[{"type":"text","text":"12"}]}]}]}'
    ) % (THOUGHT, USE, second)


def test_a_paused_turn_is_sent_back_without_results() -> None:
    made = orjson.loads(sent(BODY, turns(b'{"content":[{"type":"server_tool_use","id":"s"}]}')))
    assert [message["role"] for message in made["messages"]] == ["user", "assistant"]


@pytest.mark.parametrize("text", [b'""', b'" \\n"'])
def test_a_text_without_any_is_left_out_for_it_is_refused_in_a_request(text: bytes) -> None:
    made = orjson.loads(sent(BODY, turns(b'{"content":[{"type":"text","text":%b},%b]}' % (text, USE))))
    assert [block["type"] for block in made["messages"][1]["content"]] == ["tool_use"]


def test_a_turn_goes_on_in_the_container_that_it_was_given() -> None:
    message = b'{"content":[%b],"container":{"id":"c_1","expires_at":"x"}}' % USE
    assert orjson.loads(sent(BODY, turns(message)))["container"] == "c_1"
    mine = BODY[:-1] + b',"container":"c_0"}'
    assert orjson.loads(sent(mine, turns(message)))["container"] == "c_0"
