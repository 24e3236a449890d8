"""Tools that a worker runs, by a whole worker against a real Valkey and the simulated Claude."""

from __future__ import annotations

import orjson

from app.stream.frames import Frame
from tests.worker.workshop import Stream, Workshop

CLOCK: dict[str, bytes] = {"tools": b'["clock","calculator"]', "max_turns": b"10"}


def data(frame: Frame) -> dict[str, object]:
    return dict(orjson.loads(frame.data))


def starts(stream: Stream) -> int:
    return stream.names.count("message_start")


async def test_a_turn_with_a_tool_is_followed_by_its_result_and_the_next_turn(shop: Workshop) -> None:
    async with shop.worker():
        stream = await shop.run("[[sim: tool=clock tag=one-tool]]", **CLOCK)
    assert stream.outcome == "completed"
    at = stream.names.index("relay.tool")
    assert stream.names[at - 1] == "message_stop"
    assert stream.names[at + 1] == "message_start"
    assert starts(stream) == 2
    (end,) = stream.data("relay.end")
    assert (end["turns"], end["attempts"], end["stop_reason"]) == (2, 2, "end_turn")
    (result,) = stream.data("relay.tool")
    assert (result["name"], result["is_error"]) == ("clock", False)
    assert result["content"] in orjson.dumps(stream.text).decode().replace("\\n", "\n").replace("\\", "") or stream.text
    assert (await shop.calls("one-tool"))["calls"] == 2
