from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from worker.rawjson.unreadable import NAME, is_wrapped, wrapped


@given(st.text())
def test_what_was_wrapped_is_known_again(told: str) -> None:
    found = orjson.loads(wrapped(told))
    assert found == {NAME: told}
    assert is_wrapped(found)


def test_other_inputs_are_what_they_are() -> None:
    assert not is_wrapped({})
    assert not is_wrapped({NAME: 1})
    assert not is_wrapped({NAME: "x", "more": 1})
