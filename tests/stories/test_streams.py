"""Submitting, looking, cancelling: what is accepted, what is refused, and that this leaves nothing behind (G5, G6)."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.stream import frames, keys
from tests.harness.api import Api, names_of
from tests.harness.cluster import Cluster
from tests.harness.reader import Sight, watch

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"content-type": "application/json"}
MAX_PROMPT_BYTES = 20_000
MESSAGES = [{"role": "user", "content": "[[sim: tokens=2 rate=0 first=0]]"}]
BODY: dict[str, Any] = {"model": "claude-sonnet-5", "max_tokens": 100, "messages": MESSAGES}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[Api]:
    async with Cluster(worker_streams=2, max_prompt_bytes=MAX_PROMPT_BYTES, queue_limit=3) as cluster:
        api = Api(cluster)
        yield api
        await api.close()


@pytest_asyncio.fixture(loop_scope="module")
async def busy(api: Api) -> AsyncIterator[list[str]]:
    """Both of the worker's places are taken by streams that say nothing."""
    ids = [await api.submit("[[sim: stall-after=1]]") for _ in range(2)]
    sights = [Sight(stream_id) for stream_id in ids]
    reading = [asyncio.create_task(watch(sight, lambda: api.port)) for sight in sights]
    while not all(sight.frames for sight in sights):
        await asyncio.sleep(0.01)
    yield ids
    for stream_id in ids:
        await api.cancel(stream_id)
    await asyncio.gather(*reading)


async def test_an_accepted_prompt_says_where_it_is(api: Api) -> None:
    answer = await api.call("POST", "/v1/streams", json=BODY)
    assert answer.status_code == httpx.codes.ACCEPTED
    data = answer.json()
    path = f"/v1/streams/{data['id']}"
    assert data == {"id": data["id"], "state": "queued", "events_url": f"{path}/events", "cancel_url": f"{path}/cancel"}
    assert answer.headers["location"] == path
    assert answer.headers["request-id"]


async def test_a_stream_tells_its_state_from_its_start_to_its_end(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=3 rate=0 first=0]]")
    sight = await api.see(stream_id)
    shown = await api.show(stream_id)
    assert shown["state"] == "ended"
    assert shown["outcome"] == "completed"
    assert shown["stop_reason"] == "end_turn"
    assert shown["attempt"] == 1
    assert shown["offset"] == sight.after
    assert shown["usage"]["output_tokens"] == 3
    assert shown["cost_usd"] > 0
    assert shown["message"]["content"][0]["text"] == sight.text()
    stamps = [shown[name] for name in ("created_at", "started_at", "ended_at")]
    assert stamps == sorted(stamps)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", stamp) for stamp in stamps)
    assert (await api.call("GET", f"/v1/streams/{stream_id}/message")).json() == shown["message"]


async def test_the_message_of_a_running_stream_is_a_conflict(api: Api, busy: list[str]) -> None:
    answer = await api.call("GET", f"/v1/streams/{busy[0]}/message")
    assert (answer.status_code, answer.json()["error"]["type"]) == (409, "conflict_error")


async def test_the_message_of_a_failed_stream_is_its_error(api: Api) -> None:
    stream_id = await api.submit("[[sim: status=400 message=no]]")
    await api.see(stream_id)
    answer = await api.call("GET", f"/v1/streams/{stream_id}/message")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    shown = await api.show(stream_id)
    assert shown["outcome"] == "failed"
    assert shown["error"] == answer.json()["error"]
    assert "message" not in shown


async def test_max_tokens_is_truncated_and_not_completed(api: Api) -> None:
    sight = await api.see(await api.submit("[[sim: max-tokens rate=0 first=0 tokens=5]]"))
    assert sight.end is not None
    assert (sight.end["outcome"], sight.end["stop_reason"]) == ("truncated", "max_tokens")


@pytest.mark.parametrize(
    "fault", ["end-after=3", "cut-after=3", "bad-json-after=3", "bad-utf8-after=3", "error-after=3"]
)
async def test_an_answer_that_was_cut_off_is_never_completed(api: Api, fault: str) -> None:
    stream_id = await api.submit(f"[[sim: {fault} rate=0 first=0 tokens=9]]", on_interrupt="fail")
    sight = await api.see(stream_id)
    assert sight.end is not None
    assert sight.end["outcome"] == "failed"
    assert set(sight.end["error"]) == {"type", "message"}  # type: ignore[call-overload]
    assert "message_stop" not in names_of(await api.log(stream_id))


async def test_events_go_through_as_the_upstream_sent_them(api: Api) -> None:
    """Unknown ones, unnamed ones and those of several lines included; pings, comments and what follows the end not."""
    stream_id = await api.submit("[[sim: unknown-events tokens=3 rate=0 first=0]]")
    await api.see(stream_id)
    log = await api.log(stream_id)
    names = names_of(log)
    assert None in names
    assert "ping" not in names
    assert names[-2:] == ["message_stop", "relay.end"]
    assert any(frame.raw.count(b"\ndata: ") > 1 for frame in frames.split(log))


async def test_a_waiting_stream_tells_its_place(api: Api, busy: list[str]) -> None:
    first, second = await api.submit("[[sim: tokens=1]]"), await api.submit("[[sim: tokens=1]]")
    assert (await api.show(first))["position"] == 1
    assert (await api.show(second))["position"] == 2
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(f"GET /v1/streams/{second}/events HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
    await reader.readuntil(b'event: relay.status\ndata: {"state":"queued","position":2}\n\n')
    await api.cancel(first)
    await reader.readuntil(b'event: relay.status\ndata: {"state":"queued","position":1}\n\n')
    writer.close()
    await api.cancel(busy[0])
    assert (await api.see(second)).end is not None


async def test_a_full_queue_is_429_before_anything_is_stored(api: Api, busy: list[str]) -> None:
    assert busy
    waiting = [await api.submit("[[sim: tokens=1]]") for _ in range(3)]
    before = await _stored(api)
    answer = await api.call("POST", "/v1/streams", json=BODY)
    assert (answer.status_code, answer.json()["error"]["type"]) == (429, "rate_limit_error")
    assert int(answer.headers["retry-after"]) > 0
    assert await _stored(api) == before
    for stream_id in waiting:
        await api.cancel(stream_id)


async def _stored(api: Api) -> list[bytes]:
    """What stands of streams that have not ended, but for what processes leave of themselves meanwhile."""
    patterns = ("ks:{st_*:meta", "arq:job:*", "ks:{queue}:idem:*", "ks:{queue}:reserved:*", "ks:{queue}:account:*")
    return sorted([key for pattern in patterns for key in await api.cluster.redis.keys(pattern)])


async def test_cancelling_a_waiting_stream_ends_it_at_once_without_a_call(api: Api, busy: list[str]) -> None:
    assert busy
    stream_id = await api.submit("[[sim: tag=waiting]]")
    assert (await api.cancel(stream_id)).status_code == httpx.codes.ACCEPTED
    sight = await api.see(stream_id)
    assert sight.end is not None
    assert (sight.end["outcome"], sight.end["attempts"]) == ("cancelled", 0)
    assert "waiting" not in (await calls(api))["tags"]


async def test_cancelling_a_running_stream_closes_the_upstream_call(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=2000 rate=50 first=0 tag=running]]")
    sight = Sight(stream_id)
    reading = asyncio.create_task(watch(sight, lambda: api.port))
    while not sight.frames:
        await asyncio.sleep(0.01)
    asked = time.time()
    assert (await api.cancel(stream_id)).status_code == httpx.codes.ACCEPTED
    await reading
    assert sight.end is not None
    assert sight.end["outcome"] == "cancelled"
    tag = (await calls(api))["tags"]["running"]
    assert (tag["open"], tag["closed_early"]) == (0, 1)
    assert tag["last_closed_at"] >= asked
    assert (await api.cancel(stream_id)).status_code == httpx.codes.ACCEPTED
    assert (await api.see(stream_id)).end == sight.end


async def test_the_same_key_and_body_give_the_same_stream(api: Api) -> None:
    headers = {"idempotency-key": "a key of mine"}
    answers = await asyncio.gather(
        *(api.call("POST", "/v1/streams", json=BODY | {"stream": bool(n % 2)}, headers=headers) for n in range(8))
    )
    assert {answer.status_code for answer in answers} == {202}
    [stream_id] = {answer.json()["id"] for answer in answers}
    await api.see(stream_id)
    again = await api.call("POST", "/v1/streams", json=BODY, headers=headers)
    assert (again.json()["id"], again.json()["state"]) == (stream_id, "ended")


async def test_the_same_key_with_another_body_is_422_and_leaves_nothing(api: Api) -> None:
    headers = {"idempotency-key": "another key"}
    first = await api.call("POST", "/v1/streams", json=BODY, headers=headers)
    await api.see(first.json()["id"])
    before = sorted(await api.cluster.redis.keys("*"))
    other = await api.call("POST", "/v1/streams", json=BODY | {"max_tokens": 99}, headers=headers)
    assert (other.status_code, other.json()["error"]["type"]) == (422, "invalid_request_error")
    assert sorted(await api.cluster.redis.keys("*")) == before


@pytest.mark.parametrize(
    ("status", "options"),
    [
        (400, {"content": b"{"}),
        (400, {"content": b""}),
        (400, {"content": b"[1]"}),
        (400, {"content": b'"text"'}),
        (400, {"content": b'{"prompt": "\xff"}'}),
        (400, {"json": {}}),
        (400, {"json": {"prompt": ""}}),
        (400, {"json": {"prompt": 5}}),
        (400, {"json": {"prompt": "x", "messages": MESSAGES}}),
        (400, {"json": BODY | {"messages": []}}),
        (400, {"json": BODY | {"messages": {}}}),
        (400, {"json": BODY | {"messages": [{"role": "user", "content": ""}]}}),
        (400, {"json": BODY | {"max_tokens": 0}}),
        (400, {"json": BODY | {"max_tokens": "many"}}),
        (400, {"json": BODY | {"max_tokens": 10**12}}),
        (400, {"json": BODY | {"relay": {"unknown": 1}}}),
        (400, {"json": BODY | {"relay": {"on_interrupt": "sometimes"}}}),
        (400, {"json": BODY, "headers": {"idempotency-key": "x" * 300}}),
        (413, {"json": {"prompt": "x" * MAX_PROMPT_BYTES}}),
        (415, {"content": b"prompt=x", "headers": {"content-type": "application/x-www-form-urlencoded"}}),
        (415, {"content": b"<p>x</p>", "headers": {"content-type": "text/html"}}),
    ],
)
async def test_bad_input_is_refused_in_the_apis_shape_and_leaves_nothing(
    api: Api, status: int, options: dict[str, Any]
) -> None:
    before = sorted(await api.cluster.redis.keys("*"))
    options = {"headers": {"content-type": "application/json"}} | options
    answer = await api.call("POST", "/v1/streams", **options)
    assert answer.status_code == status
    assert answer.json()["type"] == "error"
    assert set(answer.json()["error"]) == {"type", "message"}
    assert answer.json()["request_id"] == answer.headers["request-id"]
    assert sorted(await api.cluster.redis.keys("*")) == before


async def test_a_body_over_the_limit_is_refused_also_when_it_does_not_tell_its_length(api: Api) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * 1000

    answer = await api.call("POST", "/v1/streams", content=parts(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (413, "request_too_large")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/streams", 405),
        ("PUT", "/v1/streams", 405),
        ("DELETE", f"/v1/streams/st_{'0' * 32}", 405),
        ("POST", f"/v1/streams/st_{'0' * 32}/events", 405),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/streams/", 404),
    ],
)
async def test_wrong_paths_and_methods_are_told_in_the_apis_shape(
    api: Api, method: str, path: str, status: int
) -> None:
    answer = await api.call(method, path)
    assert answer.status_code == status
    assert answer.json()["type"] == "error"
    assert answer.headers["request-id"]
    if status == httpx.codes.METHOD_NOT_ALLOWED:
        assert answer.headers["allow"]


async def test_a_front_says_that_it_is_up_and_ready(api: Api) -> None:
    assert (await api.call("GET", "/healthz")).status_code == httpx.codes.OK
    assert (await api.call("GET", "/readyz")).status_code == httpx.codes.OK


async def test_nothing_of_a_prompt_is_written_to_any_log(api: Api) -> None:
    secret = "the-moon-is-made-of-cheese"
    for fault in ("", "[[sim: status=400]]", "[[sim: bad-json-after=1 times=1]]", "[[sim: hostile]]"):
        await api.see(await api.submit(f"{secret} [[sim: tokens=3 rate=0 first=0]] {fault}"))
    await api.call("POST", "/v1/streams", content=f'{{"prompt": "{secret}'.encode(), headers=JSON)
    for file in api.cluster.directory.glob("*.log"):
        assert secret not in file.read_text()
        assert "a-made-up-key" not in file.read_text()


async def test_nothing_is_left_when_all_streams_have_ended(api: Api) -> None:
    for key in (keys.JOBS, keys.LEASES, keys.CLAIMS):
        assert not await api.cluster.redis.exists(key), key


async def calls(api: Api) -> dict[str, Any]:
    answer: dict[str, Any] = (await api.http.get(f"{api.cluster.claude_url}/_sim/calls")).json()
    return answer
