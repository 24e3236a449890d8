"""What a connection may do to a reader: nothing is missing, nothing comes twice, and what is final is said."""

from __future__ import annotations

import asyncio
import threading
import tracemalloc

import pytest

from app.clients.python.keepstream import (
    AsyncClient,
    Client,
    Event,
    GoneError,
    InvalidAnswerError,
    KeepstreamError,
    NotFoundError,
    RateLimitError,
    RefusedError,
    Reset,
    ServerError,
    UnreachableError,
)
from app.clients.python.keepstream.core import resuming
from tests.app.clients.python.keepstream.either import Either, Make
from tests.app.clients.python.keepstream.scripted import END, STREAM, Scripted, events, frame, refusal, whole
from tests.patience import PATIENCE

ONE, TWO = frame("Wörter ", 1), frame("東京 👋", 2)
SUBMITTED = f'{{"id":"{STREAM}","state":"queued","events_url":"/x","cancel_url":"/y"}}'


def text(read: list[Event]) -> str:
    return "".join(event.text for event in read)


class Enough(Exception):  # noqa: N818  # not a fault
    """What a test has somebody say who does not want to wait."""


def no_waiting(state: str, wait: float) -> None:
    if state == "waiting":
        raise Enough(wait)


# The end of the second frame is its id, then its data; letters of three and of four bytes are in it.
@pytest.mark.parametrize("cut", [1, 2, 3, 9, 12, 13, 14, 15, 16, 40, 80, len(TWO.encode()) - 1])
async def test_an_event_that_was_cut_off_is_none(make: Make, cut: int) -> None:
    async with Scripted(events(ONE, TWO, cut=cut), events(TWO, END)) as server:
        read = await make(server.url).all(STREAM)
    assert text(read) == "Wörter 東京 👋"
    assert server.sent("last-event-id") == [None, "1"]


@pytest.mark.parametrize("line", ["\n", "\r\n", "\r"])
async def test_a_line_ends_as_lines_of_events_do_and_no_other_way(make: Make, line: str) -> None:
    answer = events(frame("a\u2028b\x85c", 1, line=line), END).replace(
        b"event-stream", b"event-stream; charset=latin-1"
    )
    async with Scripted(answer) as server:
        read = await make(server.url).all(STREAM)
    assert text(read) == "a\u2028b\x85c"


async def test_silence_is_a_dead_connection(make: Make) -> None:
    async with Scripted(events(ONE, hangs=True), events(TWO, END)) as server:
        read = await make(server.url, timeout=0.1).all(STREAM)
        await server.was_left()
    assert text(read) == "Wörter 東京 👋"


async def test_what_cannot_be_honoured_is_forgotten_with_its_place(make: Make) -> None:
    reset = 'event: relay.reset\ndata: {"attempt":1,"reason":"unknown_id"}\n\n'
    async with Scripted(events(ONE), events(reset), events(frame("anew", 3), END)) as server:
        read = await make(server.url).all(STREAM, after="7")
    assert server.sent("last-event-id") == ["7", "1", None]
    (at,) = (n for n, event in enumerate(read) if isinstance(event, Reset))
    assert text(read[at:]) == "anew"


async def test_a_lost_stream_is_gone(make: Make) -> None:
    lost = 'event: relay.reset\ndata: {"attempt":1,"reason":"lost"}\n\n'
    async with Scripted(events(ONE, lost)) as server:
        found = make(server.url).events(STREAM)
        assert [(await anext(found)).type for _ in range(2)] == ["content_block_delta", "relay.reset"]
        with pytest.raises(GoneError, match="lost"):
            await anext(found)


async def test_who_stands_at_the_ending_is_told_nothing(make: Make) -> None:
    async with Scripted(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n") as server:
        assert await make(server.url).all(STREAM, after="9") == []
    assert len(server.heads) == 1


async def test_nothing_is_asked_for_after_the_ending(make: Make) -> None:
    async with Scripted(events(ONE, END, hangs=True)) as server:
        assert len(await make(server.url).all(STREAM)) == 2
        await server.was_left()
    assert len(server.heads) == 1


# --- what is refused


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("400 Bad Request", RefusedError),
        ("404 Not Found", NotFoundError),
        ("410 Gone", GoneError),
        ("429 Too Many Requests", RateLimitError),
    ],
)
async def test_what_is_final_is_asked_once(make: Make, status: str, kind: type[KeepstreamError]) -> None:
    answer = refusal(status, "some_error", "because", retry_after="7", x_keepstream_id="st_2")
    async with Scripted(answer) as server:
        client = make(server.url)
        for refusing in (client.all(STREAM), client("submit", "Hello"), client("message", STREAM)):
            with pytest.raises(kind, match="because") as refused:
                await refusing
            assert (refused.value.retry_after, refused.value.stream_id, refused.value.final) == (7.0, "st_2", True)
    assert len(server.heads) == 3


async def test_what_passes_is_waited_for_as_long_as_the_server_says(make: Make) -> None:
    busy = refusal("503 Service Unavailable", "api_error", "draining", retry_after="7")
    async with Scripted(busy) as server:
        for waiting in (
            make(server.url).all(STREAM, on_state=no_waiting),
            make(server.url)("submit", "Hello", on_state=no_waiting),
        ):
            with pytest.raises(Enough) as waits:
                await waiting
            assert waits.value.args[0] >= 7


async def test_a_submit_that_fails_is_made_five_times_under_one_key(make: Make) -> None:
    away = refusal("500 Internal Server Error", "api_error", "a fault")
    async with Scripted(away) as server:
        with pytest.raises(ServerError, match="a fault"):
            await make(server.url)("submit", "Hello")
        assert len(server.heads) == resuming.SUBMIT_TRIES
    assert len(set(server.sent("idempotency-key"))) == 1
    async with Scripted(b"", b"", whole("202 Accepted", SUBMITTED)) as server:
        assert (await make(server.url)("submit", "Hello", idempotency_key="mine"))["id"] == STREAM
    assert server.sent("idempotency-key") == ["mine"] * 3


async def test_nobody_at_the_address_is_said_so(make: Make) -> None:
    async with Scripted(b"") as server:
        address = server.url
    with pytest.raises(UnreachableError) as unreachable:
        await make(address)("stream", STREAM)
    assert (unreachable.value.status, unreachable.value.final) == (None, False)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (whole("200 OK", "<p>Sign in", content_type="text/html"), "text/html came instead"),
        (whole("200 OK", "{", content_type="application/json"), "no Keepstream"),
        (events("event: x\ndata: {\n\n"), "without JSON"),
    ],
    ids=["a page", "half an answer", "half an event"],
)
async def test_what_is_no_keepstream_is_told_and_not_asked_again(make: Make, answer: bytes, said: str) -> None:
    async with Scripted(answer) as server:
        client = make(server.url)
        with pytest.raises(InvalidAnswerError) as invalid:
            await client.all(STREAM)
        if b"event-stream" not in answer:
            with pytest.raises(InvalidAnswerError):
                await client("submit", "Hello")
            assert "no Keepstream" in str(invalid.value)
        else:
            assert said in str(invalid.value)


async def test_a_redirection_is_told_with_where_it_leads(make: Make) -> None:
    async with Scripted(whole("308 Permanent Redirect", location="https://a:b@there/x?ticket=t")) as server:
        with pytest.raises(RefusedError, match=r"the server is at https://there/x") as refused:
            await make(server.url)("stream", STREAM)
    assert "a:b" not in str(refused.value)


# --- leaving, and many at once


async def test_who_leaves_a_loop_has_left_the_connection() -> None:
    async with Scripted(events(ONE, hangs=True)) as server:

        def blocking() -> None:
            with Client(server.url) as client:
                for _ in client.events(STREAM):
                    break
                asyncio.run_coroutine_threadsafe(server.was_left(), loop).result()

        loop = asyncio.get_running_loop()
        await asyncio.to_thread(blocking)
        async with AsyncClient(server.url) as client:
            async for _ in client.events(STREAM):
                break
            await server.was_left()
            async with client.events(STREAM) as found:
                async for _ in found:
                    break
            await server.was_left()
            reading = asyncio.create_task(Either(client).all(STREAM))
            while len(server.heads) < 4:
                await asyncio.sleep(0.005)
            reading.cancel()
            await server.was_left()
            with pytest.raises(asyncio.CancelledError):
                await reading


async def test_what_is_told_of_the_connection_may_end_the_reading(make: Make) -> None:
    async with Scripted(events(ONE)) as server:
        with pytest.raises(Enough):
            await make(server.url).all(STREAM, on_state=no_waiting)
    assert len(server.heads) == 1


async def test_many_threads_share_one_client() -> None:
    async with Scripted(events(ONE), *(events(ONE, TWO, cut=3),) * 5, *(events(TWO, END),) * 99) as server:
        with Client(server.url) as client:
            found: list[str] = []

            def read() -> None:
                found.append(text(list(client.events(STREAM)))[-4:])

            threads = [threading.Thread(target=read) for _ in range(8)]
            for thread in threads:
                thread.start()
            await asyncio.to_thread(lambda: [thread.join(PATIENCE) for thread in threads])
    assert found == ["東京 👋"] * 8


async def test_a_log_of_megabytes_takes_no_memory(make: Make) -> None:
    large, count = 32 * 1024, 300
    async with Scripted(events(*(frame("x" * large, f"{n:09}") for n in range(count)), END)) as server:
        client = make(server.url)
        tracemalloc.start()
        try:
            read = 0
            async for event in client.events(STREAM):
                read += len(event.text)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert read == large * count
    assert peak < 3 * 2**20


async def test_no_proxy_is_asked_for_what_runs_here(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with Scripted(events(ONE, END)) as server:
        assert len(await make(server.url).all(STREAM)) == 2
