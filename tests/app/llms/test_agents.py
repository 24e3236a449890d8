"""The skill file."""

from __future__ import annotations

import re

from app.llms import skill
from tests.app.docs.shelf import SHELF

SAID = "\n".join(page.text for page in SHELF.values())


def test_it_begins_as_a_skill_does() -> None:
    head = re.match(r"---\nname: ([a-z-]{1,64})\ndescription: (.{1,1024})\n---\n", skill())
    assert head is not None
    assert head[1] == "keepstream"


def test_all_that_it_takes_is_there() -> None:
    text = skill()
    assert "{{" not in text
    assert "POST /v1/streams" in text
    assert "relay.end" in text


def test_what_it_says_by_itself_is_named_by_the_pages() -> None:
    """Each route, event, setting and status in its own words; the rest is the pages' own."""
    own = skill().partition("## The wire")[0]
    for span in re.findall(r"`([^`\n]+)`", own):
        assert span.strip('"') in SAID or span in ("http://127.0.0.1:8000", '"relay": {"ticket": true}'), span


def test_its_examples_are_those_that_the_tests_run() -> None:
    code = re.findall(r"^```(js|python|sh)\n(.*?)^```$", skill(), re.MULTILINE | re.DOTALL)
    run = {block.code for page in SHELF.values() for block in page.blocks if block.is_run}
    assert len(code) >= 6
    assert {text for _, text in code} <= run


def test_it_is_short_enough_to_be_read() -> None:
    assert len(skill()) < 40_000
