"""What is the same to whoever looks for it, and what stands around it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.faces.conversations.listed.matching import PART, Match, excerpt, folded, match_of


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
        ('a "quoted" \\ thing', '"quoted" \\'),
        ("海と月", "と月"),
    ],
)
def test_letters_are_the_same_whatever_their_case_and_composition(text: str, query: str) -> None:
    assert excerpt(text, folded(query)) is not None
    assert excerpt(text, folded(query + "x")) is None


def test_what_stands_around_it_is_one_line_with_the_place_in_it() -> None:
    text = "before " * 50 + "\n\nthe NEEDLE\n\n" + "behind " * 50
    found = excerpt(text, "needle") or ""
    assert found.startswith("…")
    assert found.endswith("…")
    assert "before the NEEDLE behind" in found
    assert len(found) < 170
    assert excerpt("short needle", "needle") == "short needle"


@pytest.mark.parametrize("letters", ["x", "ß", "\ufb01\u0301"])
@pytest.mark.parametrize("place", [0, PART - 3, PART, 3 * PART + 17])
def test_it_is_found_wherever_it_stands_in_a_long_text(letters: str, place: int) -> None:
    text = (letters * place)[:place] + " needle in it " + letters * 2 * PART
    assert "needle in it" in (excerpt(text, "needle in it") or "")


def test_title_first_and_then_the_first_message_that_says_it() -> None:
    messages = [kept("a", "hello"), kept("b", "the", "Moon"), kept("c", "moon")]
    assert match_of("A Moon", messages, "moon") == Match(None, "A Moon")
    assert match_of(None, messages, "moon") == Match("b", "Moon")
    assert match_of("x", messages, "sun") is None
    assert match_of(None, [kept("a", "moon", continues="b")], "moon") is None
    odd = [orjson.dumps({"id": "a", "role": "user", "content": content}) for content in (None, [], [{"type": "text"}])]
    assert match_of(None, odd, "moon") is None
