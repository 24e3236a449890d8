"""Each error says whose fault it is: who answers for it is told from its class alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from app.settings import Settings
from app.stream.errors import ConversationError, KeepstreamError, place_of
from tests.app.openapi import test_openapi  # noqa: F401  # with all that the front is made of

WHOSE = re.compile(r"(The client's|The operator's|The upstream's|Nobody's) (fault|doing)\b")
# What others are kinds of.
TRUNK = {KeepstreamError, ConversationError}


def kinds(of: type[KeepstreamError]) -> Iterator[type[KeepstreamError]]:
    yield of
    for kind in of.__subclasses__():
        yield from kinds(kind)


LEAVES = {kind for kind in kinds(KeepstreamError) if kind not in TRUNK and not kind.__name__.startswith("_")}


@pytest.mark.parametrize("kind", sorted(LEAVES, key=lambda kind: kind.__name__))
def test_it_says_whose_fault_it_is(kind: type[KeepstreamError]) -> None:
    assert WHOSE.match(kind.__doc__ or ""), kind


def test_the_deepest_line_of_ours_is_named() -> None:
    try:
        Settings.from_env({"KEEPSTREAM_PORT": "a secret"})
    except Exception as error:  # noqa: BLE001  # whatever it is: only its place matters
        place = place_of(error)
    assert re.fullmatch(r"\w+ \(app/environment\.py:\d+\)", place)


def test_where_none_is_ours_it_is_the_deepest_of_all() -> None:
    try:
        re.compile("(")
    except re.error as error:
        place = place_of(error)
    assert re.fullmatch(r"\w+ \(_parser\.py:\d+\)", place)


def test_what_was_never_raised_has_no_place() -> None:
    assert place_of(KeyError("secret")) == "an unknown place"
