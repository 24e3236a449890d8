"""Resuming by a stream's id, as assistant-ui does: whose it is, what is shown, and what of it is nobody's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from redis.asyncio import Redis

from app.access.identity.keys_file import digest_of
from app.settings import Settings
from app.stream import keys
from app.stream.endings import Outcome
from app.stream.workers.offers import Offers, written
from tests.app.faces.native.test_offered_tools import CLOCK
from tests.app.served import Author, Served, served

BEGUN = (
    "content_block_start",
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
)
STARTED = ("message_start", {"type": "message_start", "message": {"content": []}})
ENDED = (("content_block_stop", {"type": "content_block_stop", "index": 0}), ("message_stop", {"type": "message_stop"}))


def delta(text: str) -> tuple[str, dict[str, Any]]:
    data = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return "content_block_delta", data


def asked(*more: dict[str, Any]) -> dict[str, Any]:
    said = {"id": "u", "role": "user", "parts": [{"type": "text", "text": "hi"}]}
    return {"id": "c/ä", "messages": [said, *more]}


async def begun(front: Served, http: httpx.AsyncClient, body: dict[str, Any]) -> tuple[str, Author]:
    """A chat that was left in mid-answer: its stream's id by the header, and who writes it."""
    async with http.stream("POST", "/api/chat", json=body) as answer:
        stream_id = answer.headers["x-resumable-stream-id"]
        assert stream_id == answer.headers["x-keepstream-id"]
    author = await front.author()
    await author.write(STARTED, BEGUN, delta("Hello "))
    return stream_id, author


async def completed(author: Author) -> None:
    await author.write(delta("there"), *ENDED)
    await author.end(Outcome.COMPLETED, message={"content": []})


def chunks(text: str) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]
    assert lines.pop() == "[DONE]"
    return [orjson.loads(line) for line in lines]


def text_of(shown: str) -> str:
    return "".join(chunk["delta"] for chunk in chunks(shown) if chunk["type"] == "text-delta")


async def test_what_was_left_is_shown_in_full_while_it_runs_and_after_it_has_ended(front: Served) -> None:
    async with httpx.AsyncClient(base_url=front.url) as http:
        stream_id, author = await begun(front, http, asked())
        path = f"/api/chat/resume/{stream_id}"
        async with http.stream("GET", path) as answer:
            assert answer.headers["x-resumable-stream-id"] == stream_id
            assert answer.headers["x-vercel-ai-ui-message-stream"] == "v1"
            await completed(author)
            live = (await answer.aread()).decode()
        assert text_of(live) == "Hello there"
        # That somebody has heard its ending says nothing of who asks for this very stream.
        again = (await http.get(path)).text
        assert chunks(again) == chunks(live)
        assert [chunks(again)[0]["messageId"], chunks(again)[-1]["type"]] == [f"msg_{stream_id}", "finish"]


async def test_a_message_that_was_continued_has_what_it_had_before_unless_that_is_left_out(front: Served) -> None:
    before = {"id": "mine", "role": "assistant", "parts": [{"type": "text", "text": "Before. ", "state": "done"}]}
    async with httpx.AsyncClient(base_url=front.url) as http:
        stream_id, author = await begun(front, http, asked(before))
        await completed(author)
        path = f"/api/chat/resume/{stream_id}"
        whole, bare = (await http.get(path)).text, (await http.get(f"{path}?bare=1")).text
        assert (text_of(whole), text_of(bare)) == ("Before. Hello there", "Hello there")
        assert {chunks(shown)[0]["messageId"] for shown in (whole, bare)} == {"mine"}
        # The chat goes on: the stream is still the answer to the same message.
        await begun(front, http, asked())
        later = (await http.get(path)).text
        assert (chunks(later)[0]["messageId"], text_of(later)) == ("mine", "Hello there")


async def test_what_was_cancelled_is_204_and_what_is_kept_no_more_410(front: Served) -> None:
    async with httpx.AsyncClient(base_url=front.url) as http:
        stream_id, author = await begun(front, http, asked())
        await author.end(Outcome.CANCELLED)
        assert (await http.get(f"/api/chat/resume/{stream_id}")).status_code == 204
        await front.redis.delete(keys.log(stream_id), keys.meta(stream_id))
        gone = (await http.get(f"/api/chat/resume/{stream_id}")).status_code
        assert gone == (await http.get(f"/v1/streams/{stream_id}")).status_code == 410


@pytest.mark.parametrize("name", ["st_" + "0" * 32, "st_1", "streams", "%20"])
async def test_what_never_was_is_404(front: Served, name: str) -> None:
    async with httpx.AsyncClient(base_url=front.url) as http:
        assert (await http.get(f"/api/chat/resume/{name}")).status_code == 404


async def test_a_chat_may_be_called_as_the_way_to_a_stream(front: Served) -> None:
    async with httpx.AsyncClient(base_url=front.url) as http:
        assert (await http.get("/api/chat/resume/stream")).status_code == 204
        stream_id, author = await begun(front, http, asked() | {"id": "resume"})
        async with http.stream("GET", "/api/chat/resume/stream") as answer:
            assert answer.headers["x-resumable-stream-id"] == stream_id
            await completed(author)
            assert text_of((await answer.aread()).decode()) == "Hello there"


async def test_another_s_is_404(redis: Redis, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"alice {digest_of('a')}\nbob {digest_of('b')}\n")
    async with (
        served(redis, Settings(api_keys_file=str(file))) as front,
        httpx.AsyncClient(base_url=front.url, headers={"x-api-key": "a"}) as http,
    ):
        stream_id, _ = await begun(front, http, asked())
        path = f"/api/chat/resume/{stream_id}"
        assert (await http.get(path, headers={"x-api-key": "b"})).status_code == 404
        assert (await http.get(path, headers={"x-api-key": "?"})).status_code == 401
        assert (await http.head(path)).status_code == 200


async def test_a_stop_that_names_a_stream_stops_no_other(front: Served) -> None:
    async with httpx.AsyncClient(base_url=front.url) as http:
        first, _ = await begun(front, http, asked())
        second, _ = await begun(front, http, asked())
        where = "/api/chat/c%2F%C3%A4/stream"
        assert (await http.delete(f"{where}?stream={first}")).status_code == 204
        stopped = await http.delete(f"{where}?stream={second}")
        assert (stopped.status_code, stopped.json()["id"]) == (202, second)


async def test_a_chat_that_may_wait_for_a_person_is_found_for_as_long(redis: Redis) -> None:
    settings = Settings(chat_fields=("relay.tools",))
    await Offers(redis, 10.0).say("a worker", written([CLOCK])[0])
    async with served(redis, settings) as front, httpx.AsyncClient(base_url=front.url) as http:
        await begun(front, http, asked() | {"relay": {"tools": ["clock"]}})
        life_ms = settings.waiting_life_ms
        assert life_ms - 60_000 < await redis.pttl(keys.chat("anonymous", "c/ä")) <= life_ms
