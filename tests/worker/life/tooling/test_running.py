"""Tools that a worker runs, by a whole worker against a real Valkey and the simulated Claude."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from app.stream import keys
from tests.patience import PATIENCE
from tests.worker.life.tooling.box import asking, boxed
from tests.worker.workshop import Stream, Workshop

ONE = asking("look")


def turns(stream: Stream) -> list[str]:
    """Where turns begin and end, and what came between them."""
    shown = ("message_start", "message_stop", "relay.tool", "relay.reset", "relay.retry", "relay.end")
    return [name.removeprefix("relay.").removeprefix("message_") for name in stream.names if name in shown]


TURN = ["start", "stop"]


async def test_a_turn_with_a_tool_is_followed_by_its_result_and_the_next_turn(shop: Workshop) -> None:
    async with shop.worker():
        stream = await shop.run("[[sim: tools=clock tell tag=one-tool]]", **asking("clock", "calculator"))
    assert (stream.outcome, turns(stream)) == ("completed", [*TURN, "tool", *TURN, "end"])
    (end,), (result,) = stream.data("relay.end"), stream.data("relay.tool")
    assert (end["turns"], end["attempts"], end["stop_reason"]) == (2, 2, "end_turn")
    assert (result["name"], result["is_error"], set(result) - {"content"}) == (
        "clock",
        False,
        {"tool_use_id", "name", "is_error", "elapsed_ms"},
    )
    told = orjson.loads(stream.json("message")["content"][-1]["text"])
    assert [(one["tool_use_id"], one["content"]) for one in told] == [(result["tool_use_id"], result["content"])]
    assert (await shop.calls("one-tool"))["calls"] == 2


async def test_calls_run_at_once_and_are_told_in_their_order_whichever_comes_first(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = boxed(monkeypatch, slow=True, quick=True)
    box.hold = {"slow"}
    async with shop.worker():
        stream_id = await shop.submit("[[sim: tools=slow,quick,slow tell]]", **asking("slow", "quick"))
        await asyncio.wait_for(box.until_called(3), PATIENCE)
        await shop.until(stream_id, lambda stream: "relay.tool" in stream.names)
        box.let()
        stream = await shop.ended(stream_id)
    assert [one["name"] for one in stream.data("relay.tool")] == ["quick", "slow", "slow"]
    told = orjson.loads(stream.json("message")["content"][-1]["text"])
    assert [one["name"] for one in told] == ["slow", "quick", "slow"]
    assert len(set(box.called)) == 3


async def test_beyond_its_turns_a_stream_fails_and_what_there_is_is_kept(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = boxed(monkeypatch, look=True)
    async with shop.worker():
        stream = await shop.run("[[sim: tools=look turns=9]]", **asking("look", max_turns=2))
    assert (stream.outcome, turns(stream)) == ("failed", [*TURN, "tool", *TURN, "tool", "end"])
    assert stream.json("error")["type"] == "max_turns_error"
    assert stream.data("relay.end")[0]["turns"] == int(stream.meta["turns"]) == 2
    assert stream.json("message")["stop_reason"] == "tool_use"
    assert stream.meta["partial"] == b"1"  # nobody went on with it: it is no answer
    assert stream.meta["turn:2"] == stream.meta["message"]
    assert len(box.called) == 2


async def test_a_turn_that_calls_the_client_s_tool_too_ends_when_ours_have_run(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = boxed(monkeypatch, look=True)
    theirs = {"name": "theirs", "input_schema": {"type": "object"}}
    body = {"model": "claude-sonnet-5", "max_tokens": 500, "tools": [theirs]}

    def request(calls: str) -> bytes:
        return orjson.dumps({**body, "messages": [{"role": "user", "content": f"[[sim: tools={calls} turns=1]]"}]})

    async with shop.worker():
        both = await shop.run("", request=request("look,theirs"), **ONE)
        only = await shop.run("", request=request("theirs"), **ONE)
    assert (both.outcome, turns(both)) == ("completed", [*TURN, "tool", "end"])
    assert [one["name"] for one in both.data("relay.tool")] == ["look"]
    assert (only.outcome, turns(only)) == ("completed", [*TURN, "end"])
    for stream in (both, only):
        assert stream.data("relay.end")[0]["stop_reason"] == "tool_use"
        assert stream.data("relay.end")[0]["turns"] == 1
        assert stream.json("message")["stop_reason"] == "tool_use"
    assert len(box.called) == 1


@pytest.mark.parametrize(("cut", "outcome"), [("max-tokens", "truncated"), ("refusal", "refused")])
async def test_a_call_that_may_have_been_cut_is_not_run(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, cut: str, outcome: str
) -> None:
    box = boxed(monkeypatch, look=True)
    async with shop.worker():
        stream = await shop.run(f"[[sim: tools=look {cut}]]", **ONE)
    assert (stream.outcome, box.called) == (outcome, [])


async def test_a_paused_turn_goes_on(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    boxed(monkeypatch, look=True)
    async with shop.worker():
        stream = await shop.run("[[sim: pause-turn tokens=5 times=1]]", **ONE)
    assert (stream.outcome, turns(stream)) == ("completed", [*TURN, *TURN, "end"])
    assert stream.data("relay.end")[0]["turns"] == 2


async def test_a_tool_that_was_not_asked_for_is_never_run(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a prompt talks the model into calling."""
    box = boxed(monkeypatch, look=True, pay=False)
    async with shop.worker():
        stream = await shop.run("[[sim: tools=pay tell]]", **ONE)
    (result,) = stream.data("relay.tool")
    assert (result["is_error"], box.called) == (True, [])
    assert "no tool" in result["content"]


async def test_a_cancel_reaches_a_running_tool(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    box = boxed(monkeypatch, look=True)
    box.hold = {"look"}
    async with shop.worker():
        stream_id = await shop.submit("[[sim: tools=look]]", **ONE)
        await asyncio.wait_for(box.until_called(), PATIENCE)
        await shop.log.cancel(stream_id)
        stream = await shop.ended(stream_id)
    assert (stream.outcome, turns(stream)) == ("cancelled", [*TURN, "end"])
    assert box.cancelled == box.called
    assert stream.json("message")["stop_reason"] == "tool_use"  # people saw all of it


async def test_a_stream_whose_time_is_up_ends_its_tool(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    box = boxed(monkeypatch, look=True)
    box.hold = {"look"}
    async with shop.worker(stream_seconds_max=1.5):
        stream = await shop.run("[[sim: tools=look]]", **ONE)
    assert (stream.outcome, stream.json("error")["type"]) == ("expired", "timeout_error")
    assert box.cancelled == box.called != []


async def test_a_result_that_the_log_has_no_room_for_fails_the_stream(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = boxed(monkeypatch, look=True)
    box.content["look"] = "x" * 30_000
    async with shop.worker(max_log_bytes=20_000):
        stream = await shop.run("[[sim: tools=look]]", **ONE)
    assert (stream.outcome, turns(stream)) == ("failed", [*TURN, "end"])
    assert "MAX_LOG_BYTES" in stream.json("error")["message"]


@pytest.mark.parametrize(
    ("fault", "on_interrupt", "seen", "outcome"),
    [
        ("status=529 times=2", "restart", [*TURN, "tool", "retry", "retry", *TURN, "end"], "completed"),
        ("cut-after=1 times=1", "restart", [*TURN, "tool", "start", "reset", *TURN, "end"], "completed"),
        ("cut-after=1 times=1", "fail", [*TURN, "tool", "start", "end"], "failed"),
        ("status=529 times=2", "fail", [*TURN, "tool", "retry", "retry", *TURN, "end"], "completed"),
    ],
)
async def test_a_fault_of_a_later_turn_is_that_turn_s(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, *, fault: str, on_interrupt: str, seen: list[str], outcome: str
) -> None:
    """The turns before it stay, and no tool runs again; each turn has its own attempts."""
    box = boxed(monkeypatch, look=False)
    prompt = f"[[sim: tools=look tell]] [[sim: {fault} turn=2]] [[sim: status=529 times=2 turn=1]]"
    async with shop.worker():
        stream = await shop.run(prompt, on_interrupt=on_interrupt, **ONE)
    assert (stream.outcome, turns(stream)) == (outcome, ["retry", "retry", *seen])
    assert [reset["turn"] for reset in stream.data("relay.reset")] == [2] * seen.count("reset")
    assert stream.data("relay.end")[0]["turns"] == int(stream.meta["turns"]) == 2
    assert len(box.called) == 1
    assert ("partial" in stream.meta) is (outcome == "failed")
    if "reset" in seen:  # who has nothing yet is shown the turns before, too
        assert stream.meta.get("base", b"0") == b"0"


async def test_a_log_that_lost_its_tail_gets_the_same_bytes_and_no_tool_runs_again(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = boxed(monkeypatch, pay=False, look=True)
    box.hold = {"look"}
    async with shop.worker():
        stream_id = await shop.submit("[[sim: tools=pay;look tell]]", **asking("pay", "look"))
        await asyncio.wait_for(box.until_called(2), PATIENCE)
        log = await shop.redis.get(keys.log(stream_id))
        at = log.index(b"event: relay.tool")
        await shop.redis.set(keys.log(stream_id), log[:at], keepttl=True)
        await shop.redis.hdel(keys.meta(stream_id), "turn", "began", "turn:2", *(f"result:{one}" for one in box.called))
        box.let()
        stream = await shop.ended(stream_id)
    assert (stream.outcome, turns(stream)) == ("completed", [*TURN, "tool", *TURN, "tool", *TURN, "end"])
    assert len(box.called) == len(set(box.called)) == 2
    assert log == (await shop.redis.get(keys.log(stream_id)))[: len(log)]
    assert {"turn:1", "turn:2", *(f"result:{one}" for one in box.called)} <= stream.meta.keys()


@pytest.mark.parametrize("given", ["~", "[1]"])
async def test_a_call_whose_input_is_no_object_does_not_run_and_the_loop_goes_on(shop: Workshop, given: str) -> None:
    """Cut-off JSON would be completed to an object, and half of what was meant would be done."""
    async with shop.worker():
        stream = await shop.run(f"[[sim: tools=clock{given} tell]]", **asking("clock"))
    assert (stream.outcome, turns(stream)) == ("completed", [*TURN, "tool", *TURN, "end"])
    (result,), (told,) = stream.data("relay.tool"), orjson.loads(stream.json("message")["content"][-1]["text"])
    assert (result["is_error"], result["content"]) == (True, told["content"])
    assert "is no JSON object" in told["content"]
    assert set(told["input"]) == {"INVALID_JSON"}
