from __future__ import annotations

from app.dev.simulator.faults import Ending
from app.dev.simulator.replaying.recording import Fault, recordings
from app.dev.simulator.replaying.replay import Replay
from app.dev.simulator.reply import Pace

SAY = [{"role": "user", "content": "hello"}]


def message(word: bytes) -> bytes:
    return b"event: message_start\ndata: {}\n\ndata: %b\n\n" % word


def results(tool_use_id: object) -> list[dict[str, object]]:
    return [*SAY, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": tool_use_id}]}]


def answer(replay: Replay, messages: list[dict[str, object]]) -> bytes:
    found = list(replay.answer(messages, Pace())[0])
    return b"".join(step[0] if isinstance(step, tuple) else str(step).encode() for step in found)


def test_calls_take_the_files_in_turn() -> None:
    replay = Replay([recordings(message(b"1")), recordings(message(b"2"))])
    assert [answer(replay, SAY) for _ in range(3)] == [message(b"1"), message(b"2"), message(b"1")]


def test_results_of_a_recorded_call_bring_what_followed_it_whoever_else_calls() -> None:
    replay = Replay(
        [recordings(message(b'"toolu_1"') + message(b"then")), recordings(message(b'"toolu_2"') + message(b"2"))]
    )
    assert answer(replay, results("toolu_2")) == message(b"2")
    assert answer(replay, SAY) == message(b'"toolu_1"')
    assert answer(replay, results("toolu_1")) == message(b"then")
    assert answer(replay, results(["odd"])) == message(b'"toolu_2"')


def test_it_goes_wrong_as_often_as_asked() -> None:
    replay = Replay([recordings(message(b"1"))], fault=Fault(cut=0.0), times=2)
    assert [answer(replay, SAY) for _ in range(3)] == [str(Ending.RESET).encode()] * 2 + [message(b"1")]
