"""What happened to an answer is told with it: when, by whom, and why it ended as it did."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio

from app.stream import keys
from tests.harness.api import Api
from tests.harness.cluster import Cluster, Process
from tests.harness.reader import Sight, watch

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEASE_SECONDS = 2.0
QUICK = "tokens=9 rate=0 first=0"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[Api]:
    async with Cluster(workers=2, lease_seconds=LEASE_SECONDS, drain_seconds=0.5) as cluster:
        api = Api(cluster)
        yield api
        await api.close()


async def told(api: Api, stream_id: str) -> dict[str, Any]:
    answer = await api.call("GET", f"/v1/streams/{stream_id}/timeline")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def story(api: Api, text: str, **relay: Any) -> dict[str, Any]:
    """That of a stream that was read to its end, without its readers."""
    stream_id = await api.submit(text, **relay)
    await api.see(stream_id)
    return await told(api, stream_id)


def events(found: dict[str, Any]) -> list[str]:
    return [one["event"] for one in found["data"] if not one["event"].startswith("reader.")]


def of(found: dict[str, Any], event: str) -> list[dict[str, Any]]:
    return [one for one in found["data"] if one["event"] == event]


async def holder(api: Api, stream_id: str) -> tuple[int, Process]:
    name = (await api.cluster.redis.hget(keys.meta(stream_id), "holder") or b"").decode()
    return next((n, w) for n, w in enumerate(api.cluster.workers) if f":{w.pid}:" in name)


async def reading(api: Api, text: str) -> tuple[Sight, asyncio.Task[None]]:
    sight = Sight(await api.submit(text))
    task = asyncio.create_task(watch(sight, lambda: api.port))
    while sight.frames < 10 and not task.done():
        await asyncio.sleep(0.005)
    return sight, task


async def test_a_whole_answer_has_a_plain_story(api: Api) -> None:
    stream_id = await api.submit(f"[[sim: {QUICK}]]")
    await api.see(stream_id)
    found, shown = await told(api, stream_id), await api.show(stream_id)
    assert events(found) == [
        *("stream.submitted", "stream.claimed", "call.started", "stream.first_content", "call.ended", "stream.ended")
    ]
    times = [datetime.fromisoformat(one["at"]) for one in found["data"] if not one["event"].startswith("reader.")]
    assert times == sorted(times)
    assert (found["data"][0]["at"], found["state"], found["left_out"]) == (shown["created_at"], "ended", 0)
    assert of(found, "call.ended")[0]["upstream_request_id"] == shown["calls"][0]["request_id"]
    ended = of(found, "stream.ended")[0]
    assert (ended["outcome"], ended["output_tokens"], ended["cost_usd"]) == ("completed", 9, shown["cost_usd"])
    assert any(f":{worker.pid}:" in of(found, "stream.claimed")[0]["worker"] for worker in api.cluster.workers)
    assert found["why"] == "completed: the answer is whole"


async def test_three_failed_calls_are_told_with_their_ids(api: Api) -> None:
    found = await story(api, "[[sim: status=529 message=SECRET]]")
    calls = of(found, "call.ended")
    assert [(call["attempt"], call["status"], call["reason"]) for call in calls] == [
        (n, 529, "overloaded_error") for n in (1, 2, 3)
    ]
    ids = [call["request_id"] for call in (await api.show(found["id"]))["calls"]]
    assert [call["upstream_request_id"] for call in calls] == ids
    assert [one["attempt"] for one in of(found, "call.retried")] == [2, 3]
    assert found["why"] == (
        f"failed: the Claude API answered 529 three times (overloaded_error), last request id {ids[-1]}"
    )
    assert "SECRET" not in str(found)


async def test_a_refused_call_is_held_and_then_made(api: Api) -> None:
    found = await story(api, f"[[sim: status=429 retry-after-ms=700 times=1]] [[sim: {QUICK}]]")
    first, second = of(found, "call.ended")
    assert (first["status"], first["reason"], second["status"]) == (429, "rate_limit_error", 200)
    assert events(found).index("stream.held") > events(found).index("call.ended")
    assert found["why"] == "completed: the answer is whole"


async def test_what_is_cut_begins_again_and_says_why(api: Api) -> None:
    found = await story(api, f"[[sim: cut-after=4 times=1]] [[sim: {QUICK}]]")
    told_of = events(found)
    assert told_of.index("stream.first_content") < told_of.index("call.ended") < told_of.index("stream.restarted")
    assert of(found, "call.ended")[0]["reason"] == of(found, "stream.restarted")[0]["reason"] == "connection_error"
    kept = await story(api, f"[[sim: end-after=4]] [[sim: {QUICK}]]", on_interrupt="fail")
    why = "failed: the Claude API ended its answer before it was complete (incomplete), request id req_"
    assert kept["why"].startswith(why)


async def test_a_killed_workers_stream_is_taken_over_by_another(api: Api) -> None:
    sight, task = await reading(api, "[[sim: tokens=60 rate=60 first=0 stall-after=40 times=1]]")
    number, victim = await holder(api, sight.stream_id)
    await victim.end()
    await task
    found = await told(api, sight.stream_id)
    first, second = of(found, "stream.claimed")
    assert f":{victim.pid}:" in first["worker"]
    assert (first["times"], second["times"], first["worker"] == second["worker"]) == (1, 2, False)
    [over] = of(found, "stream.taken_over")
    assert (over["cause"], over["attempt"], over["content"]) == ("worker_lost", 1, True)
    assert [one["reason"] for one in of(found, "stream.restarted")] == ["worker_lost"]
    assert len(of(found, "call.started")) == 2
    api.cluster.workers[number] = await api.cluster.worker(number)


async def test_a_worker_that_drains_hands_over(api: Api) -> None:
    sight, task = await reading(api, "[[sim: tokens=150 rate=200 first=0 stall-after=40 times=1]]")
    number, leaving = await holder(api, sight.stream_id)
    leaving.send(signal.SIGTERM)
    await task
    found = await told(api, sight.stream_id)
    [cut, whole] = of(found, "call.ended")
    assert (cut["reason"], cut["status"], "reason" in whole) == ("drained", 0, False)
    assert [one["cause"] for one in of(found, "stream.taken_over")] == ["worker_drained"]
    await leaving.end()
    api.cluster.workers[number] = await api.cluster.worker(number)


async def test_who_asked_for_a_cancel_is_told_and_how_the_readers_left(api: Api) -> None:
    sight, task = await reading(api, "[[sim: tokens=900 rate=60 first=0]]")
    running = await told(api, sight.stream_id)
    assert (running["state"], running["why"]) == ("running", "it runs: call 1 is being answered")
    assert (await api.cancel(sight.stream_id)).status_code == 202
    await task
    found = await told(api, sight.stream_id)
    assert found["why"] == "cancelled: a client asked to cancel it"
    assert of(found, "call.ended")[0]["reason"] == "cancelled"
    while not of(found, "reader.left"):
        await asyncio.sleep(0.1)
        found = await told(api, sight.stream_id)
    assert (of(found, "reader.joined")[0]["came"], of(found, "reader.left")[0]["ended"]) == (1, 1)


async def test_what_nobody_reads_says_so(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=9000 rate=60 first=0]]", abandon_after=1)
    while (found := await told(api, stream_id))["state"] != "ended":
        await asyncio.sleep(0.1)
    assert found["why"] == "cancelled: nobody reads it any more: it is to be cancelled"


async def test_every_face_has_it_and_no_text_is_in_it(api: Api) -> None:
    text = f"SECRET [[sim: hostile {QUICK}]]"
    body = {"model": "claude-sonnet-5", "max_tokens": 50, "messages": [{"role": "user", "content": text}]}
    answer = await api.call("POST", "/v1/messages", json=body)
    assert answer.status_code == 200
    made = (await api.call("POST", "/v1/conversations", json={})).json()["id"]
    said = await api.call("POST", f"/v1/conversations/{made}/messages", json={"content": text})
    await api.see(said.json()["id"])
    for stream_id in (answer.headers["x-keepstream-id"], said.json()["id"]):
        found = await told(api, stream_id)
        assert found["why"] == "completed: the answer is whole"
        assert set(str(found)) <= set(map(chr, range(32, 127)))
        assert not {"SECRET", "script", "sim:"} & set(str(found).split())
