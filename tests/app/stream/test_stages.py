"""The table of a stream's stages: what it allows, what it refuses, and the picture of it in the docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stream.stages import WAYS, Cause, NoWayError, Stage, When, picture, way
from tests.pictures import stages

ARCHITECTURE = Path(__file__).parents[3] / "app/docs/architecture.md"

conditions = st.sets(st.sampled_from(When))


def test_the_first_way_whose_condition_is_met_is_gone() -> None:
    assert way(Stage.CONTENT, Cause.FAILURE, {When.KEPT, When.SPENT}).when is When.KEPT
    assert way(Stage.CONTENT, Cause.FAILURE, {When.SPENT}).when is When.SPENT
    assert way(Stage.CONTENT, Cause.FAILURE).to is Stage.BETWEEN


def test_what_is_not_in_the_table_is_an_error() -> None:
    with pytest.raises(NoWayError, match="waiting: the message is complete"):
        way(Stage.WAITING, Cause.MESSAGE)


@given(st.sampled_from(Cause), conditions)
def test_nothing_follows_the_ending(cause: Cause, met: set[When]) -> None:
    with pytest.raises(NoWayError):
        way(Stage.ENDED, cause, met)


@given(st.sampled_from(sorted(set(Stage) - {Stage.ENDED})), conditions)
def test_whoever_cancels_an_unended_stream_ends_it(stage: Stage, met: set[When]) -> None:
    assert way(stage, Cause.CANCEL, met).to is way(stage, Cause.EXPIRY, met).to is Stage.ENDED


def test_no_row_is_hidden_by_another() -> None:
    """Two rows of one cause that lead on from one stage differ in their conditions, and the one without is the last."""
    for stage in Stage:
        for cause in Cause:
            whens = [one.when for one in WAYS if stage in one.at and one.cause is cause]
            assert len(whens) == len(set(whens))
            assert When.ALWAYS not in whens[:-1]


def test_the_docs_show_the_table() -> None:
    _, rest = re.split("<!-- stages: .+ -->\n", ARCHITECTURE.read_text())
    shown, _, _ = rest.partition("<!-- /stages -->")
    assert shown == f"```mermaid\n{picture()}```\n", "print(app.stream.stages.picture()) is what belongs there"


def test_the_drawing_is_the_table_s() -> None:
    assert stages.PICTURE.read_text() == stages.draw(), "python -m tests.pictures.stages draws it anew"
    assert set(stages.AT) == set(Stage)
