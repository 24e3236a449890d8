"""What a call used, by what the upstream told of it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.stream.ledger.usage import COUNT_MAX, Brought, Counts, Part, counts_of, parts_of, values

TOLD = b'{"input_tokens":10,"output_tokens":1}'


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({}, Counts()),
        ({"input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": 5}, Counts(3, 4, 5)),
        ({"cache_creation_input_tokens": 9}, Counts(cache_write_5m=9)),
        (
            {"cache_creation_input_tokens": 9, "cache_creation": {"ephemeral_1h_input_tokens": 4}},
            Counts(cache_write_5m=5, cache_write_1h=4),
        ),
        (
            {"cache_creation": {"ephemeral_1h_input_tokens": 4, "ephemeral_5m_input_tokens": 1}},
            Counts(cache_write_5m=1, cache_write_1h=4),
        ),
        ({"server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 7}}, Counts(searches=2)),
    ],
)
def test_tokens_are_counted_by_kind(usage: dict[str, Any], counts: Counts) -> None:
    assert counts_of(usage) == counts


@pytest.mark.parametrize("strange", [None, "7", -5, True, 1.5, [], {}, COUNT_MAX + 1, 10**30])
def test_a_strange_count_is_nothing(strange: Any) -> None:
    usage = {"input_tokens": strange, "output_tokens": 2, "cache_creation": strange, "server_tool_use": strange}
    assert counts_of(usage | {"cache_creation_input_tokens": strange}) == Counts(output=2)
    assert parts_of(usage | {"iterations": strange}) == (Part(None, Counts(output=2)),)
    assert parts_of(usage | {"iterations": [strange]}) == (Part(None, Counts(output=2)),)


def iteration(kind: str, read: int, said: int, model: str | None = None) -> dict[str, Any]:
    return {"type": kind, "input_tokens": read, "output_tokens": said} | ({"model": model} if model else {})


def test_a_compaction_and_an_advisor_come_on_top() -> None:
    told = [iteration("compaction", 180, 35), iteration("message", 23, 10), iteration("advisor_message", 5, 6, "wise")]
    assert parts_of({"input_tokens": 23, "output_tokens": 10, "iterations": told}) == (
        Part(None, Counts(180, 35)),
        Part(None, Counts(23, 10)),
        Part("wise", Counts(5, 6)),
    )


def test_what_the_iterations_leave_out_is_counted_all_the_same() -> None:
    told = [iteration("message", 20, 4)]
    usage = {"input_tokens": 23, "output_tokens": 10, "server_tool_use": {"web_search_requests": 1}}
    assert parts_of(usage | {"iterations": told}) == (Part(None, Counts(20, 4)), Part(None, Counts(3, 6, searches=1)))


def test_a_model_that_declined_before_it_said_anything_is_not_paid_where_another_one_answered() -> None:
    told = [iteration("message", 20, 0, "shy"), iteration("fallback_message", 21, 9, "bold")]
    assert parts_of({"input_tokens": 21, "output_tokens": 9, "iterations": told}) == (Part("bold", Counts(21, 9)),)
    told[0] = iteration("message", 20, 3, "shy")
    assert Part("shy", Counts(20, 3)) in parts_of({"input_tokens": 21, "output_tokens": 9, "iterations": told})


@pytest.mark.parametrize(("output_bytes", "tokens"), [(0, 1), (1, 1), (4, 1), (5, 2), (400, 100), (401, 101)])
def test_output_that_nobody_counted_is_estimated_and_never_less_than_told(output_bytes: int, tokens: int) -> None:
    brought = Brought("m", TOLD, output_bytes=output_bytes)
    assert brought.estimated
    assert orjson.loads(brought.used or b"") == {"input_tokens": 10, "output_tokens": tokens}


def test_what_was_counted_is_as_it_was_told() -> None:
    assert Brought("m", TOLD, output_bytes=4000, counted=True).used == TOLD
    assert not Brought("m", TOLD, counted=True).estimated


def test_where_nothing_was_told_there_is_nothing_to_estimate() -> None:
    assert Brought("m", None, output_bytes=9).used is None
    assert not Brought("m", None, output_bytes=9).estimated
    assert not Brought().begun


def test_who_declines_before_saying_anything_is_free() -> None:
    assert Brought("m", TOLD, "refusal", counted=True, whole=True).free
    assert not Brought("m", TOLD, "refusal", output_bytes=1, counted=True, whole=True).free
    assert not Brought("m", TOLD, "end_turn", counted=True, whole=True).free


@pytest.mark.parametrize("usage", [None, b"", b"nothing", b"[]", b'"text"'])
def test_what_is_no_use_has_no_values(usage: bytes | None) -> None:
    assert values(usage) == {}
