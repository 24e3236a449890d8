"""What comes next of a Durable Stream: to who waits for it, and to who is told all of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as AwayError
from starlette.responses import Response

from app.faces.durable import answer
from app.faces.durable.view import Answered
from app.fanout import catchup
from app.fanout.drain import send_all_away
from app.http.connection import bounds
from app.http.whole import Large
from app.stream import keys
from app.stream.endings import Outcome
from app.stream.frames import Position, origin
from app.stream.log import READ_BYTES
from tests.app.faces.durable.reading import START, STOP, events, get, path, text, types, waiting
from tests.app.served import Author, Served, until
from tests.patience import PATIENCE

LARGE = text("long " * 20_000)


class TestLongPoll:
    async def test_it_gets_what_comes_and_where_to_go_on(self, front: Served, author: Author) -> None:
        async with waiting(front, author, offset="-1") as poll:
            await author.write(START, text("a"))
            found = await poll
        assert types(found.json()) == ["message_start", "content_block_delta"]
        assert found.headers["stream-next-offset"] == author.last_id
        assert found.headers["stream-up-to-date"] == "true"
        assert found.headers["stream-cursor"].isdigit()
        assert "stream-closed" not in found.headers

    async def test_the_ending_comes_with_its_word(self, front: Served, author: Author) -> None:
        await author.write(START, text("a"), STOP)
        async with waiting(front, author, offset=author.last_id) as poll:
            await author.end(Outcome.COMPLETED)
            found = await poll
        assert types(found.json()) == ["relay.end"]
        assert found.headers["stream-closed"] == "true"
        assert "stream-cursor" not in found.headers
        again = await get(front, path(author), offset=found.headers["stream-next-offset"], live="long-poll")
        assert (again.status_code, again.content, again.headers["stream-closed"]) == (204, b"", "true")

    async def test_where_nothing_comes_it_is_told_so_and_when_to_go_on(
        self, front: Served, author: Author, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(answer.WaitingAnswer, "first_seconds", 0.05)
        await author.write(START, text("a"))
        found = await get(front, path(author), offset="now", live="long-poll", cursor="99999999")
        assert (found.status_code, found.content) == (204, b"")
        assert found.headers["stream-next-offset"] == author.last_id
        assert found.headers["stream-up-to-date"] == "true"
        assert int(found.headers["stream-cursor"]) > 99_999_999

    @pytest.mark.parametrize("error", [AwayError, None])
    async def test_where_nobody_could_look_it_is_not_told_that_nothing_came(
        self, front: Served, author: Author, monkeypatch: pytest.MonkeyPatch, error: type[Exception] | None
    ) -> None:
        async def away(*_: object, **__: object) -> None:
            if error is not None:
                raise error
            await asyncio.Event().wait()

        monkeypatch.setattr(answer.WaitingAnswer, "first_seconds", 0.3)
        monkeypatch.setattr(answer, "LOOK_SECONDS", 0.05)
        await author.write(START)
        async with waiting(front, author, offset=author.last_id) as poll:
            monkeypatch.setattr(front.hub.log, "read", away)
            found = await poll
        assert (found.status_code, found.headers["stream-next-offset"]) == (204, author.last_id)
        assert "stream-up-to-date" not in found.headers

    async def test_a_front_that_drains_sends_it_elsewhere(self, front: Served, author: Author) -> None:
        async with waiting(front, author, offset="-1") as poll:
            await send_all_away(front.hub, 0)
            found = await poll
        assert (found.status_code, found.headers["connection"]) == (204, "close")
        assert found.headers["stream-next-offset"] == origin(author.stream_id).id
        assert "stream-up-to-date" not in found.headers

    async def test_of_a_large_event_it_gets_all_and_holds_nothing_before(self, front: Served, author: Author) -> None:
        async with waiting(front, author, offset="-1") as poll:
            await author.write(START, LARGE)
            found = await poll
            after = found.headers["stream-next-offset"]
            rest = await get(front, path(author), offset=after) if after != author.last_id else None
        messages = found.json() + (rest.json() if rest else [])
        assert messages == [START[1], LARGE[1]]

    async def test_whose_place_is_lost_while_it_waits_is_told(
        self, front: Served, author: Author, redis: Redis
    ) -> None:
        await author.write(START, text("a"))
        async with waiting(front, author, offset=author.last_id) as poll:
            await redis.delete(keys.log(author.stream_id), keys.meta(author.stream_id))
            await front.beat.look()
            assert (await poll).status_code == 410

    async def test_who_leaves_is_gone(self, front: Served, author: Author, monkeypatch: pytest.MonkeyPatch) -> None:
        # That a client has closed more than its half is found out by writing to it.
        monkeypatch.setattr(bounds, "POKES", (0.05,))
        async with waiting(front, author, offset="-1") as poll:
            poll.cancel()
            await until(lambda: not front.hub.tails)


class TestEvents:
    async def test_all_that_comes_until_it_is_closed(self, front: Served, author: Author) -> None:
        async with events(front, author, offset="-1") as told:
            name, control = await told.next()
            assert (name, control["streamNextOffset"]) == ("control", origin(author.stream_id).id)
            assert (control["upToDate"], control["streamCursor"].isdigit()) == (True, True)
            await author.write(START, text("a"))
            assert await told.next() == ("data", [START[1], text("a")[1]])
            name, control = await told.next()
            assert (control["streamNextOffset"], control["upToDate"]) == (author.last_id, True)
            await author.write(STOP)
            assert (await told.next())[1] == [STOP[1]]
            await told.next()
            await author.end(Outcome.COMPLETED)
            (_, [end]), (_, control) = await told.rest()
        assert end["type"] == "relay.end"
        assert control == {"streamNextOffset": author.last_id, "upToDate": True, "streamClosed": True}

    async def test_what_has_ended_is_told_at_once(self, front: Served, author: Author) -> None:
        await author.write(START, text("a"), STOP)
        await author.end(Outcome.COMPLETED)
        for offset, size in (("-1", 4), ("now", 0), (author.last_id, 0)):
            async with events(front, author, offset=offset) as told:
                *data, (_, control) = await told.rest()
            assert [len(messages) for _, messages in data] == [size] * bool(size)
            assert control == {"streamNextOffset": author.last_id, "upToDate": True, "streamClosed": True}
        assert not front.hub.tails

    async def test_a_large_event_comes_in_parts_and_is_one(
        self, front: Served, author: Author, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(catchup, "STEP_BYTES", 1024)
        async with events(front, author, offset="-1") as told:
            await told.next()
            await author.write(START, LARGE, text("b"))
            found: list[Any] = []
            while len(found) < 3:
                name, said = await told.next()
                found += said if name == "data" else []
                if name == "data":
                    assert (await told.next())[0] == "control"
        assert found == [START[1], LARGE[1], text("b")[1]]

    async def test_who_is_behind_is_up_to_date_with_the_last_of_it(
        self, front: Served, author: Author, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(catchup, "STEP_BYTES", 512)
        await author.write(START, *[text(str(n)) for n in range(20)])
        async with events(front, author, offset="-1") as told:
            controls = []
            while not controls or controls[-1]["streamNextOffset"] != author.last_id:
                name, said = await told.next()
                controls += [said] if name == "control" else []
        assert len(controls) > 2
        assert [control.get("upToDate", False) for control in controls] == [False] * (len(controls) - 1) + [True]

    async def test_after_a_while_it_ends_at_a_place(
        self, front: Served, author: Author, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(answer, "SSE_SECONDS", 0.05)
        await author.write(START, text("a"))
        async with asyncio.timeout(PATIENCE), events(front, author, offset="-1") as told:
            *_, (name, control) = await told.rest()
        assert (name, control["streamNextOffset"]) == ("control", author.last_id)
        assert "streamClosed" not in control

    async def test_so_it_does_where_the_front_drains(self, front: Served, author: Author) -> None:
        async with events(front, author, offset="-1") as told:
            await told.next()
            await send_all_away(front.hub, 0)
            assert await told.rest() == []

    async def test_a_new_attempt_is_told_by_a_message(self, front: Served, author: Author) -> None:
        await author.write(START, text("a"))
        async with events(front, author, offset="-1") as told:
            await told.next()
            await told.next()
            await author.restart()
            await author.write(START)
            assert types((await told.next())[1]) == ["relay.reset"]

    async def test_another_history_ends_it_and_whoever_comes_back_is_told(
        self, front: Served, author: Author, redis: Redis
    ) -> None:
        await author.write(START, text("a"))
        async with events(front, author, offset="-1") as told:
            await told.next()
            await told.next()
            await redis.delete(keys.log(author.stream_id), keys.meta(author.stream_id))
            await front.beat.look()
            assert await told.rest() == []


async def test_a_page_is_bounded_and_the_next_one_goes_on(front: Served, author: Author) -> None:
    wanted = []
    for n in range(12):
        event = text(f"{n} " + "x" * (READ_BYTES // 8))
        wanted.append(event[1])
        await author.write(event)
    found, offset, pages = [], "-1", 0
    while True:
        answered = await get(front, path(author), offset=offset)
        found += answered.json()
        pages, offset = pages + 1, answered.headers["stream-next-offset"]
        assert len(answered.content) <= READ_BYTES
        if "stream-up-to-date" in answered.headers:
            break
    assert (found, pages) == (wanted, 2)
    assert offset == author.last_id


async def test_of_a_large_page_no_client_holds_its_own(front: Served, author: Author) -> None:
    await author.write(text("x" * 2 * READ_BYTES))  # one event is never cut
    pages = await asyncio.gather(*[get(front, path(author)) for _ in range(4)])
    assert {page.content for page in pages} == {pages[0].content}
    assert len(pages[0].content) > 2 * READ_BYTES
    client = answer.Client(None, "", by_ticket=False, now=False, live=False)
    for size, kind in ((answer.WHOLE_BYTES, Response), (answer.WHOLE_BYTES + 1, Large)):
        answered = Answered(author.stream_id, Position(0, 0), Position(size, 0), up_to_date=True, closed=False)
        assert type(answer.page(front.front, client, answered, b"")) is kind
