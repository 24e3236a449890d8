"""The board over HTTP: snapshots of what is, streams that are shown and stopped, and who may see it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from app.faces.board import answer, gathering
from app.faces.board.answer import events_of
from app.faces.board.attention import OLD_SECONDS
from app.faces.board.view import Memory
from app.stream.board.board import Board, Look
from app.stream.endings import Outcome
from tests.app.served import LEASE_MS, Served, until
from tests.patience import PATIENCE

Shown = dict[str, Any]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "BEAT_SECONDS", 0.1)


@pytest.fixture
async def http(front: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=front.url, timeout=PATIENCE) as http:
        yield http


@asynccontextmanager
async def watching(http: httpx.AsyncClient) -> AsyncIterator[AsyncIterator[str]]:
    async with http.stream("GET", "/ops/events") as answer, aclosing(answer.aiter_lines()) as lines:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"
        assert answer.headers["cache-control"] == "no-cache, no-transform"
        yield lines


async def following(lines: AsyncIterator[str]) -> Shown:
    async for line in lines:
        if line.startswith("data: "):
            shown: Shown = orjson.loads(line[6:])
            return shown
    raise AssertionError("it has ended")


async def known(lines: AsyncIterator[str]) -> Shown:
    """The next one of a Redis that has answered in time, which on a busy machine it may not do at once."""
    while (shown := await following(lines))["redis"]["away"]:
        pass
    return shown


async def begin(http: httpx.AsyncClient) -> str:
    stream_id: str = (await http.post("/v1/streams", json={"prompt": "a secret", "model": "m"})).json()["id"]
    return stream_id


async def test_a_snapshot_comes_at_once_and_then_at_each_beat(front: Served, http: httpx.AsyncClient) -> None:
    await front.report.leave()
    async with watching(http) as lines:
        assert (await anext(lines)).startswith("retry: ")
        first = await known(lines)
        assert (first["queue"]["waiting"], first["streams"]["running"]) == (0, 0)
        assert [one["name"] for one in first["fronts"]] == [first["front"]] == ["front"]
        assert first["attention"] == []
        await begin(http)
        while (shown := await known(lines))["queue"]["waiting"] != 1:
            assert shown["time"] > first["time"] or shown["queue"]["waiting"] == 0
        author = await front.author()
        await front.front.streams.queue.renew("author", [], LEASE_MS)  # a worker is listed
        while (shown := await known(lines))["streams"]["running"] != 1:
            pass
        await author.end(Outcome.COMPLETED)
        while (shown := await known(lines))["streams"]["running"]:
            pass
        assert shown["streams"]["ended"]["completed"] == 1
        assert shown["redis"]["used_bytes"] > 0
        while (shown := await known(lines))["redis"]["bytes_per_stream"] is None:
            front.board._measured = None  # it would be another ten seconds
        assert 50 < shown["redis"]["bytes_per_stream"] < 2000
        assert "secret" not in orjson.dumps(shown).decode()


async def test_who_asks_for_no_body_is_answered_at_once(http: httpx.AsyncClient) -> None:
    answer = await http.head("/ops/events")
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "text/event-stream", b"")


async def test_who_looks_at_the_line_alone(front: Served, http: httpx.AsyncClient) -> None:
    await front.report.leave()
    await begin(http)
    found = (await http.get("/v1/queue")).json()
    assert found.pop("oldest_seconds") >= 0
    assert found == {"waiting": 1, "running": 0, "capacity": 0, "workers": 0, "fronts": 1}


async def test_streams_are_shown_without_their_texts_and_can_be_stopped(front: Served, http: httpx.AsyncClient) -> None:
    ended, runs = await begin(http), await begin(http)
    author = await front.author()
    await author.write(("message_start", {"type": "message_start", "message": {"text": "a secret"}}))
    await author.end(Outcome.COMPLETED)
    await front.author()
    waits = await begin(http)
    answer = await http.get("/ops/streams")
    assert "secret" not in answer.text
    assert [(one["id"], one["state"], one["worker"]) for one in answer.json()["data"]] == [
        (runs, "running", "author"),
        (waits, "queued", None),
        (ended, "ended", None),
    ]
    assert {(one["owner"], one["model"], one["attempt"]) for one in answer.json()["data"]} == {("anonymous", "m", 0)}
    told = await http.get(f"/ops/streams/{ended}/timeline")
    assert (told.status_code, told.json()) == (200, (await http.get(f"/v1/streams/{ended}/timeline")).json())
    assert "secret" not in told.text
    assert (await http.get(f"/ops/streams/st_{'0' * 32}/timeline")).status_code == 404
    own = {"origin": front.url}
    stopped = await http.post(f"/ops/streams/{waits}/cancel", headers=own)
    assert (stopped.status_code, stopped.json()) == (202, {"id": waits, "state": "ended"})
    assert (await http.get(f"/v1/streams/{waits}")).json()["outcome"] == "cancelled"
    assert (await http.post(f"/ops/streams/{waits}/cancel")).status_code == 401  # no page, and no key in hand
    assert (await http.post("/ops/streams/st_0000/cancel", headers=own)).status_code == 404
    assert (await http.post(f"/ops/streams/st_{'0' * 32}/cancel", headers=own)).status_code == 404


@pytest.mark.parametrize("path", ["/ops/events", "/ops/streams", "/v1/queue"])
async def test_nobody_else_sees_it(http: httpx.AsyncClient, path: str) -> None:
    strange = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert (await http.get(path, headers=strange)).status_code == 401
    assert (await http.get(path, headers={"x-forwarded-for": "127.0.0.1"})).status_code == 401


async def test_it_ends_with_the_front_and_says_when_to_come_again(front: Served, http: httpx.AsyncClient) -> None:
    async with watching(http) as lines:
        await following(lines)
        front.hub.draining = True
        async with asyncio.timeout(PATIENCE):
            rest = [line async for line in lines]
    assert [line for line in rest if line.startswith("retry: ")] != []
    assert "data:" not in rest[-1]
    async with watching(http) as lines:
        assert [line[:6] async for line in lines if line] == ["retry:", ": come"]


async def test_who_reads_slowly_gets_what_is_newest_and_nothing_of_what_was_missed(front: Served) -> None:
    async with aclosing(events_of(front.board, lambda: False)) as slow:
        assert (await anext(slow)).startswith(b"retry: ")
        first = orjson.loads((await anext(slow))[6:])["time"]
        version = front.board._changed.version
        await until(lambda: front.board._changed.version > version + 3)
        newest = front.board.newest()["time"]
        assert orjson.loads((await anext(slow))[6:])["time"] >= newest > first


async def test_who_takes_nothing_is_let_go(
    front: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A laptop that sleeps with the board open: the front could not end before it wakes."""
    monkeypatch.setattr(answer, "TAKES_SECONDS", 0.5)
    host, port = front.url.removeprefix("http://").split(":")
    with socket.socket() as asleep:
        asleep.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        asleep.connect((host, int(port)))
        asleep.sendall(f"GET /ops/events HTTP/1.1\r\nhost: {host}:{port}\r\n\r\n".encode())
        await until(lambda: front.board.watchers == 1)
        await until(lambda: front.board.watchers == 0)
    assert [record.name for record in caplog.records if record.levelname == "ERROR"] == []


async def test_all_watchers_are_one_look_a_beat_and_none_without(front: Served, http: httpx.AsyncClient) -> None:
    async with watching(http) as one, watching(http) as two, watching(http) as three:
        seen = [{(await following(lines))["time"] for _ in range(6)} for lines in (one, two, three)]
        assert set.intersection(*seen)  # three looks of their own would be of three moments
        assert _looks() == 1
    await until(lambda: not front.board.watchers)
    await until(lambda: not _looks())


def _looks() -> int:
    """How many look again and again."""
    return sum(task.get_name() == "board" for task in asyncio.all_tasks())


async def test_a_redis_that_does_not_answer_is_said_to_be_away(
    http: httpx.AsyncClient, front: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await front.report.leave()
    answers, refuses = asyncio.Event(), False
    answers.set()
    look = Board.look

    async def held(self: Board, first_step: int | None = None) -> Look:
        await answers.wait()
        if refuses:
            raise RedisConnectionError
        return await look(self, first_step)

    monkeypatch.setattr(Board, "look", held)
    async with watching(http) as lines:
        await known(lines)
        monkeypatch.setattr(gathering, "PATIENCE_SECONDS", 0.05)
        answers.clear()
        while not (shown := await following(lines))["redis"]["away"]:
            pass
        assert shown["redis"]["away_seconds"] >= 0
        assert [one["state"] for one in shown["fronts"]] == ["unsure"]
        assert [one["about"] for one in shown["attention"]] == ["redis"]
        refuses = True
        answers.set()
        for _ in range(3):
            assert (shown := await following(lines))["redis"]["away"]
        refuses = False
        monkeypatch.setattr(gathering, "PATIENCE_SECONDS", 20)
        while (shown := await following(lines))["redis"]["away"]:
            pass
        assert shown["stale_seconds"] < 1


async def test_a_redis_that_refuses_is_not_said_to_be_away(
    http: httpx.AsyncClient, front: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One without the right to look: prompts are taken all the same."""
    await front.report.leave()
    look, refuses = Board.look, asyncio.Event()

    async def refused(self: Board, first_step: int | None = None) -> Look:
        if refuses.is_set():
            raise ResponseError("NOPERM this user has no permissions to run the 'hvals' command")
        return await look(self, first_step)

    monkeypatch.setattr(Board, "look", refused)
    async with watching(http) as lines:
        await known(lines)
        refuses.set()
        while (shown := await following(lines))["stale_seconds"] < OLD_SECONDS + 0.1:
            assert not shown["redis"]["away"]
        assert [one["state"] for one in shown["fronts"]] == ["unsure"]
        assert [one["what"].split(" are ")[0] for one in shown["attention"]] == ["These numbers"]


async def test_what_was_counted_is_read_when_the_clock_was_set_back(front: Served) -> None:
    board = front.board.board
    await board.leave("one", {"kind": "worker"}, 1, {"retries": 2})
    front.board._steps = {(await board.look()).step + 30: {"retries": 5}}
    async with asyncio.timeout(PATIENCE), aclosing(front.board.snapshots()) as watching_it:
        while (await anext(watching_it))["retries"] != 2:
            pass


async def test_numbers_are_as_old_as_the_question(front: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after the first answer may take as long as it likes: the rest is of before."""
    arrives = asyncio.Event()

    async def late(_: object) -> Memory:
        await arrives.wait()
        return Memory()

    monkeypatch.setattr(gathering.Gathering, "_memory", late)
    monkeypatch.setattr(gathering, "PATIENCE_SECONDS", 0.3)
    async with aclosing(front.board.snapshots()) as watching_it:
        shown = await anext(watching_it)
        assert shown["redis"]["away"]
        monkeypatch.setattr(gathering, "PATIENCE_SECONDS", 20)
        arrives.set()
        while (shown := await anext(watching_it))["redis"]["away"]:
            pass
        assert shown["stale_seconds"] >= 0.3


async def test_who_comes_first_while_redis_is_away_is_told_so(
    http: httpx.AsyncClient, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> Look:
        raise RedisConnectionError

    monkeypatch.setattr(Board, "look", gone)
    async with watching(http) as lines:
        shown = await following(lines)
        assert shown["redis"]["away"]
        assert shown["streams"]["running"] is shown["time"] is None
    assert (await http.get("/v1/queue")).status_code == 503
    assert await redis.ping()
