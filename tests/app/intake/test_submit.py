"""A POST and a Redis that goes at any of its commands: it happened, and was said to; or it did not, and was not (G3).

The connection is cut at the first, second, third… command of each face's POST, before the command is executed or when
its reply is on the way, for a moment or for longer than the front asks again; and then one looks at what stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import httpx
import pytest
from redis.asyncio import Redis

from app.dev.embedded import EmbeddedValkey
from app.intake import owed
from app.intake import submit as submitting
from app.intake.streams import Streams
from app.settings import Settings
from app.stream import keys
from app.stream.conversations.store import Conversations
from app.stream.endings import Outcome
from app.stream.log import Log
from app.stream.queue import Queue
from app.stream.redis.connect import connect
from tests.app.served import Served, served, until
from tests.harness.network.redis_cutter import Cutter
from tests.long import some_of
from tests.patience import PATIENCE

COMMANDS_MAX = 40
ASKED = {"model": "claude-x", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}]}
CHAT = {"id": "c/1", "messages": [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": "hi"}]}]}
ACCEPTED = {200, 202}
# None is reached. A minute brings one request back.
LIMITS = """
[default]
requests_per_minute = 1
burst = 1000
concurrent_streams = 1000
usd_per_day = 1000
unpriced = "allow"
"""
# Who asks here waits for the answer.
ANSWERED = ("messages", "whole")


@dataclass
class Stand:
    """A front whose Redis can be taken away, and a way to look past it."""

    served: Served
    worker: Served
    cutter: Cutter
    redis: Redis
    http: httpx.AsyncClient
    store: Conversations
    conversation: str = ""

    async def post(self, face: str, key: str | None = None) -> int:
        """The status with which the face answers; the answer itself is not waited for."""
        path, body = {
            "streams": ("/v1/streams", {"prompt": "hi"}),
            "messages": ("/v1/messages", {**ASKED, "stream": True}),
            "whole": ("/v1/messages", ASKED),
            "chat": ("/api/chat", CHAT),
            "say": (f"/v1/conversations/{self.conversation}/messages", {"content": "hi"}),
            "regenerate": (f"/v1/conversations/{self.conversation}/messages", {"regenerate": True}),
        }[face]
        headers = {"idempotency-key": key} if key else None
        async with self.http.stream("POST", self.served.url + path, json=body, headers=headers) as answer:
            return answer.status_code

    async def unfinished(self) -> list[str]:
        waiting, leased = [await self.redis.zrange(key, 0, -1) for key in (keys.JOBS, keys.LEASES)]
        return sorted(one.decode() for one in waiting + leased)

    async def promised(self) -> list[str]:
        """The streams to which something of the owner's accounts is promised."""
        opened = await self.redis.zrange(keys.account("anonymous") + ":open", 0, -1)
        records = await self.redis.keys(keys.reserved("*"))
        found = sorted(one.decode().partition("|")[0] for one in opened)
        assert sorted(key.decode().removeprefix(keys.reserved("")) for key in records) == found
        return found

    async def counted(self) -> int:
        """How many submits were counted: a second brings a sixtieth of one back."""
        missing = int(await self.redis.hget(keys.account("anonymous"), "requests") or 0)  # type: ignore[misc]  # redis-py's types mix both clients
        return -(-missing // 60_000_000)

    async def alive(self) -> list[str]:
        """The streams that run or are going to."""
        metas = [key async for key in self.redis.scan_iter("ks:{st_*}:meta")]
        states = [(key, await self.redis.hget(key, "state")) for key in metas]  # type: ignore[misc]  # redis-py's types mix both clients
        return sorted(key.decode()[4:-6] for key, state in states if state != b"ended")

    async def messages(self) -> list[str]:
        found = await self.store.read(self.conversation, messages=True)
        return [message["id"] for message in found.messages] if found is not None else []

    async def runs(self) -> str | None:
        found = await self.store.read(self.conversation)
        return found.stream_id if found is not None else None

    async def shows(self) -> str | None:
        return (await self.redis.hget(keys.chat("anonymous", CHAT["id"]), "stream") or b"").decode() or None  # type: ignore[misc,arg-type]  # likewise

    async def begin_anew(self) -> None:
        """An answered question in a conversation, and a chat that shows something."""
        await self.redis.flushall()
        with mock.patch.object(submitting, "ASK_SECONDS", PATIENCE):  # it may still have connections that were cut
            self.conversation = (await self.served.conversing.create("anonymous", {})).id
            assert await self.post("say") in ACCEPTED
        await (await self.worker.author()).end(
            Outcome.COMPLETED, message={"content": [{"type": "text", "text": "yes"}]}
        )
        await self.redis.delete(keys.OUTBOX)


@pytest.fixture
async def stand(
    valkey: EmbeddedValkey, redis: Redis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Stand]:
    monkeypatch.setattr(submitting, "ASK_SECONDS", 0.05)
    monkeypatch.setattr(submitting, "ASK_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(owed, "PAUSE_SECONDS_MAX", 0.02)
    async with Cutter("127.0.0.1", valkey.port) as cutter, httpx.AsyncClient(timeout=PATIENCE) as http:
        through: Redis = connect(f"redis://127.0.0.1:{cutter.port}/0", "cut", retries=0)
        (tmp_path / "limits").write_text(LIMITS)
        async with served(through, Settings(limits_file=str(tmp_path / "limits"))) as front:
            log = Log(redis)
            store = Conversations(redis, log)
            settings, pricing = front.front.settings, front.front.prices.cost
            streams = Streams(log, Queue(redis), store, settings, "worker", pricing=pricing)
            yield Stand(front, replace(front, front=replace(front.front, streams=streams)), cutter, redis, http, store)
        await through.aclose()


@pytest.mark.parametrize("long", some_of(["away", "blink"], 1))
@pytest.mark.parametrize("moment", some_of(["after", "before"], 1))
@pytest.mark.parametrize("face", ["streams", "keyed", "messages", "whole", "chat", "say", "regenerate", "keyed-say"])
async def test_it_happened_and_was_said_to_or_neither(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, face: str, moment: str, long: str
) -> None:
    after, for_long = moment == "after", long == "away"
    if not for_long:
        monkeypatch.setattr(submitting, "ASK_SECONDS", 10)  # a busy machine takes a while to connect again
    face, key = (face.removeprefix("keyed-").replace("keyed", "streams"), "once") if "keyed" in face else (face, None)
    told = set()
    for number in range(1, COMMANDS_MAX):
        await stand.begin_anew()
        before, shown = await stand.messages(), await stand.shows()
        stand.cutter.arm(number, after=after, for_long=for_long)
        posting = asyncio.create_task(stand.post(face, key))
        if face in ANSWERED and not for_long:
            await _answer_once(stand, posting)
        # Who does not wait for an answer is told in any case, however long a busy machine takes.
        status = await (_of(posting, stand) if face in ANSWERED else posting)
        was_reached = stand.cutter.was_reached
        stand.cutter.back()
        await stand.served.front.streams.owed.paid()
        told.add(status)
        line, alive = await stand.unfinished(), await stand.alive()
        where = f"command {number}: {status}"
        assert await stand.promised() == line, where
        assert await stand.counted() == 2 if status in ACCEPTED else await stand.counted() <= 2, where
        if face in ANSWERED and status in ACCEPTED:
            assert (line, alive) == ([], []), where
            assert len(await stand.redis.keys("ks:{st_*:log")) == 2, where  # that of the conversation, and this one
        elif status in ACCEPTED:
            assert len(line) == 1, where
            assert alive == line, where
            assert await stand.redis.pttl(keys.meta(line[0])) > keys.SUBMIT_SECONDS * 1000, where
            if face == "chat":
                assert await stand.shows() == line[0], where
            if face in ("say", "regenerate"):
                assert (await stand.runs(), len(await stand.messages())) == (line[0], 3 if face == "say" else 1), where
        else:
            assert status == 503, where
            assert for_long, where  # a blink is not told
            assert (line, alive) == ([], []), where
            assert (await stand.messages(), await stand.runs(), await stand.shows()) == (before, None, shown), where
            assert await stand.redis.xlen(keys.OUTBOX) == 0, where
        if face not in ANSWERED and (key is not None or status not in ACCEPTED):
            # Who asks again is answered, and by the same stream where there was one.
            assert await stand.post(face, key) in ACCEPTED, where
            await stand.served.front.streams.owed.paid()
            again = await stand.unfinished()
            assert len(again) == 1, where
            assert line in ([], again), where
            assert await stand.promised() == again, where
        if not was_reached and status in ACCEPTED:  # a busy machine was given Redis back before it came so far
            break
    assert number > 1
    assert number < COMMANDS_MAX - 1
    assert told == ({202} if face in ("streams", "say", "regenerate") else {200}) | ({503} if for_long else set())


async def _of(posting: asyncio.Task[int], stand: Stand) -> int:
    """Its status. Who waits for an answer that cannot come without Redis is given Redis back."""
    done, _ = await asyncio.wait([posting], timeout=0.5)
    if not done:
        stand.cutter.back()
        await _answer_once(stand, posting)
    return await posting


async def _waits(stand: Stand) -> bool:
    return bool(await stand.redis.zcard(keys.JOBS))


async def _answer_once(stand: Stand, posting: asyncio.Task[int]) -> None:
    await until(lambda: posting.done() or _waits(stand))
    if not posting.done():
        await _answer(stand)


async def _answer(stand: Stand) -> None:
    """The worker's side, over a connection of its own."""
    author = await stand.worker.author()
    await author.write(
        ("message_start", {"type": "message_start", "message": {}}), ("message_stop", {"type": "message_stop"})
    )
    await author.end(Outcome.COMPLETED, message={"content": []}, stop_reason="end_turn")
