"""Whatever stands in a value, a line is one line, says what it is told to say, and paints nothing."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.watch.logs.opening import render_of
from app.watch.logs.rendering import Clock, Render, as_json, shown

STAMP = "2026-11-27T18:44:02.123Z"
NASTY = st.text(st.characters(categories=None) | st.sampled_from("\n\r\x1b\x7f\x85\x9b\u2028\u202e\u2066\ud800=\" '"))


def clock() -> Clock:
    return Clock(lambda: 1795805042.1239)


def fields(**more: Any) -> dict[str, Any]:
    return {"process": "front-1", "event": "stream.ended", **more}


def people(*, colour: bool = False) -> Render:
    return render_of("text", None, {"FORCE_COLOR": "1"} if colour else {})


def test_a_moment_is_told_in_utc_and_to_the_millisecond() -> None:
    now = 1795805042.1239
    one = Clock(lambda: now)
    assert (one(), one()) == (STAMP, STAMP)
    now += 60
    assert one() == "2026-11-27T18:45:02.123Z"


def test_json_is_a_line_with_when_how_grave_and_what_first() -> None:
    line = as_json(clock())(None, "info", fields(stream_id="st_1", attempts=1, cost_usd=0.5, repeated=False))
    assert line == (
        b'{"ts":"%b","level":"info","event":"stream.ended","process":"front-1","stream_id":"st_1","attempts":1,'
        b'"cost_usd":0.5,"repeated":false}\n' % STAMP.encode()
    )


@given(NASTY)
def test_no_value_gets_out_of_a_line_of_json(text: str) -> None:
    line = as_json(clock())(None, "info", fields(owner=text))
    assert re.fullmatch(rb"[ -~]+\n", line)
    assert json.loads(line)["owner"] == text


@given(NASTY)
def test_no_value_gets_out_of_a_line_for_people(text: str) -> None:
    line = people()(None, "info", fields(owner=text, outcome="x")).decode()
    assert line[:-1].isprintable()
    assert " outcome=x owner=" in line
    assert re.findall(r" (\w+)=", re.sub(r'"(\\.|[^"\\])*"', "", line)) == ["outcome", "owner"]


@given(NASTY)
def test_with_colours_nothing_else_paints(text: str) -> None:
    line = people(colour=True)(None, "error", fields(owner=text)).decode()
    assert re.sub(r"\x1b\[(0|1|2|31)m", "", line)[:-1].isprintable()


def test_people_read_words() -> None:
    told = fields(
        stream_id="st_1", owner="me", outcome="failed", why="no answer", attempts=2, repeated=True, last=False
    )
    line = people()(None, "warning", told).decode()
    stamp, _, rest = line.partition(" ")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", stamp)
    shown_first = "warning stream.ended         stream_id=st_1 outcome=failed "
    assert rest == shown_first + 'why="no answer" attempts=2 repeated=true owner=me\n'


@pytest.mark.parametrize(
    ("value", "as_shown"),
    [("st_1", "st_1"), ("a b", '"a b"'), ("", '""'), ("x=1", '"x=1"'), ('"', r'"\""'), ("é", '"é"'), (0.5, "0.5")],
)
def test_a_value_is_shown_as_it_is_where_it_cannot_be_taken_for_another(value: object, as_shown: str) -> None:
    assert shown(value) == as_shown
