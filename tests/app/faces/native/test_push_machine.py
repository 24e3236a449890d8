"""Whatever happens to a reader's connection, in whatever order: the log reaches the socket, once, in its order."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import (
    run_state_machine_as_test,
)

from app.faces.native import push, view
from app.fanout import audience, catchup, parts, splice
from app.fanout import tail as tails
from app.http.connection import sockets
from tests.app.faces.native.connection import Connection
from tests.app.faces.native.wires import A_LONG_WORD, A_LONG_WORD_SAID, PART
from tests.long import examples

WINDOW = 100
STEPS = 40


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame of a few hundred bytes is large, and nobody waits for long."""
    for module, name, value in (
        (parts, "PART_BYTES", PART),
        (audience, "PIECE_BYTES", PART),
        (push, "READ_BYTES", 4 * PART),
        (push, "SLOW_READ_BYTES", PART),
        (push, "PROBE_SECONDS", 0.001),
        (push, "beside", lambda said: A_LONG_WORD_SAID if said == A_LONG_WORD else view.beside(said)),
        (sockets, "TRANSPORT_BYTES", PART),
        (splice, "WINDOW_BYTES", WINDOW),
        (catchup, "RETRY_SECONDS", 0.001),
        (catchup, "AGAIN_SECONDS", 0.001),
        (tails, "REGROW_SECONDS", 0.0),
    ):
        monkeypatch.setattr(module, name, value)


@pytest.mark.parametrize("many", examples(120))
def test_what_reaches_the_socket_is_the_log(many: int) -> None:
    run_state_machine_as_test(Connection, settings=settings(max_examples=many, stateful_step_count=STEPS))


@pytest.mark.parametrize("says", ["it_is_pinged", "half-close", "leave"])
@pytest.mark.parametrize("heard", ["live", "read"])
def test_nothing_is_said_behind_the_ending_while_the_log_is_asked_whether_it_is(says: str, heard: str) -> None:
    machine = Connection()
    machine.a_client_comes([3], known=1, open_=True)
    machine._turn(5)
    assert machine.reader.state is push.PushState.LIVE
    if heard == "read":  # the ending is read by one that was behind, while the tail hears of it
        machine.its_transport_is_full_for_a_moment(waits=0, late=False)
    machine.answers_are_slow()
    machine.it_ends(0)
    machine._turn(5)
    if says == "half-close":
        machine.it_says_something(says)
    elif says == "leave":
        machine.the_front_drains(0)
    else:
        machine.it_is_pinged()
    machine.it_saw_the_log()
    machine.teardown()


def test_who_is_sent_away_inside_the_ending_is_told_nothing_behind_it() -> None:
    """A read for a client that stops may end anywhere, also in the ending."""
    machine = Connection()
    machine.a_client_comes([], known=0, open_=False)
    for _ in range(3):
        machine.a_new_attempt_begins()
    machine.the_tail_opens()
    machine.it_ends(0)
    machine.it_reads(PART)
    machine.answers_come()
    assert machine.reader._place.inside
    machine.the_front_drains(0)
    machine.it_reads(10 * PART)
    machine.it_saw_the_log()
    machine.teardown()
    assert machine.wire.closing
