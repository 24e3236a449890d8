"""Each error says whose fault it is: who answers for it is told from its class alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from app.stream.errors import ConversationError, KeepstreamError
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
