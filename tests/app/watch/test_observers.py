from __future__ import annotations

import pytest

from app.stream.observing import Event, RedisUnbounded, TaskFell, tell
from app.watch.observers import observed
from tests.harness.heard import LOGGED, Heard

FIRST, SECOND = RedisUnbounded(), TaskFell("sweep", "KeyError")


class Raises:
    def told(self, event: Event) -> None:  # noqa: ARG002
        raise KeyError("secret")


def test_all_hear_what_is_told_in_its_order() -> None:
    one, other = Heard(), Heard()
    with observed(one, other):
        tell(FIRST)
        tell(SECOND)
    assert one.events == other.events == [FIRST, SECOND]


def test_one_that_raises_is_nobody_elses_trouble_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    one, other = Heard(), Heard()
    with observed(one, Raises(), other, log=LOGGED) as observers:
        tell(FIRST)
        tell(SECOND)
    assert one.events == other.events == [FIRST, SECOND]
    assert len(caplog.messages) == 1
    assert 'observer.failed observer=Raises error=KeyError place="told (' in caplog.text
    assert "secret" not in caplog.text
    assert observers.failures == 2


def test_outside_those_hear_who_heard_before() -> None:
    outer, inner = Heard(), Heard()
    with observed(outer):
        with observed(inner):
            tell(FIRST)
        tell(SECOND)
    assert (outer.events, inner.events) == ([SECOND], [FIRST])


def test_where_nobody_listens_nothing_is_told() -> None:
    with observed():
        tell(FIRST)
