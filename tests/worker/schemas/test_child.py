"""What is asked of the process that looks at answers, and what it says."""

from __future__ import annotations

import io

import pytest

from worker.schemas.child import decoded, encoded, main
from worker.schemas.verdict import Fits, Misfit, Unusable


def test_it_answers_one_after_the_other() -> None:
    asked = io.BytesIO(b'16 1\n{"type":"array"}1' + b"4 -1\ntrue" + b"5 2\nfalse{}" + b"1 0\n[")
    said = io.BytesIO()
    main(asked, said)
    first, second, third, fourth = [decoded(line) for line in said.getvalue().splitlines()]
    assert isinstance(first, Misfit)
    assert second == Fits()
    assert isinstance(third, Misfit)
    assert isinstance(fourth, Unusable)


@pytest.mark.parametrize("verdict", [Fits(), Misfit("/a", "b", ("/a: b", "c")), Unusable("no")])
def test_what_is_said_is_what_is_understood(verdict: Fits | Misfit | Unusable) -> None:
    line = encoded(verdict)
    assert line.endswith(b"\n")
    assert decoded(line) == verdict


@pytest.mark.parametrize("line", [b"", b"null", b"[]", b'{"other": 1}', b'{"misfit": {}}'])
def test_what_it_would_not_say_is_nothing(line: bytes) -> None:
    with pytest.raises(ValueError, match="no verdict"):
        decoded(line)
