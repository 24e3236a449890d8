"""`/v1/streams/{id}/log`: who may read it, from where, and what is said of the way (G2)."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as AwayError

from app.access.identity.keys_file import digest_of
from app.settings import Settings
from app.stream.endings import Outcome
from app.stream.frames import origin
from app.watch.events.of_fronts import ReaderServed, ReaderTurnedAway
from tests.app.faces.durable.reading import START, STOP, events, get, path, text, types
from tests.app.served import Author, Served, limited_front, served
from tests.harness.heard import heard

LIVE: list[dict[str, str]] = [{}, {"live": "long-poll"}, {"live": "sse"}]
KEYS = {"alice": "ks_alice", "bob": "ks_bob"}


async def test_it_begins_with_the_newest_attempt_and_who_was_there_is_told(front: Served, author: Author) -> None:
    await author.write(START, text("void"))
    before = author.last_id
    await author.restart()
    await author.write(START, text("a"), STOP)
    await author.end(Outcome.COMPLETED)
    whole = types((await get(front, path(author))).json())
    assert whole == ["message_start", "content_block_delta", "message_stop", "relay.end"]
    assert types((await get(front, path(author), offset=before)).json()) == ["relay.reset", *whole]


async def test_reading_on_doubles_nothing_and_leaves_nothing_out(front: Served, author: Author) -> None:
    offset, found = "-1", []
    for n in range(5):
        await author.write(text(str(n)))
        page = await get(front, path(author), offset=offset)
        found += page.json()
        offset = page.headers["stream-next-offset"]
    assert [message["delta"]["text"] for message in found] == list("01234")


async def test_a_log_without_a_frame_has_a_place_to_go_on_from(front: Served, author: Author) -> None:
    empty = await get(front, path(author))
    assert (empty.json(), empty.headers["stream-next-offset"]) == ([], origin(author.stream_id).id)
    assert empty.headers["cache-control"] == "no-store"
    await author.write(START)
    assert types((await get(front, path(author), offset=empty.headers["stream-next-offset"])).json()) == [START[0]]


async def test_what_makes_no_sense_is_400(front: Served, author: Author) -> None:
    twice = "offset=-1&offset=-1"
    for query in ("offset=", "offset=1", "offset=0,1", twice, "live=sse", "live=long-poll", "offset=-1&live=true"):
        assert (await get(front, f"{path(author)}?{query}")).status_code == 400, query


async def test_a_place_of_another_log_is_gone(front: Served, author: Author) -> None:
    await author.write(START)
    for offset in ("000000041-9f3a1c22", origin("st_another").id, "999999999-00000000"):
        for live in LIVE:
            gone = await get(front, path(author), offset=offset, **live)
            assert gone.status_code == 410, (offset, live)
            assert "-1" in gone.json()["error"]["message"]


async def test_head_tells_the_end(front: Served, author: Author) -> None:
    async with httpx.AsyncClient(base_url=front.url) as http:
        assert (await http.head(path(author))).headers["stream-next-offset"] == origin(author.stream_id).id
        await author.write(START, STOP)
        running = await http.head(path(author))
        await author.end(Outcome.COMPLETED)
        ended = await http.head(path(author))
    assert "stream-closed" not in running.headers
    assert (running.headers["content-type"], running.headers["cache-control"]) == ("application/json", "no-store")
    assert (ended.headers["stream-closed"], ended.headers["stream-next-offset"]) == ("true", author.last_id)


async def test_head_refuses_what_get_refuses_and_says_no_length_that_get_has_not(front: Served, author: Author) -> None:
    await author.write(START)
    wrong = ("offset=", "offset=1", "live=sse", "offset=-1&live=true", f"offset={origin('st_another').id}")
    async with httpx.AsyncClient(base_url=front.url) as http:
        for query in (*wrong, "offset=now", f"offset={author.last_id}"):
            address = f"{path(author)}?{query}"
            head, whole = await http.head(address), await http.get(address)
            assert head.status_code == whole.status_code, query
            assert whole.status_code == 200 or query in wrong
        assert "content-length" not in head.headers


async def test_who_has_it_is_not_sent_it_again_until_it_is_another(front: Served, author: Author) -> None:
    await author.write(START)
    etag = (await get(front, path(author))).headers["etag"]
    known = await get(front, path(author), {"if-none-match": etag})
    assert (known.status_code, known.content) == (304, b"")
    assert known.headers["stream-next-offset"] == author.last_id
    await author.end(Outcome.COMPLETED)
    at_end = await get(front, path(author), {"if-none-match": etag}, offset=author.last_id)
    assert (at_end.status_code, at_end.headers["stream-closed"]) == (200, "true")


class TestWhoMayRead:
    @pytest.fixture
    async def front(self, redis: Redis, tmp_path: Path) -> object:
        (tmp_path / "keys").write_text("".join(f"{name} {digest_of(key)}\n" for name, key in KEYS.items()))
        async with served(redis, Settings(api_keys_file=str(tmp_path / "keys"))) as made:
            yield made

    @pytest.fixture
    async def author(self, front: Served) -> Author:
        async with httpx.AsyncClient(base_url=front.url, headers={"x-api-key": KEYS["alice"]}) as http:
            await http.post("/v1/streams", json={"prompt": "hi"})
        author = await front.author()
        await author.write(START, text("a"))
        return author

    async def test_its_owner_and_nobody_else(self, front: Served, author: Author) -> None:
        async with events(front, author, offset="-1", ticket=await ticket_of(front, author)) as told:
            await told.next()  # so its tail is here, and is asked first
            for key, status in ((None, 401), ("ks_nobody", 401), (KEYS["bob"], 404)):
                headers = {"x-api-key": key} if key else {}
                answers = [await get(front, path(author), headers, offset=author.last_id, **live) for live in LIVE]
                assert [answer.status_code for answer in answers] == [status] * len(LIVE)

    async def test_what_a_key_opened_is_for_no_other_that_has_the_same_cache(
        self, front: Served, author: Author
    ) -> None:
        page = await get(front, path(author), {"x-api-key": KEYS["alice"]})
        assert page.headers["cache-control"].startswith("private")
        assert {"authorization", "x-api-key", "x-keepstream-user", "cookie"} <= set(page.headers["vary"].split(", "))

    async def test_what_its_address_opens_may_be_kept_by_a_cache_for_all(self, front: Served, author: Author) -> None:
        ticket = await ticket_of(front, author)
        page = await get(front, path(author), ticket=ticket)
        assert (page.status_code, page.headers["cache-control"]) == (200, "public, max-age=60")
        with_key = await get(front, path(author), {"x-api-key": KEYS["alice"]}, ticket=ticket)
        assert with_key.headers["cache-control"].startswith("private")


async def ticket_of(front: Served, author: Author) -> str:
    async with httpx.AsyncClient(base_url=front.url, headers={"x-api-key": KEYS["alice"]}) as http:
        made = await http.post(f"/v1/streams/{author.stream_id}/ticket")
    ticket: str = made.json()["ticket"]
    return ticket


async def test_a_front_that_drains_takes_nobody_who_stays(front: Served, author: Author) -> None:
    front.hub.draining = True
    found = [await get(front, path(author), offset="-1", **live) for live in LIVE]
    assert [(answer.status_code, answer.headers.get("retry-after")) for answer in found] == [
        (200, None),
        (503, "1"),
        (503, "1"),
    ]


async def test_while_redis_is_away_one_is_to_come_back(
    front: Served, author: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise AwayError

    monkeypatch.setattr(front.log, "read", away)
    for live in LIVE:
        refused = await get(front, path(author), offset="-1", **live)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")


async def test_who_reads_as_much_as_it_may_is_told_so(redis: Redis, tmp_path: Path) -> None:
    async with limited_front(redis, tmp_path, "[default]\nopen_readers = 1\n", "claude-sonnet-5") as (front, http):
        await http.post(f"{front.url}/v1/streams", json={"prompt": "hi"})
        author = await front.author()
        async with events(front, author, offset="-1") as told:
            await told.next()
            assert (await get(front, path(author), offset="-1", live="long-poll")).status_code == 429
            assert (await get(front, path(author))).status_code == 200


async def test_its_readers_are_told_under_its_name(front: Served, author: Author) -> None:
    await author.write(START)
    with heard() as told:
        await get(front, path(author))
        await get(front, path(author), offset="nonsense")
    [served_one] = [event for event in told if isinstance(event, ReaderServed)]
    [refused] = [event for event in told if isinstance(event, ReaderTurnedAway)]
    assert (served_one.face, served_one.resumed) == ("durable", False)
    assert (refused.face, refused.reason) == ("durable", "invalid_request_error")
