"""An answer that has to fit a schema: mended as often as was asked for, or told where it does not fit (G6)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.harness.heard import heard
from tests.worker.workshop import MODEL, Stream, Workshop
from worker.life.asking.validating import text_of

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "count": {"type": "integer"}},
    "required": ["title", "count"],
    "additionalProperties": False,
}


def asked(prompt: str, *, repair: int = 1, schema: Any = SCHEMA, **more: Any) -> dict[str, bytes]:
    body = {
        "model": MODEL,
        "max_tokens": 2000,
        "messages": [{"role": "user", "content": prompt}],
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
        **more,
    }
    return {"request": orjson.dumps(body), "validate": b"1", "repair": b"%d" % repair, "delivery": b"final"}


def ending(stream: Stream) -> dict[str, Any]:
    (end,) = stream.data("relay.end")
    return dict(end)


async def test_an_answer_that_fits_is_the_answer(shop: Workshop) -> None:
    async with shop.worker():
        stream = await shop.run("", **asked("[[sim: tag=fits]]"))
    assert (stream.outcome, ending(stream)["attempts"]) == ("completed", 1)
    assert orjson.loads(stream.text).keys() == {"title", "count"}


@pytest.mark.parametrize("broken", ["broken=1", "not-json=1"])
async def test_one_that_does_not_is_mended_by_a_call_more(shop: Workshop, broken: str) -> None:
    tag = f"mended-{broken.partition('=')[0]}"
    async with shop.worker():
        stream = await shop.run("", **asked(f"[[sim: {broken} tag={tag}]]"))
    assert stream.outcome == "completed"
    assert stream.data("relay.reset") == [{"attempt": 2, "reason": "validation_error"}]
    assert ending(stream)["attempts"] == (await shop.calls(tag))["calls"] == 2
    assert orjson.loads(stream.text).keys() == {"title", "count"}
    assert stream.json("message")["content"][0]["text"] == stream.text
    assert "partial" not in stream.meta


async def test_no_repair_is_left_and_the_place_is_told(shop: Workshop) -> None:
    async with shop.worker():
        stream = await shop.run("", **asked("[[sim: broken=9 tag=for-ever]]", repair=2))
    end = ending(stream)
    assert (end["outcome"], end["attempts"]) == ("failed", 3)
    assert end["error"]["type"] == "validation_error"
    assert end["error"]["message"].startswith("the answer does not fit its schema at ")
    assert [reset["attempt"] for reset in stream.data("relay.reset")] == [2, 3]
    assert stream.meta["partial"] == b"1"  # nobody is to take it for the answer
    assert end["cost_usd"] > 0


async def test_without_repairs_the_first_one_counts(shop: Workshop) -> None:
    async with shop.worker():
        stream = await shop.run("", **asked("[[sim: broken=1]]", repair=0))
    assert (stream.outcome, ending(stream)["attempts"], stream.data("relay.reset")) == ("failed", 1, [])


async def test_repairs_use_up_no_attempts(shop: Workshop) -> None:
    """Of two that there may be, one fails before the first answer, and one in the repair's own call."""
    prompt = "[[sim: broken=1 cut-after=2 times=2 tag=patient]]"
    async with shop.worker(max_attempts=3):
        stream = await shop.run("", **asked(prompt))
    reasons = [reset["reason"] for reset in stream.data("relay.reset")]
    assert (stream.outcome, reasons.count("validation_error")) == ("completed", 1)
    assert ending(stream)["attempts"] == 4


@pytest.mark.parametrize(
    ("prompt", "more", "outcome"),
    [
        ("[[sim: broken=9 max_tokens tokens=3]]", {}, "truncated"),
        ("[[sim: broken=9 refusal]]", {}, "refused"),
        ("[[sim: broken=9 tool=look]]", {"tools": [{"name": "look", "input_schema": {"type": "object"}}]}, "completed"),
    ],
)
async def test_what_is_no_whole_answer_is_not_looked_at(
    shop: Workshop, prompt: str, more: dict[str, Any], outcome: str
) -> None:
    async with shop.worker():
        stream = await shop.run("", **asked(prompt, **more))
    assert (stream.outcome, stream.data("relay.reset")) == (outcome, [])


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "objekt"}, "/type"),
        ({"$ref": "http://127.0.0.1:9/other.json"}, "Retrieval is disabled"),
        ({"type": "object", "description": "x" * 70_000}, "64 KiB"),
    ],
)
async def test_a_schema_that_nothing_can_be_held_against_is_told_before_anything_is_paid(
    shop: Workshop, schema: Any, why: str
) -> None:
    async with shop.worker():
        stream = await shop.run("", **asked("[[sim: tag=unpaid]]", schema=schema))
    end = ending(stream)
    assert (end["outcome"], end["error"]["type"], end["attempts"]) == ("failed", "validation_error", 0)
    assert end["error"]["message"].startswith("relay.validate: ")
    assert why in end["error"]["message"]
    assert (await shop.calls("unpaid"))["calls"] == 0


async def test_who_takes_over_goes_on_at_the_right_repair(shop: Workshop) -> None:
    """The first worker drains in the middle of the repair's call."""
    fields = asked("[[sim: broken=1 tokens=30 rate=50 tag=handed]]", repair=1)
    async with shop.worker() as first:
        stream_id = await shop.submit("", **fields)
        await shop.until(stream_id, lambda stream: stream.data("relay.reset") and stream.names[-1] != "relay.reset")
        first.pool.stop_taking()
        for lease in list(first.pool.leases.values()):
            lease.life.hand_over()
        await first.pool.empty()
        assert (await shop.look(stream_id)).meta["repairs"] == b"1"
    async with shop.worker():
        stream = await shop.ended(stream_id)
    assert stream.outcome == "completed"
    assert [reset["reason"] for reset in stream.data("relay.reset")] == ["validation_error", "worker_drained"]


async def test_what_is_told_to_who_watches_quotes_nothing(shop: Workshop) -> None:
    with heard() as events:
        async with shop.worker():
            stream = await shop.run("", **asked("[[sim: broken=9]]", repair=1))
    told = repr(events)
    assert len(stream.text) > 5
    assert stream.text not in told
    assert ending(stream)["error"]["message"] not in told
    assert "the answer does not fit its schema" in told
    assert "validation_error" in told


def test_what_is_said_is_all_text_of_a_message() -> None:
    blocks = [
        {"type": "thinking", "thinking": "[", "signature": "s"},
        {"type": "text", "text": '{"a":'},
        {"type": "tool_use", "id": "tu_1", "name": "n", "input": {"text": "no"}},
        {"type": "text", "text": "1}"},
        {"type": "text", "text": 5},
    ]
    assert text_of(orjson.dumps({"content": blocks})) == b'{"a":1}'
    assert text_of(b"{}") == b""


async def test_of_a_loop_of_tools_the_last_turn_is_held_against_the_schema(shop: Workshop) -> None:
    """And what mends it may call a tool as well."""
    fields = {**asked("[[sim: tools=clock broken=2 tag=loop]]"), "tools": b'["clock"]', "max_turns": b"5"}
    async with shop.worker():
        stream = await shop.run("", **fields)
    assert stream.outcome == "completed"
    told = [name for name in stream.names if str(name).startswith("relay.")]
    assert told == ["relay.tool", "relay.reset", "relay.tool", "relay.end"]
    assert stream.data("relay.reset") == [{"attempt": 3, "reason": "validation_error", "turn": 2}]
    assert (ending(stream)["turns"], ending(stream)["attempts"]) == (3, 4)
    said = stream.json("message")["content"][0]["text"]
    assert orjson.loads(said).keys() == {"title", "count"}
