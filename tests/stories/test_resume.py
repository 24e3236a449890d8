"""A reader who leaves and comes back has the stream: every byte, once, in order (G1, G2, G7)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
import pytest_asyncio

from app.dev.simulator import answer_for
from app.stream import frames
from tests.harness.api import Api, body_of, names_of
from tests.harness.cluster import Cluster
from tests.harness.reader import Refused, Sight, connect_once, watch
from tests.long import some_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

STREAM_TTL = 2.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[Api]:
    async with Cluster(fronts=2, stream_seconds_max=60) as cluster:
        api = Api(cluster)
        yield api
        await api.close()


async def test_a_prompt_streams_from_its_start_to_its_one_ending(api: Api) -> None:
    text = "Tell me about tides [[sim: rate=200 first=0]]"
    sight = await api.see(await api.submit(text))
    assert sight.text() == answer_for([{"role": "user", "content": text}])
    assert sight.end is not None
    assert (sight.end["outcome"], sight.end["stop_reason"], sight.end["attempts"]) == ("completed", "end_turn", 1)
    assert names_of(bytes(sight.seen))[-2:] == ["message_stop", "relay.end"]


async def test_the_log_is_what_readers_saw_and_proves_itself(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=20 rate=0 first=0]]")
    sight = await api.see(stream_id)
    log = await api.log(stream_id)
    assert bytes(sight.seen) == log
    assert frames.follow(log, *frames.origin(stream_id)) is not None


@pytest.mark.parametrize("every", some_of([7, 1], 1))
async def test_a_cut_at_every_byte_loses_nothing_and_doubles_nothing(api: Api, every: int) -> None:
    stream_id = await api.submit("[[sim: tokens=6 rate=0 first=0]]")
    await api.see(stream_id)
    log = await api.log(stream_id)
    whole = (await api.events(stream_id)).content
    opening = whole[: len(whole) - len(log)]
    several = asyncio.Semaphore(20)

    async def cut_at(length: int) -> None:
        async with several:
            got = await read_bytes(api.port, stream_id, length)
            assert got == whole[:length]
            kept = got[len(opening) : got.rfind(b"\n\n") + 2]
            position = frames.position_at_end(kept)
            rest = await api.events(stream_id, position.id if position else "")
            if rest.status_code == httpx.codes.NO_CONTENT:
                assert kept == log
            else:
                assert kept + body_of(rest) == log

    await asyncio.gather(*(cut_at(length) for length in range(len(opening), len(whole) + 1, every)))


async def test_readers_who_cut_themselves_off_all_the_time_see_a_running_stream_whole(api: Api) -> None:
    text = "A long one [[sim: tokens=400 rate=200 first=0]]"
    stream_id = await api.submit(text)
    sights = [Sight(stream_id) for _ in range(8)]
    await asyncio.gather(
        *(watch(sight, api.cluster.any_front, leave_after=lambda: random.uniform(0, 0.2)) for sight in sights)  # noqa: S311
    )
    log = await api.log(stream_id)
    assert all(bytes(sight.seen) == log for sight in sights)
    assert min(sight.reconnects for sight in sights) > 0
    assert sights[0].text() == answer_for([{"role": "user", "content": text}])


async def test_two_readers_at_different_places_see_the_same(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=150 rate=150 first=0]]")
    early, late = Sight(stream_id), Sight(stream_id)
    first = asyncio.create_task(watch(early, lambda: api.port))
    while early.frames < 50:
        await asyncio.sleep(0.01)
    await asyncio.gather(first, watch(late, lambda: api.port))
    assert early.seen == late.seen == await api.log(stream_id)


async def test_a_late_reader_has_it_all_after_the_end(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=30 rate=0 first=0]]")
    early = await api.see(stream_id)
    answer = await api.events(stream_id)
    assert body_of(answer) == bytes(early.seen)
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-cache, no-transform"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.content.startswith(b"retry: 1000\n: ")


async def test_beyond_the_end_is_204_and_stays_so(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=3 rate=0 first=0]]")
    sight = await api.see(stream_id)
    for answer in (
        await api.events(stream_id, sight.after),
        await api.call("GET", f"/v1/streams/{stream_id}/events?after={sight.after}"),
    ):
        assert answer.status_code == httpx.codes.NO_CONTENT
        assert answer.content == b""
        assert "content-type" not in answer.headers


async def test_a_reader_may_go_from_front_to_front(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=200 rate=150 first=0]]")
    sight = Sight(stream_id)
    fronts = [proxy.port for proxy in api.cluster.front_proxies]
    await watch(sight, lambda: fronts[sight.reconnects % 2], leave_after=lambda: 0.1)
    assert sight.reconnects > 4
    assert bytes(sight.seen) == await api.log(stream_id)


async def test_the_header_wins_over_the_query_and_an_empty_one_is_none(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=5 rate=0 first=0]]")
    log = bytes((await api.see(stream_id)).seen)
    ids = [frame.id for frame in frames.split(log)]
    path = f"/v1/streams/{stream_id}/events"
    both = await api.call("GET", f"{path}?after={ids[1]}", headers={"last-event-id": ids[3]})
    empty = await api.call("GET", f"{path}?after={ids[1]}", headers={"last-event-id": ""})
    assert next(frames.split(body_of(both))).id == ids[4]
    assert next(frames.split(body_of(empty))).id == ids[2]


async def test_an_id_that_this_log_never_gave_brings_a_reset_and_never_wrong_bytes(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=40 rate=0 first=0]]")
    log = bytes((await api.see(stream_id)).seen)
    other = bytes((await api.see(await api.submit("[[sim: tokens=40 rate=0 first=0]]"))).seen)
    real = [frame.id for frame in frames.split(log)][5]
    offset = int(real[:9])
    wrong = {
        "foreign": [frame.id for frame in frames.split(other)][5],
        "forged": f"{real[:9]}-{int(real[10:], 16) ^ 1:08x}",
        "in the middle of a frame": f"{offset + 7:09d}-{real[10:]}",
        "future": f"{len(log) + 1000:09d}-{real[10:]}",
        "the last one there could be": "999999999-ffffffff",
        "zero": "000000000-00000000",
        "smaller than any frame": "000000003-00000000",
    }
    for what, last_id in wrong.items():
        answer = await api.events(stream_id, last_id)
        assert answer.status_code == httpx.codes.OK, what
        block = answer.content.split(b"\n\n")[1]
        assert block.startswith(b"event: relay.reset\ndata: "), what
        assert set(orjson.loads(block.split(b"data: ")[1])) == {"attempt", "reason"}, what
        assert body_of(answer) == log, what


@pytest.mark.parametrize(
    "garbage",
    some_of(
        ["x", "1-2", "000000412", "000000412-9F3A1C22", "٠٠٠٠٠٠٤١٢-9f3a1c22", "000000412-9f3a1c22\x00", "-" * 9999], 2
    ),
)
async def test_what_could_never_be_an_id_is_400(api: Api, garbage: str) -> None:
    stream_id = await api.submit("[[sim: tokens=1 rate=0 first=0]]")
    answer = await api.call("GET", f"/v1/streams/{stream_id}/events", params={"after": garbage})
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert answer.json()["error"]["type"] == "invalid_request_error"


async def test_a_slow_reader_slows_nobody_and_loses_nothing(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=300 rate=300 first=0]] [[sim: big-delta=3000000]]")
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port, limit=16 * 1024)
    writer.write(f"GET /v1/streams/{stream_id}/events HTTP/1.1\r\nhost: [::1]\r\nconnection: close\r\n\r\n".encode())
    quick = await api.see(stream_id)
    assert quick.end is not None
    writer.write(b"")
    slow = bytearray()
    while data := await reader.read(16 * 1024):
        slow += data
    writer.close()
    text = dechunked(bytes(slow).split(b"\r\n\r\n", 1)[1])
    seen = b"".join(block + b"\n\n" for block in text.split(b"\n\n") if b"\nid: " in block)
    assert seen == bytes(quick.seen) == await api.log(stream_id)


async def test_a_head_request_has_the_headers_alone(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=200 rate=100 first=0]]")
    answer = await api.call("HEAD", f"/v1/streams/{stream_id}/events")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "text/event-stream"
    await api.cancel(stream_id)


async def test_http_1_0_is_served_without_chunks(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=60 rate=100 first=0]]")
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(f"GET /v1/streams/{stream_id}/events HTTP/1.0\r\n\r\n".encode())
    head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
    writer.close()
    assert b"transfer-encoding" not in head.lower()
    assert body.endswith(await api.log(stream_id))


async def test_a_connection_can_be_used_again_after_a_stream(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=60 rate=100 first=0]]")
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    for _ in range(2):
        writer.write(f"GET /v1/streams/{stream_id}/events HTTP/1.1\r\nhost: [::1]\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        # Under `connection: close` Node's fetch takes a cut body for a whole one.
        assert b"connection:" not in head.lower()
        if b"chunked" in head:
            await reader.readuntil(b"\r\n0\r\n\r\n")
    writer.write(b"GET /healthz HTTP/1.1\r\nhost: [::1]\r\nconnection: close\r\n\r\n")
    assert (await reader.read(-1)).endswith(b'{"status":"ok"}')
    writer.close()


async def test_a_client_that_sends_while_it_reads_gets_its_stream_and_then_the_end(api: Api) -> None:
    stream_id = await api.submit("[[sim: tokens=60 rate=100 first=0]]")
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(f"GET /v1/streams/{stream_id}/events HTTP/1.1\r\nhost: [::1]\r\n\r\n".encode())
    await reader.readuntil(b"event: ")
    writer.write(b"GET /healthz HTTP/1.1\r\nhost: [::1]\r\n\r\n")
    rest = await reader.read(-1)
    assert b"relay.end" in rest
    assert rest.endswith(b"\r\n0\r\n\r\n")
    writer.close()


async def test_an_unknown_stream_is_404_on_every_path(api: Api) -> None:
    for method, path in (("GET", ""), ("GET", "/events"), ("GET", "/message"), ("POST", "/cancel")):
        for stream_id in ("st_" + "0" * 32, "nonsense", "queue}:jobs", "%00"):
            answer = await api.call(method, f"/v1/streams/{stream_id}{path}")
            assert answer.status_code == httpx.codes.NOT_FOUND, (method, path, stream_id)
            assert answer.json()["error"]["type"] == "not_found_error"
            assert answer.json()["request_id"] == answer.headers["request-id"]


async def test_a_stream_that_was_kept_long_enough_is_gone_and_says_so() -> None:
    async with Cluster(stream_ttl=STREAM_TTL) as cluster:
        api = Api(cluster)
        stream_id = await api.submit("[[sim: tokens=1 rate=0 first=0]]")
        sight = await api.see(stream_id)
        with pytest.raises(Refused, match="410"):
            await until_refused(stream_id, api.port)
        for method, path in (
            ("GET", ""),
            ("GET", f"/events?after={sight.after}"),
            ("GET", "/message"),
            ("POST", "/cancel"),
        ):
            answer = await api.call(method, f"/v1/streams/{stream_id}{path}")
            assert answer.status_code == httpx.codes.GONE, path
        await api.close()


async def until_refused(stream_id: str, port: int) -> None:
    while True:
        await connect_once(Sight(stream_id), port)


async def read_bytes(port: int, stream_id: str, length: int) -> bytes:
    """The first bytes of a body of known length; then the connection is cut."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /v1/streams/{stream_id}/events HTTP/1.1\r\nhost: [::1]\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    data = await reader.readexactly(length)
    writer.transport.abort()
    return data


def dechunked(body: bytes) -> bytes:
    parts, at = [], 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end], 16)
        if size == 0:
            assert body[end:] == b"\r\n\r\n"
            return b"".join(parts)
        parts.append(body[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
