"""What is the same to whoever looks for it, and what stands around it."""

from __future__ import annotations

import unicodedata
from typing import Any

import orjson
import pytest

from app.faces.conversations.listed.matching import MARKS, PART, PART_COMPOSED, Match, excerpt, folded, match_of


def never() -> bool:
    return False


def kept(message_id: str, *texts: str, **more: Any) -> bytes:
    blocks = [{"type": "text", "text": text} for text in texts]
    return orjson.dumps({"id": message_id, "role": "user", "content": blocks, **more})


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("The MOON pulls", "moon"),
        ("Straße", "STRASSE"),
        ("cafe\u0301", "café"),
        ("CAFÉ", "cafe\u0301"),
        ("ﬁne", "fine"),
        ("İstanbul", "i\u0307stanbul"),
        ("two\n\n  lines", "two lines"),
        ("two   words", "two words"),
        ("two words", "two   words"),
        ("é\u00a0 two", "É two"),
        ('a "quoted" \\ thing', '"quoted" \\'),
        ("海と月", "と月"),
    ],
)
def test_letters_are_the_same_whatever_their_case_and_composition(text: str, query: str) -> None:
    assert excerpt(text, folded(query), never) is not None
    assert excerpt(text, folded(query + "x"), never) is None


def test_what_stands_around_it_is_one_line_with_the_place_in_it() -> None:
    text = "before " * 50 + "\n\nthe NEEDLE\n\n" + "behind " * 50
    found = excerpt(text, "needle", never) or ""
    assert found.startswith("…")
    assert found.endswith("…")
    assert "before the NEEDLE behind" in found
    assert len(found) < 170
    assert excerpt("short needle", "needle", never) == "short needle"


@pytest.mark.parametrize("letters", ["x", "ß", "\ufb01\u0301"])
@pytest.mark.parametrize("place", [0, PART - 3, PART, 3 * PART + 17])
def test_it_is_found_wherever_it_stands_in_a_long_text(letters: str, place: int) -> None:
    text = (letters * place)[:place] + " needle in it " + letters * 2 * PART
    assert "needle in it" in (excerpt(text, "needle in it", never) or "")


@pytest.mark.parametrize("gap", [" " * 1000, "\n" * 1000, "\u0301\u0323" * 500 + " "])
def test_what_stands_around_it_has_it_whatever_stands_before(gap: str) -> None:
    assert "a needle" in (excerpt(f"{gap}a needle {gap}", "needle", never) or "")


@pytest.mark.parametrize("marks", ["\u0301\u0323", "\uff9e\u0323", "\u0f73\u0323"])
def test_no_letter_has_more_marks_than_a_language_puts_on_it(marks: str) -> None:
    # To put n of them into their order takes n² steps, in one call of C.
    text = "a" + marks * 1000
    assert MARKS // 2 <= len(folded(text)) <= 3 * MARKS
    assert excerpt(text + "b needle", "needle", never) is not None
    within = "a" + marks * (MARKS // 4)
    assert folded(within) == unicodedata.normalize("NFKC", within)


@pytest.mark.parametrize(("letter", "part"), [("x", PART), ("é", PART_COMPOSED)])
def test_between_two_parts_it_is_asked_whether_there_is_time_for_more(letter: str, part: int) -> None:
    answers = iter([False, True])
    with pytest.raises(TimeoutError):
        excerpt(letter * 5 * part, "needle", lambda: next(answers))
    assert next(answers, None) is None
    assert excerpt(letter * part, "needle", lambda: True) is None, "what is begun with is looked at"
    with pytest.raises(TimeoutError):
        match_of(None, [kept("a", "x"), kept("b", "needle")], "needle", lambda: True)


def test_title_first_and_then_the_first_message_that_says_it() -> None:
    messages = [kept("a", "hello"), kept("b", "the", "Moon"), kept("c", "moon")]
    assert match_of("A Moon", messages, "moon", never) == Match(None, "A Moon")
    assert match_of(None, messages, "moon", never) == Match("b", "Moon")
    assert match_of("x", messages, "sun", never) is None
    assert match_of(None, [kept("a", "moon", continues="b")], "moon", never) is None
    odd = [orjson.dumps({"id": "a", "role": "user", "content": content}) for content in (None, [], [{"type": "text"}])]
    assert match_of(None, odd, "moon", never) is None
