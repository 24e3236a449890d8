"""A stream from its claim to its one ending, by a whole worker against a real Valkey and the simulated Claude."""

from __future__ import annotations

from urllib.parse import urlsplit

import orjson
import pytest

from tests.harness.network.proxy import Proxy
from tests.worker.workshop import MODEL, Workshop


async def test_a_prompt_becomes_a_log_with_its_ending_and_its_message(shop: Workshop) -> None:
    async with shop.worker():
        stream_id = await shop.submit("[[sim: tokens=20]]")
        stream = await shop.ended(stream_id)
    assert stream.names[:3] == ["message_start", "content_block_start", "content_block_delta"]
    assert stream.names[-3:] == ["message_delta", "message_stop", "relay.end"]
    assert stream.outcome == "completed"
    (end,) = stream.data("relay.end")
    assert end["usage"]["output_tokens"] == 20
    assert end["cost_usd"] == float(stream.meta["cost_usd"]) > 0
    assert (end["attempts"], end["stop_reason"]) == (1, "end_turn")
    assert stream.json("message")["content"] == [{"type": "text", "text": stream.text}]
    assert stream.json("usage") == end["usage"]
    assert stream.meta["stop_reason"] == b"end_turn"
    assert "request" not in stream.meta  # prompts are not kept longer than they are needed
    (entry,) = await shop.outbox(stream_id)
    assert entry == {
        "id": stream_id,
        "owner": "me",
        "outcome": "completed",
        "attempts": "1",
        "ended_at": stream.meta["ended_at"].decode(),
    }


async def test_what_goes_up_is_what_the_client_sent(shop: Workshop) -> None:
    body = {
        "model": MODEL,
        "max_tokens": 2000,
        "temperature": 0.5,
        "messages": [{"role": "user", "content": "[[sim: echo]] żółw"}],
        "an_unknown_field": {"kept": [1, None]},
    }
    async with shop.worker():
        stream = await shop.run(
            "",
            request=orjson.dumps(body),
            headers=orjson.dumps({"anthropic-version": "2023-06-01", "anthropic-beta": "one,two"}),
            query="beta=true",
        )
    seen = orjson.loads(stream.text.removeprefix("```json").removesuffix("```\n"))
    assert seen["body"] == {**body, "stream": True}
    assert seen["query"] == {"beta": "true"}
    assert seen["headers"]["anthropic-version"] == "2023-06-01"
    assert seen["headers"]["anthropic-beta"] == "one,two"


@pytest.mark.parametrize(
    ("asked", "outcome", "stop_reason"),
    [
        ("max_tokens tokens=5", "truncated", "max_tokens"),
        ("context-window tokens=5", "truncated", "model_context_window_exceeded"),
        ("refusal", "refused", "refusal"),
        ("pause-turn tokens=5", "completed", "pause_turn"),
        ("tool=get_weather", "completed", "tool_use"),
    ],
)
async def test_the_stop_reason_names_the_outcome(shop: Workshop, asked: str, outcome: str, stop_reason: str) -> None:
    async with shop.worker():
        stream = await shop.run(f"[[sim: {asked}]]")
    assert (stream.outcome, stream.meta["stop_reason"].decode()) == (outcome, stop_reason)
    assert stream.data("relay.end")[0]["outcome"] == outcome
    assert stream.json("message")["stop_reason"] == stop_reason


@pytest.mark.parametrize("asked", ["hostile", "unknown-events", "split tokens=30", "crlf tokens=30", "no-blank-at-end"])
async def test_whatever_the_upstream_may_send_ends_completed(shop: Workshop, asked: str) -> None:
    async with shop.worker():
        stream = await shop.run(f"[[sim: {asked}]]")
    assert stream.outcome == "completed"
    assert stream.names.count("message_start") == 1
    assert not {"ping", "error"} & set(stream.names)
    assert stream.names[-2:] == ["message_stop", "relay.end"]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("status=529 retry-after-ms=1", "overloaded_error"),
        ("status=500 retry-after-ms=1", "api_error"),
        ("cut-head", "connection_error"),
        ("error-after=0", "overloaded_error"),
        ("end-after=0", "incomplete"),
        ("bad-json-after=0", "garbled"),
    ],
)
async def test_a_failure_before_content_is_retried_and_leaves_nothing_to_forget(
    shop: Workshop, asked: str, reason: str
) -> None:
    async with shop.worker(retry_wait_max=0.01):
        stream = await shop.run(f"[[sim: {asked} times=1]] [[sim: tokens=5 tag={reason}]]")
    assert stream.names[:2] == ["relay.retry", "message_start"]
    (retry,) = stream.data("relay.retry")
    assert (retry["attempt"], retry["reason"]) == (2, reason)
    assert "relay.reset" not in stream.names
    assert (stream.outcome, stream.meta["attempts"]) == ("completed", b"2")
    assert (await shop.calls(reason))["calls"] == 2


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("error-after=3", "overloaded_error"),
        ("end-after=3", "incomplete"),
        ("cut-after=3", "connection_error"),
        ("bad-json-after=3", "garbled"),
        ("bad-utf8-after=3", "garbled"),
        ("stall-after=3", "stalled"),
        ("pings-after=3", "silent"),
    ],
)
async def test_a_failure_after_content_restarts_from_scratch(shop: Workshop, asked: str, reason: str) -> None:
    async with shop.worker(retry_wait_max=0.01, stall_timeout=0.8, silent_timeout=1.2):
        stream = await shop.run(f"[[sim: {asked} times=1]] [[sim: tokens=9 rate=200]]")
    (reset,) = stream.data("relay.reset")
    assert reset == {"attempt": 2, "reason": reason}
    place = stream.names.index("relay.reset")
    assert stream.names[:place].count("content_block_delta") == 3
    assert stream.names[place + 1] == "message_start"
    assert stream.names[place:].count("content_block_delta") == 9
    assert (stream.outcome, stream.meta["attempts"]) == ("completed", b"2")
    assert int(stream.meta["base"]) == int(stream.frames[place].id[:9])
    assert stream.json("message")["content"][0]["text"] == stream.text


async def test_the_first_content_is_that_of_the_attempt_which_is_the_answer(shop: Workshop) -> None:
    async with shop.worker(retry_wait_max=0.01, stall_timeout=0.6):
        stream = await shop.run("[[sim: stall-after=3 times=1]] [[sim: tokens=5 rate=50 first=0]]")
    made, first, ended = (int(stream.meta[name]) for name in ("created_at", "first_at", "ended_at"))
    assert made + 600 <= first < ended


async def test_where_the_attempt_that_counts_has_no_content_there_is_no_first(shop: Workshop) -> None:
    async with shop.worker(retry_wait_max=0.01, max_attempts=2):
        stream = await shop.run("[[sim: error-after=3 call=1]] [[sim: status=529 call=2]]")
    assert stream.outcome == "failed"
    assert "first_at" not in stream.meta


async def test_after_a_restart_there_is_nothing_to_forget_until_there_is_content_again(shop: Workshop) -> None:
    async with shop.worker(retry_wait_max=0.01):
        stream = await shop.run("[[sim: error-after=3 call=1]] [[sim: status=529 call=2]] [[sim: tokens=5]]")
    ours = [name for name in stream.names if name is not None and name.startswith("relay.")]
    assert ours == ["relay.reset", "relay.retry", "relay.end"]
    assert (stream.outcome, stream.meta["attempts"]) == ("completed", b"3")


@pytest.mark.parametrize("asked", ["error-after=3", "end-after=3", "cut-after=3", "bad-json-after=3"])
async def test_a_failure_after_content_keeps_the_partial_text_where_the_stream_wants_it_so(
    shop: Workshop, asked: str
) -> None:
    async with shop.worker():
        stream = await shop.run(f"[[sim: {asked} tokens=9 tag={asked}]]", on_interrupt="fail")
    assert (stream.outcome, stream.meta["attempts"]) == ("failed", b"1")
    assert stream.names.count("content_block_delta") == 3
    assert stream.names[-1] == "relay.end"
    assert stream.json("message")["content"] == [{"type": "text", "text": stream.text}]
    assert (stream.meta["partial"], stream.json("message")["stop_reason"]) == (b"1", None)
    assert stream.data("relay.end")[0]["error"] == stream.json("error")
    assert (await shop.calls(asked))["calls"] == 1


async def test_the_upstream_is_called_max_attempts_times_and_the_last_failure_is_passed_on(shop: Workshop) -> None:
    async with shop.worker(max_attempts=3, retry_wait_max=0.01):
        stream = await shop.run("[[sim: status=529 tag=exhausted]]")
    assert (await shop.calls("exhausted"))["calls"] == 3
    assert (stream.outcome, stream.names) == ("failed", ["relay.retry", "relay.retry", "relay.end"])
    assert [retry["attempt"] for retry in stream.data("relay.retry")] == [2, 3]
    told = stream.json("failure")
    assert (told["status"], told["type"], told["exhausted"]) == (529, "overloaded_error", True)
    assert told["request_id"].startswith("req_")


async def test_a_lasting_failure_ends_at_once_with_the_upstream_s_words(shop: Workshop) -> None:
    async with shop.worker():
        stream = await shop.run('[[sim: status=400 message="not like this" tag=lasting]]')
    assert (stream.outcome, stream.names) == ("failed", ["relay.end"])
    assert stream.json("error") == {"type": "invalid_request_error", "message": "not like this"}
    assert stream.data("relay.end")[0]["error"] == stream.json("error")
    assert (stream.json("failure")["status"], stream.json("failure")["exhausted"]) == (400, False)
    assert (await shop.calls("lasting"))["calls"] == 1


async def test_a_wait_that_is_too_long_fails_at_once_and_is_passed_on(shop: Workshop) -> None:
    async with shop.worker(retry_wait_max=5.0):
        stream = await shop.run("[[sim: status=429 retry-after=6 tag=long]]")
    assert (stream.outcome, stream.names) == ("failed", ["relay.end"])
    assert (stream.json("failure")["status"], stream.json("failure")["retry_after"]) == (429, 6.0)
    assert (await shop.calls("long"))["calls"] == 1


async def test_a_stream_expires_while_it_runs(shop: Workshop) -> None:
    async with shop.worker(stream_seconds_max=1.0):
        stream = await shop.run("[[sim: tokens=50000 rate=50 first=0 tag=expires]]")
    assert (stream.outcome, stream.json("error")["type"]) == ("expired", "timeout_error")
    assert "content_block_delta" in stream.names
    assert await shop.eventually(lambda: _left(shop, "expires"))


async def test_a_stream_that_waited_too_long_in_the_queue_expires_without_a_call(shop: Workshop) -> None:
    stream_id = await shop.submit("[[sim: tag=queued]]")
    await shop.redis.hincrby(f"ks:{{{stream_id}}}:meta", "created_at", -10_000)
    async with shop.worker(stream_seconds_max=10):
        stream = await shop.ended(stream_id)
    assert (stream.outcome, stream.names) == ("expired", ["relay.end"])
    assert (await shop.calls("queued"))["calls"] == 0


async def test_a_log_never_exceeds_its_limit(shop: Workshop) -> None:
    async with shop.worker(max_log_bytes=20_000):
        stream = await shop.run("[[sim: tokens=1000 tag=full]]")
    assert (stream.outcome, stream.json("error")["type"]) == ("failed", "api_error")
    assert 15_000 < sum(len(frame.raw) for frame in stream.frames) <= 20_000
    assert (await shop.calls("full"))["calls"] == 1


async def test_a_delta_that_is_larger_than_the_log_may_be_is_no_frame(shop: Workshop) -> None:
    async with shop.worker(max_log_bytes=1_000_000):
        stream = await shop.run("[[sim: big-delta=10000000 tag=big]]")
    assert stream.outcome == "failed"
    assert stream.names == ["message_start", "content_block_start", "relay.end"]
    assert await shop.eventually(lambda: _left(shop, "big"))


async def test_a_delta_of_megabytes_that_fits_is_one(shop: Workshop) -> None:
    async with shop.worker():
        stream = await shop.run("[[sim: big-delta=3000000 tokens=3]]")
    assert stream.outcome == "completed"
    assert len(stream.text) >= 3_000_000


async def test_a_request_that_cannot_be_read_ends_failed(shop: Workshop) -> None:
    async with shop.worker():
        stream = await shop.run("", request=b"{")
    assert (stream.outcome, stream.names) == ("failed", ["relay.end"])


async def test_our_own_fault_still_ends_the_stream_and_tells_no_prompt(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("the secret prompt")

    monkeypatch.setattr("worker.upstream.reading.Reading.feed", broken)
    async with shop.worker():
        stream = await shop.run("the secret prompt")
    assert (stream.outcome, stream.json("error")) == ("failed", {"type": "api_error", "message": "an internal error"})
    assert "KeyError" in caplog.text
    assert "secret" not in caplog.text


async def test_a_worker_runs_as_many_streams_at_a_time_as_it_may(shop: Workshop) -> None:
    ids = [await shop.submit(f"{n} [[sim: tokens=2 tag=many]]") for n in range(150)]
    claude = urlsplit(shop.claude)
    async with Proxy(str(claude.hostname), int(claude.port or 0)) as upstream:
        upstream.stall()
        url = f"http://127.0.0.1:{upstream.port}"
        async with shop.worker(worker_streams=120, anthropic_base_url=url) as parts:
            await shop.eventually(lambda: _connected(upstream, 120))
            assert len(parts.pool.leases) == 120
            upstream.flow()
            for stream_id in ids:
                assert (await shop.ended(stream_id)).outcome == "completed"
            assert parts.pool.leases == {}
    assert (await shop.calls("many"))["calls"] == 150


async def _left(shop: Workshop, tag: str) -> bool:
    seen = await shop.calls(tag)
    return bool(seen["open"] == 0 and seen["closed_early"] == 1)


async def _connected(proxy: Proxy, count: int) -> bool:
    return proxy.connections == count
