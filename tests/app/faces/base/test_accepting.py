"""Each face's POST walks the same way: may it be asked, is there room, and only then is anything stored."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from redis.asyncio import Redis

from app.http import errors
from app.http.remaining import HEADERS
from app.intake import submit
from app.settings import Settings
from app.stream import keys
from app.stream.accounts import Bill
from app.stream.limits.room import Room
from tests.app.served import Served, limited_front, served, until
from tests.harness.identity.tokens import SECRET, token

MODEL = "claude-sonnet-4-5"
ASKED = {"model": MODEL, "max_tokens": 1000, "messages": [{"role": "user", "content": "hi"}]}
CHAT = {"id": "c/1", "messages": [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": "hi"}]}]}
FACES = ("streams", "messages", "whole", "chat", "say")


@dataclass
class Limited:
    """A front with limits. Nobody answers its streams."""

    served: Served
    redis: Redis
    http: httpx.AsyncClient
    conversation: str

    async def post(self, face: str = "streams", *, key: str | None = None, **headers: str) -> httpx.Response:
        """The answer's head, and its body where that has come to its end."""
        path, body = {
            "streams": ("/v1/streams", {"prompt": "hi"}),
            "messages": ("/v1/messages", {**ASKED, "stream": True}),
            "whole": ("/v1/messages", ASKED),
            "chat": ("/api/chat", CHAT),
            "say": (f"/v1/conversations/{self.conversation}/messages", {"content": "hi"}),
        }[face]
        if key is not None:
            headers["idempotency-key"] = key
        return await self.http.post(self.served.url + path, json=body, headers=headers)

    async def stored(self) -> list[str]:
        found = [key.decode() for key in await self.redis.keys("ks:{st_*")]
        return found + [one.decode() for one in await self.redis.zrange(keys.JOBS, 0, -1)]


@pytest.fixture(autouse=True)
def no_refusal_is_a_fault(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nobody is to be called up at night for a client's budget."""
    yield
    assert [one for one in caplog.get_records("call") if "internal error" in one.getMessage()] == []


def test_each_error_that_has_a_status_is_an_answer() -> None:
    named = set(re.findall(r"(\w+Error|HTTPException)\(", inspect.getsource(errors.as_api_error)))
    assert {getattr(errors, name) for name in named - {"OSError", "TimeoutError"}} <= set(errors.HANDLED)


Make = Callable[[str], AbstractAsyncContextManager[Limited]]


@pytest.fixture
def limited(redis: Redis, tmp_path: Path) -> Make:
    @asynccontextmanager
    async def make(text: str) -> AsyncIterator[Limited]:
        async with limited_front(redis, tmp_path, text, MODEL) as (front, http):
            conversation = (await front.conversing.create("anonymous", {})).id
            yield Limited(front, redis, http, conversation)

    return make


async def test_a_token_may_only_take_from_what_the_file_gives_and_a_user_counts_by_itself_too(
    redis: Redis, tmp_path: Path
) -> None:
    (tmp_path / "limits").write_text(
        "[default]\nmax_tokens = 900\nrequests_per_minute = 6\nburst = 3\n[user]\nrequests_per_minute = 6\nburst = 1\n"
    )
    settings = Settings(model=MODEL, limits_file=str(tmp_path / "limits"), jwt_secret=SECRET)
    async with served(redis, settings) as front, httpx.AsyncClient(base_url=front.url) as http:

        async def ask(length: int, user: str | None = None, **ks: Any) -> httpx.Response:
            headers = {"authorization": f"Bearer {token(SECRET, sub='acme', ks={'delegate': True, **ks})}"}
            if user is not None:
                headers["x-keepstream-user"] = user
            return await http.post("/v1/streams", json={**ASKED, "max_tokens": length}, headers=headers)

        assert "(max_tokens: 500)" in error_of(await ask(501, max_tokens=500))["message"]
        assert "(max_tokens: 900)" in error_of(await ask(901, max_tokens=5000))["message"]
        nonsense = await ask(1, usd_per_dya=3)
        assert (nonsense.status_code, "ks: usd_per_dya: unknown" in error_of(nonsense)["message"]) == (403, True)
        answers = [await ask(1, user) for user in ("bob", "bob", "eve", None, "dan")]
        assert [answer.status_code for answer in answers] == [202, 429, 202, 202, 429]
        assert [answer.headers["anthropic-ratelimit-requests-remaining"] for answer in answers] == [
            "0",
            "0",
            "0",
            "0",
            "0",
        ]


def error_of(answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["error"]
    return found


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('models = ["claude-haiku-*"]', "models: claude-haiku-*"),
        ('betas = ["b-*"]', "betas: b-*"),
    ],
)
async def test_what_is_not_allowed_is_403_on_every_face_and_leaves_nothing(
    limited: Make, text: str, named: str
) -> None:
    async with limited(f"[default]\n{text}\n") as front:
        for face in FACES:
            answer = await front.post(face, **{"anthropic-beta": "secret-beta"})
            assert (answer.status_code, error_of(answer)["type"]) == (403, "permission_error"), face
            assert named in error_of(answer)["message"]
            assert "secret" not in answer.text
        assert await front.stored() == []


async def test_an_answer_is_as_long_as_it_may_be_where_nobody_says_how_long(limited: Make) -> None:
    async with limited("[default]\nmax_tokens = 999\n") as front:
        for face in ("messages", "whole"):
            answer = await front.post(face)
            assert (answer.status_code, "max_tokens: 999" in error_of(answer)["message"]) == (403, True), face
        streams = [(await front.post(face)).json()["id"] for face in ("streams", "say")]
        async with front.http.stream("POST", front.served.url + "/api/chat", json=CHAT) as chat:
            streams.append(chat.headers["x-keepstream-id"])
        for stream_id in streams:
            request = await front.redis.hget(keys.meta(stream_id), "request")  # type: ignore[misc]  # redis-py's types mix both clients
            assert orjson.loads(request)["max_tokens"] == 999


async def test_too_many_are_429_on_every_face_and_leave_nothing(limited: Make) -> None:
    async with limited("[default]\nrequests_per_minute = 6\nburst = 1\n") as front:
        begun = await front.served.conversing.find("anonymous", front.conversation)
        first = await front.post()
        assert first.status_code == 202
        assert first.headers["anthropic-ratelimit-requests-limit"] == "6"
        assert first.headers["anthropic-ratelimit-requests-remaining"] == "0"
        before = sorted(await front.stored())
        for face in FACES:
            answer = await front.post(face)
            assert (answer.status_code, error_of(answer)["type"]) == (429, "rate_limit_error"), face
            assert 0 < int(answer.headers["retry-after"]) <= 10
            assert answer.headers["anthropic-ratelimit-requests-reset"].endswith("Z")
        assert sorted(await front.stored()) == before
        found = await front.served.conversing.find("anonymous", front.conversation, messages=True)
        assert (found.messages, found.position) == ((), begun.position)  # nor was anybody told of it


async def test_a_budget_is_402_on_every_face_and_leaves_nothing(limited: Make) -> None:
    async with limited("[default]\nusd_per_day = 0.0001\n") as front:
        for face in FACES:
            answer = await front.post(face)
            assert (answer.status_code, error_of(answer)["type"]) == (402, "billing_error"), face
            assert error_of(answer)["message"].startswith("usd_per_day: ")
        assert await front.stored() == []


async def test_one_call_at_a_time_has_room_in_a_budget_and_the_next_one_once_it_is_settled(limited: Make) -> None:
    async with limited("[default]\nusd_per_day = 0.02\n") as front:  # a call may cost 0.0151 to 0.016
        assert (await front.post()).status_code == 202
        assert (await front.post()).status_code == 402
        author = await front.served.author()
        await front.served.front.streams.queue.done(author.claim, bill=Bill(nano=1_000_000))
        assert (await front.post()).status_code == 202


@pytest.mark.parametrize("limit", ["usd_per_day = 0.02", "concurrent_streams = 1"])
async def test_who_has_seen_the_ending_may_say_the_next_thing_at_once(
    limited: Make, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stream is done a moment later, and is waited for."""
    looked, promised = asyncio.Event(), Room.promised

    async def look(room: Room, account: str, most: int) -> list[str]:
        looked.set()
        return await promised(room, account, most)

    monkeypatch.setattr(Room, "promised", look)
    async with limited(f"[default]\n{limit}\n") as front:
        assert (await front.post()).status_code == 202
        author = await front.served.author()
        assert (await front.post()).status_code in (402, 429)
        await front.redis.hset(keys.meta(author.stream_id), "state", "ended")  # type: ignore[misc]  # redis-py's types mix both clients
        looked.clear()
        asking = asyncio.create_task(front.post())
        await until(lambda: looked.is_set() or asking.done())
        await front.served.front.streams.queue.done(author.claim)
        assert (await asking).status_code == 202


async def test_who_waited_for_room_in_vain_has_stored_nothing(limited: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where that took longer than a reply of Redis may."""
    monkeypatch.setattr(submit, "SETTLE_SECONDS", 0.2)
    monkeypatch.setattr(submit, "COMMAND_SECONDS", 0.2)
    async with limited("[default]\nusd_per_day = 0.02\n") as front:
        assert (await front.post()).status_code == 202
        author = await front.served.author()
        await front.redis.hset(keys.meta(author.stream_id), "state", "ended")  # type: ignore[misc]  # redis-py's types mix both clients
        before = await front.stored()
        assert (await front.post()).status_code == 402
        assert await front.stored() == before


async def test_an_unpriced_model_is_403_under_a_budget_unless_the_limits_say_so(limited: Make) -> None:
    body = {**ASKED, "model": "claude-of-nobody"}
    async with limited("[default]\nusd_per_day = 5\n") as front:
        refused = await front.http.post(front.served.url + "/v1/streams", json=body)
        assert (refused.status_code, "unpriced" in error_of(refused)["message"]) == (403, True)
    async with limited('[default]\nusd_per_day = 5\nunpriced = "allow"\n') as front:
        assert (await front.http.post(front.served.url + "/v1/streams", json=body)).status_code == 202


async def test_tools_that_anthropic_runs_may_be_forbidden(limited: Make) -> None:
    async with limited("[default]\nserver_tools = false\n") as front:
        for tools, status in (
            ([{"type": "web_search_20250305", "name": "web_search"}], 403),
            ([{"name": "mine"}], 202),
        ):
            answer = await front.http.post(front.served.url + "/v1/streams", json={**ASKED, "tools": tools})
            assert answer.status_code == status


async def test_a_repeat_is_not_counted_and_hears_how_it_stands(limited: Make) -> None:
    async with limited("[default]\nrequests_per_minute = 6\nburst = 1\n") as front:
        first = await front.post(key="k")
        for _ in range(3):
            again = await front.post(key="k")
            assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
            assert again.headers["anthropic-ratelimit-requests-remaining"] == "0"


async def test_what_was_accepted_once_is_answered_again_whatever_the_limits_say_now(limited: Make) -> None:
    async with limited("[default]\nmax_tokens = 1000\n") as front:
        first = await front.post(key="k")
    async with limited('[default]\nmodels = ["another"]\n') as front:
        again = await front.post(key="k")
        assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
        assert (await front.post(key="another")).status_code == 403
        await front.redis.delete(keys.meta(first.json()["id"]))  # the key's stream is gone: a new one would begin
        assert (await front.post(key="k")).status_code == 403
        assert await front.redis.exists(keys.reserved("*")) == 0


async def test_who_has_no_limits_is_told_of_none(limited: Make) -> None:
    async with limited("[owner.other]\nrequests_per_minute = 1\n") as front:
        answer = await front.post()
        assert answer.status_code == 202
        assert not set(HEADERS) & set(answer.headers)
