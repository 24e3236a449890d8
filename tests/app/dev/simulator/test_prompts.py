import json
from contextlib import suppress

from hypothesis import given
from hypothesis.strategies import text

from app.dev.simulator.prompts import DirectiveError, parse
from tests.app.dev.simulator.claude import said


@given(text())
def test_any_text_can_be_dictated(words: str) -> None:
    quoted = json.dumps(words)
    assert said(f"before [[sim: text={quoted} tag=x]] after") == words


@given(text(alphabet='[]sim: ="\\a1\n-', max_size=60))
def test_whatever_stands_in_a_directive_is_read_or_refused(noise: str) -> None:
    with suppress(DirectiveError):
        parse(f"[[sim:{noise}]]")
