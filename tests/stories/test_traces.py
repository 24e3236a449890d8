"""A stream is one trace, whoever has a hand in it: what its client began goes on in the worker, and in the next one."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from app.stream import keys
from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.harness.network.otlp import Endpoint, Seen, endpoint

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRETS = (b"SECRET", b"Alpha", b"a-made-up-key")
SDK = "anthropic.messages.create"
MS = 1_000_000


@pytest.fixture(scope="module")
def otlp() -> Iterator[Endpoint]:
    with endpoint() as place:
        yield place
        assert not [body for body in place.bodies if any(secret in body for secret in SECRETS)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(otlp: Endpoint) -> AsyncIterator[Api]:
    others = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": otlp.url,
        "OTEL_EXPORTER_OTLP_TIMEOUT": "600",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE": "content",  # which the SDK would follow
    }
    async with Cluster(workers=2, others=others, lease_seconds=1, drain_seconds=0) as cluster:
        api = Api(cluster)
        yield api
        await api.close()


async def begin(api: Api, text: str, headers: dict[str, str] | None = None) -> str:
    body = {"prompt": f"SECRET {text}", "system": "SECRET Alpha"}
    answer = await api.call("POST", "/v1/streams", json=body, headers=headers)
    return str(answer.json()["id"])


async def has(otlp: Endpoint, trace_id: str, name: str) -> Seen:
    """The span of this name, once it has come."""

    def found() -> list[Seen]:
        return [one for one in otlp.spans if one.trace_id == trace_id and one.name == name]

    await asyncio.to_thread(otlp.until, lambda: bool(found()))
    return found()[0]


async def ended(api: Api, otlp: Endpoint, stream_id: str, trace_id: str = "") -> list[Seen]:
    """All of a stream's trace, once it has ended, as its spans began; each within its parent, all of the stream."""
    await api.events(stream_id)
    trace_id = trace_id or stream_id.removeprefix("st_")
    for name in ("submit", "end"):
        await has(otlp, trace_id, name)
    await asyncio.to_thread(otlp.until, lambda: _calls(otlp.of(trace_id)))
    spans = otlp.of(trace_id)
    named = {one.span_id: one for one in spans}
    [submit] = (one for one in spans if one.name == "submit")
    for one in spans:
        if one is not submit:
            above = named[one.parent]
            assert above.name.startswith("attempt") if one.name == SDK else above is submit
            assert above.began - 5 * MS <= one.began <= one.ended  # Redis' clock has milliseconds
        assert one.name == SDK or one.attributes["keepstream.stream_id"] == stream_id
    return spans


def _calls(spans: list[Seen]) -> bool:
    """Whether each attempt has its call, which ends a moment after it."""
    names = [one.name for one in spans]
    return names.count(SDK) == sum(name.startswith("attempt") for name in names)


async def test_a_stream_is_one_trace_which_has_its_own_id(api: Api, otlp: Endpoint) -> None:
    stream_id = await begin(api, "[[sim: tokens=20 rate=100]]")
    submit, wait, attempt, call, end = await ended(api, otlp, stream_id)
    names = ["submit", "wait", "attempt 1", SDK, "end"]
    assert [one.name for one in (submit, wait, attempt, call, end)] == names
    assert (submit.parent, submit.service, attempt.service) == ("", "keepstream-front", "keepstream-worker")
    assert wait.ended <= attempt.began
    assert attempt.began <= call.began <= attempt.ended <= end.ended
    assert attempt.events == ("first_content",)
    assert attempt.attributes["http.response.status_code"] == call.attributes["http.response.status_code"] == 200
    assert attempt.attributes["keepstream.upstream_request_id"] == call.attributes["anthropic.request.id"]
    assert call.attributes["gen_ai.request.model"] == attempt.attributes["gen_ai.request.model"] != "other"
    assert end.attributes["gen_ai.usage.output_tokens"] == 20
    assert end.attributes["keepstream.outcome"] == "completed"
    assert not any(one.failed for one in (submit, wait, attempt, call, end))


async def test_a_clients_trace_goes_on_through_a_refused_call(api: Api, otlp: Endpoint) -> None:
    trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
    came = {"traceparent": f"00-{trace_id}-{span_id}-01", "tracestate": "vendor=theirs"}
    text = '[[sim: tokens=3 status=529 times=1 message=SECRET error-type="SECRET kind"]]'
    spans = await ended(api, otlp, await begin(api, text, came), trace_id)
    order = ["submit", "wait", "attempt 1", SDK, "wait", "attempt 2", SDK, "end"]
    assert [one.name for one in spans] == order
    assert spans[0].parent == span_id
    assert {one.state for one in spans} == {"vendor=theirs"}
    assert [one.failed for one in spans] == [False, False, True, True, False, False, False, False]
    assert [spans[n].attributes["keepstream.wait.for"] for n in (1, 4)] == ["turn", "retry"]
    assert [spans[n].attributes["error.type"] for n in (2, 3)] == ["other", "other"]


async def test_an_answer_that_breaks_off_is_an_attempt_that_failed_and_another_one(api: Api, otlp: Endpoint) -> None:
    spans = await ended(api, otlp, await begin(api, "[[sim: tokens=30 cut-after=9 call=1 first=0]]"))
    first, second = (one for one in spans if one.name.startswith("attempt"))
    assert (first.name, first.failed, first.events) == ("attempt 1", True, ("first_content",))
    assert (second.name, second.failed, second.events) == ("attempt 2", False, ("first_content",))
    assert first.ended <= second.began
    assert {one.attributes["keepstream.wait.for"] for one in spans if one.name == "wait"} == {"turn", "restart"}


async def test_what_a_client_does_not_sample_is_not_sent(api: Api, otlp: Endpoint) -> None:
    trace_id = secrets.token_hex(16)
    unseen = await begin(api, "[[sim: tokens=3]]", {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-00"})
    await api.events(unseen)
    await ended(api, otlp, await begin(api, "[[sim: tokens=3]]"))  # which came later, by the same way
    assert otlp.of(trace_id) == otlp.of(unseen.removeprefix("st_")) == []


async def test_another_worker_goes_on_in_the_trace_of_a_killed_ones_stream(api: Api, otlp: Endpoint) -> None:
    stream_id = await begin(api, "[[sim: tokens=90 rate=100 first=0 stall-after=20 times=1]]")
    while await api.cluster.redis.hget(keys.meta(stream_id), "content") != b"1":  # type: ignore[misc]
        await asyncio.sleep(0.01)
    await has(otlp, stream_id.removeprefix("st_"), "wait")
    holder = (await api.cluster.redis.hget(keys.meta(stream_id), "holder")).decode()  # type: ignore[misc]
    number, victim = next((n, w) for n, w in enumerate(api.cluster.workers) if f":{w.pid}:" in holder)
    await victim.end()
    spans = await ended(api, otlp, stream_id)
    assert [one.name for one in spans] == ["submit", "wait", "attempt 2", SDK, "end"]  # the first one died with it
    assert spans[2].attributes["keepstream.taken_over.cause"] == "worker_lost"
    assert spans[2].attributes["keepstream.claims"] == 2
    api.cluster.workers[number] = await api.cluster.worker(number)


async def test_a_cancel_ends_what_is_under_way(api: Api, otlp: Endpoint) -> None:
    stream_id = await begin(api, "[[sim: tokens=90000 rate=50]]")
    while await api.cluster.redis.hget(keys.meta(stream_id), "content") != b"1":  # type: ignore[misc]
        await asyncio.sleep(0.01)
    await api.cancel(stream_id)
    spans = {one.name: one for one in await ended(api, otlp, stream_id)}
    assert spans["attempt 1"].attributes["error.type"] == "cancelled"
    assert spans["end"].attributes["keepstream.outcome"] == "cancelled"
    assert not spans["end"].failed


async def test_who_comes_back_is_a_trace_of_its_own_with_a_link(api: Api, otlp: Endpoint) -> None:
    stream_id = await begin(api, "[[sim: tokens=40 rate=100]]")
    trace_id = stream_id.removeprefix("st_")
    whole = await api.events(stream_id)
    first = next(line for line in whole.text.splitlines() if line.startswith("id: ")).removeprefix("id: ")
    [submit, *_] = await ended(api, otlp, stream_id)
    await api.events(stream_id, after=first)
    await asyncio.to_thread(otlp.until, lambda: any(one.links == ((trace_id, submit.span_id),) for one in otlp.spans))
    [resume] = (one for one in otlp.spans if one.links)
    assert (resume.name, resume.parent) == ("resume", "")
    assert resume.trace_id != trace_id
    assert resume.attributes["keepstream.stream_id"] == stream_id


async def test_an_endpoint_that_hangs_is_in_nobodys_way(api: Api, otlp: Endpoint) -> None:
    otlp.does = lambda: None
    whole = await api.see(await begin(api, "[[sim: tokens=20 rate=100]]"))
    assert whole.end is not None
    assert whole.end["outcome"] == "completed"
    await asyncio.to_thread(otlp.until, lambda: otlp.hanging > 1)
    for process in (*api.cluster.workers, *api.cluster.fronts):
        process.send(signal.SIGTERM)
    assert [await process.wait() for process in (*api.cluster.workers, *api.cluster.fronts)] == [0, 0, 0]
