"""Line breaks of the file go, those that mean something stay."""

from __future__ import annotations

import re

from app.dev.simulator.answer.answers import answer_for
from app.dev.simulator.answer.words.flowing import flowing, verse
from app.dev.simulator.answer.words.texts import TEXTS


def test_a_paragraph_an_item_and_a_quotation_are_one_line() -> None:
    assert flowing("a\nb\n\n- c\n  d\n- e\n\n1. f\n   g\n\n> h\n> i\n") == "a b\n\n- c d\n- e\n\n1. f g\n\n> h i\n"


def test_headings_rows_code_and_formulas_keep_their_lines() -> None:
    for text in (
        "# a\nb\n",
        "| a |\n| - |\n| b |\n",
        "```\na\nb\n```\n",
        "$$\na\nb\n$$\n",
        "> a\n>\n> b\n",
        "---\na\n",
    ):
        assert flowing(text) == text


def test_a_verse_says_that_its_lines_are_lines() -> None:
    assert verse("> a\n> b\n>\n> c\n\n```\nd\ne\n```\n") == "> a  \n> b\n>\n> c\n\n```\nd\ne\n```\n"


def test_no_answer_breaks_a_line_in_the_middle_of_a_sentence() -> None:
    asked = [*(text.keywords[0] for text in TEXTS), "Who was Ada Lovelace?", "<script>", "_"]
    for question in asked:
        prose = re.sub(
            r"```.*?```|\$\$.*?\$\$", "", answer_for([{"role": "user", "content": question}]), flags=re.DOTALL
        )
        assert not re.search(r"[a-z,]\n[a-z]", prose), question


def test_a_question_that_nothing_answers_is_said_again_in_plain_words() -> None:
    for asked, subject in (
        ("Who was Ada Lovelace?", "Ada Lovelace"),
        ("Tell me about the Etruscans. And more", "Etruscans"),
        ("<img src=x> *really*", "img src x really"),
        ("\ud800", "this"),
        ("word " * 99, "word word"),
    ):
        answer = answer_for([{"role": "user", "content": asked}])
        assert f"You asked about *{subject}" in answer
        assert answer.startswith(f"## {subject[0].upper()}")
        assert "<" not in answer
