from __future__ import annotations

import orjson
import pytest

from worker.life.tooling.turns import Fields, Turns, result_data, result_of, turns_of

MESSAGE = b'{"content":[]}'


def meta_of(*fields: Fields) -> dict[str, bytes]:
    """What the meta says after these were written, one after the other."""
    found: dict[str, bytes] = {}
    for one in fields:
        found |= {name: value if isinstance(value, bytes) else str(value).encode() for name, value in one.items()}
    return found


def test_whoever_takes_over_finds_the_loop_as_it_was_left() -> None:
    """After each step: what was written leads to the same value."""
    turns, written = Turns(), [{}]
    for step in (
        lambda now: now.finish(MESSAGE),
        lambda now: now.ask("b", b"{}"),
        lambda now: now.begin(frozenset({"b", "a"})),
        lambda now: now.result("a", b'{"content":"1"}'),
        lambda now: now.result("b", b'{"content":"2"}'),
        lambda now: now.next(),
        lambda now: now.finish(MESSAGE),
    ):
        turns, fields = step(turns)
        written.append(fields)
        assert turns_of(meta_of(*written)) == turns
    assert (turns.number, len(turns.finished), turns.due, turns.readable) == (2, 2, True, True)


@pytest.mark.parametrize(
    ("meta", "number", "due", "readable"),
    [
        ({}, 1, False, True),
        ({"turn": b"x"}, 1, False, True),
        ({"turn": b"1", "turn:1": MESSAGE}, 1, True, True),
        ({"turn": b"2", "turn:1": MESSAGE}, 2, False, True),
        ({"turn": b"2", "turn:2": MESSAGE}, 2, False, False),  # one is missing that the model has to be told
        ({"turn": b"3", "turn:1": MESSAGE}, 3, False, False),
        ({"turn": b"1", "began": b"{"}, 1, False, True),
    ],
)
def test_what_cannot_be_read_is_seen(meta: dict[str, bytes], number: int, *, due: bool, readable: bool) -> None:
    found = turns_of(meta)
    assert (found.number, found.due, found.readable) == (number, due, readable)


@pytest.mark.parametrize("content", [b'"12:00"', b'[{"type":"text","text":"\\ud800 1.10"}]'])
@pytest.mark.parametrize("is_error", [True, False])
def test_a_result_is_told_the_model_as_it_stands_in_the_log(content: bytes, *, is_error: bool) -> None:
    data = result_data('t"1', "clock", content, is_error=is_error, elapsed_ms=3)
    assert (result_of(data).content, result_of(data).is_error) == (content, is_error)
    if b"ud800" not in content:
        assert list(orjson.loads(data)) == ["tool_use_id", "name", "content", "is_error", "elapsed_ms"]


def test_what_is_kept_is_counted() -> None:
    assert Turns(2, (b"12345",), {"a": b"123"}).memory_bytes == 8
