from __future__ import annotations

import dataclasses

import pytest

from app.stream.observing import Event
from app.watch.events.of_processes import Fault
from app.watch.events.subjects import OTHER, Subject, request_ids, subject, word
from tests.app.watch.vocabulary import EXAMPLES, kinds, types_of

# What design says is told, by its names.
NAMES = """
    Submitted Refused Claimed Held CallStarted FirstContent Silent Retried Restarted TakenOver ToolRan CancelAsked Ended
    ReaderJoined ReaderLeft ReaderReset TailRepaired
    AppendRefused LeaseLost WorkerGone Draining RedisAway RedisBack KeysReloaded LimitsReloaded
"""


@pytest.mark.parametrize("kind", kinds())
def test_an_event_cannot_be_changed_and_has_no_room_for_more(kind: type[Event]) -> None:
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__dict__" not in dir(kind)


@pytest.mark.parametrize("kind", kinds())
def test_an_event_has_ids_words_numbers_and_nothing_else(kind: type[Event]) -> None:
    assert [(name, of) for name, of in types_of(kind) if of not in EXAMPLES] == []


@pytest.mark.parametrize("kind", kinds())
def test_times_say_their_unit(kind: type[Event]) -> None:
    times = [name for name, of in types_of(kind) if of in (float, float | None) and name != "cost_usd"]
    assert [name for name in times if not name.endswith("seconds")] == []


def test_there_is_an_event_of_each_name_and_no_name_twice() -> None:
    names = [kind.__name__ for kind in kinds()]
    assert set(NAMES.split()) <= set(names)
    assert len(set(names)) == len(names)


def test_a_fault_is_told_by_its_class_and_place() -> None:
    try:
        request_ids.get().index("secret")
    except ValueError as error:
        fault = Fault.met("looking", error, subject("st_1"))
    assert (fault.doing, fault.error, fault.of) == ("looking", "ValueError", Subject("st_1"))
    assert "test_events.py" in fault.place
    assert "secret" not in repr(fault)


def test_who_tells_within_a_request_need_not_be_handed_its_ids() -> None:
    token = request_ids.set(("req_1", "theirs"))
    try:
        assert subject("st_1", "me") == Subject("st_1", "me", "req_1", "theirs")
    finally:
        request_ids.reset(token)
    assert subject("st_1") == Subject("st_1")


@pytest.mark.parametrize("name", ["claude-sonnet-5", "us.anthropic.claude@v1:0", "overloaded_error", ""])
def test_a_name_is_told(name: str) -> None:
    assert word(name) == name


@pytest.mark.parametrize("text", ["a sentence", "x" * 101, "naïve", "a\nb", "-x", "secret=1"])
def test_what_is_no_name_is_not(text: str) -> None:
    assert word(text) == OTHER
