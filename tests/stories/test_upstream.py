"""An upstream that misbehaves: tried again where nothing was seen, restarted or failed elsewhere (G6, G7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from app.dev.simulator import answer_for
from app.stream import frames
from tests.harness.api import Api, names_of
from tests.harness.cluster import Cluster
from tests.long import some_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAX_ATTEMPTS = 3


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[Api]:
    settings = {
        "stall_timeout": 1,
        "silent_timeout": 1.4,
        "retry_wait_max": 3,
        "stream_seconds_max": 8,
        "max_log_bytes": 2_000_000,
    }
    async with Cluster(max_attempts=MAX_ATTEMPTS, **settings) as cluster:
        api = Api(cluster)
        yield api
        await api.close()


async def ended(api: Api, text: str, **relay: Any) -> tuple[dict[str, Any], list[str | None], str]:
    """A stream's ending, the names of its log's frames, and the text a reader has in the end."""
    stream_id = await api.submit(text, **relay)
    sight = await api.see(stream_id)
    assert sight.end is not None
    return sight.end, names_of(await api.log(stream_id)), sight.text()


def answer(text: str) -> str:
    return answer_for([{"role": "user", "content": text}])


@pytest.mark.parametrize(
    "fault",
    some_of(
        [
            "status=529 times=1",
            "status=500 times=1",
            "status=503 should-retry=true times=1",
            "cut-head times=1",
            "error-after=0 times=1",
            "stall-after=0 times=1",
            "pings-after=0 times=1",
            "mute=3 times=1",
            "forged-after=0 times=1",
        ],
        3,
    ),
)
async def test_what_fails_before_any_content_is_tried_again_and_readers_are_told(api: Api, fault: str) -> None:
    text = f"[[sim: {fault}]] [[sim: tokens=5 rate=0 first=0]] {fault}"
    end, names, seen = await ended(api, text)
    assert (end["outcome"], end["attempts"], seen) == ("completed", 2, answer(text))
    assert names.count("relay.retry") == 1
    assert names.count("message_start") == 1
    assert "relay.reset" not in names


@pytest.mark.parametrize("wait", some_of(["retry-after=1", "retry-after-ms=50"], 1))
async def test_a_refused_call_is_told_and_is_no_attempt(api: Api, wait: str) -> None:
    text = f"[[sim: status=429 {wait} times=1]] [[sim: tokens=5 rate=0 first=0]] {wait}"
    end, names, seen = await ended(api, text)
    assert (end["outcome"], end["attempts"], seen) == ("completed", 1, answer(text))
    assert names.count("relay.retry") == 1
    assert names.count("message_start") == 1
    assert "relay.reset" not in names


@pytest.mark.parametrize(
    "fault", some_of(["cut", "end", "error", "bad-json", "bad-utf8", "forged", "stall", "pings"], 3)
)
async def test_what_fails_after_content_begins_again_from_scratch(api: Api, fault: str) -> None:
    text = f"[[sim: {fault}-after=4 times=1]] [[sim: tokens=9 rate=0 first=0]]"
    end, names, seen = await ended(api, text)
    assert (end["outcome"], end["attempts"], seen) == ("completed", 2, answer(text))
    assert names.count("relay.reset") == 1


@pytest.mark.parametrize(
    "fault", some_of(["cut", "end", "error", "bad-json", "bad-utf8", "forged", "stall", "pings"], 2)
)
async def test_or_fails_where_the_stream_asks_for_it(api: Api, fault: str) -> None:
    text = f"[[sim: {fault}-after=4]] [[sim: tokens=9 rate=0 first=0]]"
    end, names, seen = await ended(api, text, on_interrupt="fail")
    assert (end["outcome"], end["attempts"]) == ("failed", 1)
    assert answer(text).startswith(seen)
    assert seen
    assert end["error"]["message"]
    assert "message_stop" not in names


@pytest.mark.parametrize(
    "silence", some_of(["think=1.2", "think=1.2 think-after=4", "tool=look_up buffer-tool=1.2"], 1)
)
async def test_a_silence_of_pings_is_no_failure(api: Api, silence: str) -> None:
    end, names, _ = await ended(api, f"[[sim: {silence} ping=0.2 tokens=9 rate=0 first=0]]")
    assert (end["outcome"], end["attempts"]) == ("completed", 1)
    assert not {"relay.retry", "relay.reset"} & set(names)


@pytest.mark.parametrize(
    ("fault", "kind"), some_of([("status=529", "overloaded_error"), ("status=500", "api_error")], 1)
)
async def test_the_upstream_is_called_at_most_max_attempts_times(api: Api, fault: str, kind: str) -> None:
    end, names, _ = await ended(api, f"[[sim: {fault} tag={kind}]]")
    assert (end["outcome"], end["attempts"], end["error"]["type"]) == ("failed", MAX_ATTEMPTS, kind)
    assert names == ["relay.retry"] * (MAX_ATTEMPTS - 1) + ["relay.end"]
    calls = (await api.http.get(f"{api.cluster.claude_url}/_sim/calls")).json()
    assert calls["tags"][kind]["calls"] == MAX_ATTEMPTS


@pytest.mark.parametrize(
    ("fault", "kind"),
    some_of(
        [
            ("status=400", "invalid_request_error"),
            ("status=404", "not_found_error"),
            ("status=413", "request_too_large"),
            ("status=529 should-retry=false", "overloaded_error"),
            ("status=429 retry-after=60", "rate_limit_error"),
        ],
        2,
    ),
)
async def test_what_no_repetition_can_mend_fails_at_once(api: Api, fault: str, kind: str) -> None:
    end, names, _ = await ended(api, f"[[sim: {fault}]]")
    assert (end["outcome"], end["attempts"], end["error"]["type"]) == ("failed", 1, kind)
    assert names == ["relay.end"]


@pytest.mark.parametrize(
    ("directive", "outcome", "stop_reason"),
    some_of(
        [
            ("refusal", "refused", "refusal"),
            ("pause-turn", "completed", "pause_turn"),
            ("max-tokens", "truncated", "max_tokens"),
            ("context-window", "truncated", "model_context_window_exceeded"),
            ("tool=look_up", "completed", "tool_use"),
        ],
        2,
    ),
)
async def test_every_stop_reason_has_its_outcome(api: Api, directive: str, outcome: str, stop_reason: str) -> None:
    body = {
        "model": "claude-sonnet-5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": f"[[sim: {directive} tokens=4 rate=0 first=0]]"}],
        "tools": [{"name": "look_up", "input_schema": {"type": "object"}}],
    }
    accepted = await api.call("POST", "/v1/streams", json=body)
    sight = await api.see(accepted.json()["id"])
    assert sight.end is not None
    assert (sight.end["outcome"], sight.end["stop_reason"]) == (outcome, stop_reason)


async def test_a_delta_beyond_the_logs_limit_fails_the_stream_and_stays_below_it(api: Api) -> None:
    stream_id = await api.submit("[[sim: big-delta=10000000 rate=0 first=0]]", on_interrupt="fail")
    sight = await api.see(stream_id)
    assert sight.end is not None
    assert sight.end["outcome"] == "failed"
    assert len(await api.log(stream_id)) <= 2_000_000


async def test_a_delta_of_a_megabyte_goes_through(api: Api) -> None:
    stream_id = await api.submit("[[sim: big-delta=1000000 rate=0 first=0]]")
    sight = await api.see(stream_id)
    assert sight.end is not None
    assert sight.end["outcome"] == "completed"
    assert len(sight.text()) >= 1_000_000


async def test_hostile_text_goes_through_byte_for_byte(api: Api) -> None:
    text = "[[sim: hostile rate=0 first=0 split]]"
    stream_id = await api.submit(text)
    sight = await api.see(stream_id)
    assert sight.text() == answer(text)
    assert frames.follow(await api.log(stream_id), *frames.origin(stream_id)) is not None


@pytest.mark.parametrize(
    "how", some_of(["crlf", "no-blank-at-end", "split", "thinking", "citations", "redacted-thinking"], 2)
)
async def test_every_way_of_writing_an_answer_is_read(api: Api, how: str) -> None:
    text = f"[[sim: {how} tokens=8 rate=0 first=0]]"
    end, names, seen = await ended(api, text)
    assert (end["outcome"], seen) == ("completed", answer(text))
    assert names[-2:] == ["message_stop", "relay.end"]


async def test_a_stream_may_not_take_for_ever(api: Api) -> None:
    end, _, seen = await ended(api, "[[sim: tokens=5000 rate=20 first=0]]")
    assert (end["outcome"], end["error"]["type"]) == ("expired", "timeout_error")
    assert seen


async def test_cancelling_works_while_a_retry_waits(api: Api) -> None:
    stream_id = await api.submit("[[sim: status=429 retry-after=3]]")
    while (await api.show(stream_id))["offset"] is None:
        await asyncio.sleep(0.01)
    await api.cancel(stream_id)
    sight = await api.see(stream_id)
    assert sight.end is not None
    assert (sight.end["outcome"], sight.end["attempts"]) == ("cancelled", 0)  # a refused call is none


async def test_a_stream_that_nobody_reads_is_cancelled_where_it_asks_for_that(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=5000 rate=50 first=0]]", abandon_after=0.5)
    while (await api.show(stream_id))["state"] != "ended":
        await asyncio.sleep(0.05)
    assert (await api.show(stream_id))["outcome"] == "cancelled"
