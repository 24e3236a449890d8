"""Who leaves an answer, or is sent away from it, and who comes back to it."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from app.faces.messages import prompt
from app.fanout.drain import send_all_away
from app.stream.endings import Outcome
from app.watch.events.of_fronts import ReaderJoined
from tests.app.faces.messages.calls import (
    HELLO,
    MESSAGE,
    START,
    STOP,
    WORLD,
    asking,
    error_of,
    is_cancelled,
    keyed,
    last_event,
    outcome_of,
    post,
    wait_for_cancel,
    wire,
)
from tests.app.served import Served, until
from tests.harness.heard import heard


class TestLastEventId:
    async def test_a_streaming_retry_goes_on_where_it_was(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http, headers=keyed())
        author = await front.author()
        await author.write(START, HELLO)
        last_id = author.last_id
        with heard() as events:
            again = post(http, headers=keyed(**{"last-event-id": last_id}))
            await author.write(WORLD, STOP)
            await author.end(Outcome.COMPLETED)
            assert (await call).content == wire(START, HELLO, WORLD, STOP)
            assert (await again).content == wire(WORLD, STOP)
        assert True in [event.resumed for event in events if isinstance(event, ReaderJoined)]

    async def test_who_had_the_message_stop_is_told_that_nothing_follows(
        self, front: Served, http: httpx.AsyncClient
    ) -> None:
        call = post(http, headers=keyed())
        author = await front.author()
        await author.write(START, STOP)
        await call
        last_id = author.last_id
        again = post(http, headers=keyed(**{"last-event-id": last_id}))
        await until(lambda: front.hub.readers)
        await author.end(Outcome.COMPLETED)
        response = await again
        assert (response.status_code, response.content) == (204, b"")
        assert "content-type" not in response.headers
        later = await http.post("/v1/messages", json=asking(), headers=keyed(**{"last-event-id": last_id}))
        assert (later.status_code, later.content) == (204, b"")

    async def test_a_restart_voids_what_was_shown_before(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http, asking(stream=False), headers=keyed())
        author = await front.author()
        await author.write(START, HELLO)
        last_id = author.last_id
        await author.restart()
        await author.write(START, WORLD, STOP)
        again = await http.post("/v1/messages", json=asking(), headers=keyed(**{"last-event-id": last_id}))
        assert (again.status_code, error_of(again)["type"]) == (500, "api_error")
        await author.end(Outcome.COMPLETED, message=MESSAGE)
        await call

    async def test_who_has_it_all_is_told_so(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http, headers=keyed())
        author = await front.author()
        await author.write(START, STOP)
        await author.end(Outcome.COMPLETED)
        await call
        done = await http.post("/v1/messages", json=asking(), headers=keyed(**{"last-event-id": author.last_id}))
        assert (done.status_code, done.content) == (204, b"")
        assert done.headers["x-keepstream-id"] == author.stream_id

    @pytest.mark.parametrize("last_id", ["000000100-00000000", "nonsense"])
    async def test_an_event_of_no_stream_or_of_another_is_refused_and_nothing_is_started(
        self, front: Served, http: httpx.AsyncClient, last_id: str
    ) -> None:
        call = post(http, headers=keyed())
        author = await front.author()
        await author.write(START, HELLO)
        for headers in (keyed(), keyed("another"), {}):
            refused = await http.post("/v1/messages", json=asking(), headers=headers | {"last-event-id": last_id})
            assert refused.status_code == 400
        assert await front.front.streams.queue.waiting() == 0
        await author.end(Outcome.CANCELLED)
        await call


class TestAClientThatLeaves:
    @pytest.fixture(autouse=True)
    def _soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(prompt, "ABANDON_SECONDS", 0.05)

    async def test_without_a_key_the_stream_is_cancelled(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http)
        author = await front.author()
        assert author.meta["abandon_after"] == b"0.05"
        await author.write(START, HELLO)
        call.cancel()
        await wait_for_cancel(front, author.stream_id)

    async def test_also_while_it_waits(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http)
        await until(lambda: front.hub.readers)
        [tail] = front.hub.tails
        call.cancel()
        await until(lambda: outcome_of(front, tail.stream_id))
        assert await outcome_of(front, tail.stream_id) == b"cancelled"

    async def test_unless_somebody_reads_it_at_its_own_address(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http)
        author = await front.author()
        await author.write(START, HELLO)
        async with http.stream("GET", f"/v1/streams/{author.stream_id}/events") as response:
            call.cancel()
            parts = response.aiter_raw()
            await author.write(WORLD)
            while b"world" not in await anext(parts):
                pass
            await until(lambda: len(front.hub.readers) == 1)
            await asyncio.sleep(0.2)  # four times what an unread stream is given
            assert await is_cancelled(front, author.stream_id) is False
        await wait_for_cancel(front, author.stream_id)

    async def test_with_a_key_the_stream_goes_on(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http, headers=keyed())
        author = await front.author()
        assert b"abandon_after" not in author.meta
        await author.write(START, HELLO)
        call.cancel()
        await until(lambda: not front.hub.readers)
        await asyncio.sleep(0.2)  # four times what an unread stream is given
        assert await is_cancelled(front, author.stream_id) is False
        again = post(http, headers=keyed())
        await author.write(WORLD, STOP)
        assert (await again).content == wire(START, HELLO, WORLD, STOP)

    @pytest.mark.parametrize("headers", [{}, keyed()], ids=["without a key", "with a key"])
    @pytest.mark.parametrize("stream", [True, False], ids=["streaming", "whole"])
    async def test_a_word_of_its_own_counts(
        self, front: Served, http: httpx.AsyncClient, headers: dict[str, str], *, stream: bool
    ) -> None:
        call = post(http, asking(stream=stream, relay={"abandon_after": 0.02}), headers=headers)
        author = await front.author()
        assert author.meta["abandon_after"] == b"0.02"
        await until(lambda: front.hub.readers)
        call.cancel()
        await wait_for_cancel(front, author.stream_id)


class TestDraining:
    async def test_a_front_that_drains_takes_nothing_new(self, front: Served, http: httpx.AsyncClient) -> None:
        front.hub.draining = True
        response = await http.post("/v1/messages", json=asking())
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
        assert response.headers["connection"] == "close"
        assert await front.front.streams.queue.waiting() == 0

    async def test_an_answer_that_ends_in_time_is_whole(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http)
        author = await front.author()
        await author.write(START, HELLO)
        await until(lambda: front.hub.readers)
        front.hub.leave_by = asyncio.get_running_loop().time() + 20
        await send_all_away(front.hub, 0)
        await author.write(STOP)
        assert (await call).content == wire(START, HELLO, STOP)

    async def test_one_that_does_not_ends_with_an_error(self, front: Served, http: httpx.AsyncClient) -> None:
        call = post(http)
        author = await front.author()
        await author.write(START, HELLO)
        await until(lambda: any(reader.position.offset for reader in front.hub.readers))
        front.hub.leave_by = asyncio.get_running_loop().time() + 0.05
        await send_all_away(front.hub, 0)
        response = await call
        assert response.content.startswith(wire(START, HELLO))
        name, data = last_event(response.content)
        assert (name, data["error"]["type"]) == ("error", "api_error")

    async def test_one_without_a_head_is_sent_to_another_front(self, front: Served, http: httpx.AsyncClient) -> None:
        streamed, whole = post(http), post(http, asking(stream=False))
        await until(lambda: len(front.hub.readers) == 2)
        await send_all_away(front.hub, 0)
        for call in (streamed, whole):
            response = await call
            assert response.status_code == 503
            assert response.headers["retry-after"] == "1"
            assert "x-keepstream-id" in response.headers
