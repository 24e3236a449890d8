"""What a label may say, whatever anybody names."""

from __future__ import annotations

import pytest

from app.watch.metrics.labels import NONE, FirstFew, class_word, one_of, status


def test_a_known_word_is_itself_and_any_other_is_other() -> None:
    assert [one_of({"end_turn"}, word) for word in ("end_turn", "st_123", "")] == ["end_turn", "other", NONE]


@pytest.mark.parametrize(
    ("code", "label"), [(200, "200"), (529, "529"), (404, "404"), (0, NONE), (799, "other"), (299, "other")]
)
def test_a_status_is_one_that_people_know(code: int, label: str) -> None:
    assert status(code) == label


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("QueueFullError", "queue_full"),
        ("LimitedError", "limited"),
        ("IdempotencyConflictError", "idempotency_conflict"),
    ],
)
def test_a_class_of_errors_is_a_word(name: str, word: str) -> None:
    assert class_word(name) == word


def test_the_first_few_are_told_apart_and_no_more() -> None:
    few = FirstFew(3)
    assert [few(f"model-{number}") for number in range(5)] == ["model-0", "model-1", "model-2", "other", "other"]
    assert few("model-1") == "model-1"


def test_what_is_no_name_takes_no_place_of_one() -> None:
    few = FirstFew(1)
    hostile = ['a"b', "a\nb", "{x}", "SECRET words", "x" * 101, "\u202e"]
    assert {few(word) for word in hostile} == {"other"}
    assert few("claude-sonnet-5") == "claude-sonnet-5"
    assert few("") == NONE
