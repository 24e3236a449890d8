from __future__ import annotations

import pytest

from app.dev.simulator.faults import Ending, Rest
from app.dev.simulator.replaying.recording import Fault, Recording, RecordingError, recordings, steps
from app.dev.simulator.reply import Pace

START, DELTA = b"event: message_start\ndata: {}\n\n", b"event: content_block_delta\ndata: {}\n\n"


def played(recording: Recording, fault: Fault | None = None) -> tuple[bytes, list[object]]:
    found = list(steps(recording, fault))
    return b"".join(one[0] for one in found if isinstance(one, tuple)), [
        one for one in found if not isinstance(one, tuple)
    ]


@pytest.mark.parametrize(
    "file", [START + DELTA, START + DELTA[:-1], b"\xef\xbb\xbf: x\r\n\r\n" + DELTA.replace(b"\n", b"\r\n")]
)
def test_a_byte_of_the_file_is_a_byte_on_the_wire(file: bytes) -> None:
    (only,) = recordings(file)
    assert played(only) == (file, [])


def test_each_start_of_a_message_is_another_call_s() -> None:
    first, second = recordings(START + DELTA + START)
    assert (played(first)[0], played(second)[0]) == (START + DELTA, START)


def test_it_comes_as_it_was_recorded_unless_another_pace_is_asked_for() -> None:
    usual = Pace(7, 7)
    (timed,) = recordings(b": first_ms=500 total_ms=2500\n\n" + START + DELTA * 5)
    assert played(timed)[0] == START + DELTA * 5
    assert (timed.pace(None, usual), timed.pace(Pace(1, 0), usual)) == (Pace(2.0, 0.5), Pace(1, 0))
    (untimed,) = recordings(START)
    assert untimed.pace(None, usual) == usual


@pytest.mark.parametrize("share", [0.0, 0.37, 0.5, 1.0])
def test_a_cut_is_at_its_byte_and_a_silence_comes_before_it(share: float) -> None:
    file = START + DELTA * 3
    (only,) = recordings(file)
    rest = Rest(20.0, pings=False)
    assert played(only, Fault(cut=share)) == (file[: int(len(file) * share)], [Ending.RESET])
    assert played(only, Fault(cut=share, stall=20.0)) == (file[: int(len(file) * share)], [rest, Ending.RESET])
    assert played(only, Fault(stall=20.0)) == (file, [rest])


@pytest.mark.parametrize("file", [b"", b": only a comment\n\n", b"not a stream at all"])
def test_a_file_without_an_event_is_none(file: bytes) -> None:
    with pytest.raises(RecordingError):
        recordings(file)
