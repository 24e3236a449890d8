"""What is asked again of a model whose answer did not fit: beside what the client sent, and at its place."""

from __future__ import annotations

import orjson

from worker.life.asking.repair import Repair, repair_of, with_repair
from worker.life.tooling.turns import Turns, result_data

CLIENTS = b'[{"role": "user", "content": "hi"}]'


def message(*blocks: dict[str, object]) -> bytes:
    return orjson.dumps({"id": "msg_1", "role": "assistant", "content": list(blocks)})


def said(text: str) -> dict[str, object]:
    return {"type": "text", "text": text}


def told(repair: Repair, turns: Turns | None = None) -> list[tuple[str, list[dict[str, object]]]]:
    members = with_repair({"model": b'"m"', "messages": CLIENTS}, repair, turns or Turns())
    assert members["model"] == b'"m"'
    assert members["messages"].startswith(CLIENTS[:-1])  # as it was sent
    return [(one["role"], one["content"]) for one in orjson.loads(members["messages"])[1:]]


def test_the_answer_and_what_is_wrong_with_it_are_told_behind_the_prompt() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    (first, second) = told(Repair().again(message(thought, said('{"a":1}')), '/a: 1 is not of type "string"', 0))
    assert first == ("assistant", [thought, said('{"a":1}')])
    role, [block] = second
    assert (role, block["type"]) == ("user", "text")
    assert '\n\n/a: 1 is not of type "string"\n\n' in str(block["text"])


def test_an_answer_without_a_word_is_not_sent_back() -> None:
    [(role, _)] = told(Repair().again(message(said("")), "it is no JSON", 0))
    assert role == "user"


def test_it_stands_among_the_turns_where_it_was_said() -> None:
    call = {"type": "tool_use", "id": "tu_1", "name": "clock", "input": {}}
    result = result_data("tu_1", "clock", b'"noon"', is_error=False, elapsed_ms=1)
    later = {"type": "tool_use", "id": "tu_2", "name": "clock", "input": {}}
    turns = Turns(3, (message(call), message(later)), {"tu_1": result, "tu_2": result})
    found = told(Repair().again(message(said("no")), "wrong", 1), turns)
    kinds = [(role, [block["type"] for block in blocks]) for role, blocks in found]
    assert kinds == [
        ("assistant", ["tool_use"]),
        ("user", ["tool_result"]),
        ("assistant", ["text"]),
        ("user", ["text"]),
        ("assistant", ["tool_use"]),
        ("user", ["tool_result"]),
    ]
    assert found[2] == ("assistant", [said("no")])


def test_what_the_meta_says_of_it_is_what_the_next_holder_finds() -> None:
    repair = Repair().again(b"{}", "żółw", 0).again(message(said("x")), "y", 2)
    assert repair.made == 2
    fields = repair.fields.items()
    meta = {name: value if isinstance(value, bytes) else str(value).encode() for name, value in fields}
    assert repair_of(meta) == repair
    assert repair_of({}) == Repair()
    assert repair_of({"repairs": b"many"}).made == 0
