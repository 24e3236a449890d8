"""A talk whose server is away, refuses, or is busy: nothing typed is lost, and nothing is said twice."""

from __future__ import annotations

import io
from argparse import Namespace
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import orjson
import pytest
from rich.console import Console

from app.clients.python.keepstream import AsyncClient, KeepstreamError
from app.clients.python.keepstream.core import resuming
from app.stream import frames
from app.terminal.chat import Talk
from app.terminal.options import parse, parser_of

CONVERSATION = "cv_" + 32 * "0"
Answer = Callable[[httpx.Request], httpx.Response]


class Server:
    """Answers each path with what stands for it; remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.messages: list[dict[str, Any]] = []
        self.running: str | None = None
        self.refuse: list[httpx.Response | httpx.TransportError] = []

    @property
    def said(self) -> list[httpx.Request]:
        return [request for request in self.asked if request.url.path.endswith("/messages")]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.path
        if path.endswith("/events"):
            self.running = None
            return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=answer("Hello"))
        if path.endswith("/messages"):
            return self._message()
        shown = {"id": CONVERSATION, "messages": self.messages, "stream_id": self.running, "answer_id": "msg_answer"}
        return httpx.Response(200, json=shown)

    def _message(self) -> httpx.Response:
        match self.refuse.pop(0) if self.refuse else None:
            case httpx.TransportError() as error:
                raise error
            case httpx.Response() as refusal:
                return refusal
        return httpx.Response(202, json={"id": "st_1", "message_id": "msg_user", "answer_id": "msg_answer"})


def answer(text: str) -> bytes:
    position, data = frames.origin("st_1"), b""
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    for name, event in (("content_block_delta", delta), ("relay.end", {"outcome": "completed"})):
        frame, position = frames.encode_json(name, event, position)
        data += frame
    return data


def refusal(status: int, kind: str, message: str, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"error": {"type": kind, "message": message}}, headers=headers)


class Talked:
    def __init__(self, server: Server, *arguments: str) -> None:
        parser = parser_of("chat", "")
        for name in ("--model", "--system", "--tools", "--conversation"):
            parser.add_argument(name)
        options: Namespace = parse(parser, ["--url", "http://keepstream", *arguments])
        self.out = io.StringIO()
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(server))
        self.client = AsyncClient(options.url, http_client=self.http)
        self.talk = Talk(self.client, options, Console(file=self.out, width=100))

    @property
    def shown(self) -> str:
        return self.out.getvalue()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr(resuming, "RETRY_SECONDS", 0.0)
    return Server()


@pytest.fixture
async def talked(server: Server) -> AsyncIterator[Talked]:
    talked = Talked(server)
    async with talked.client:
        yield talked


async def test_a_message_is_sent_and_answered(server: Server, talked: Talked) -> None:
    assert await talked.talk.turn("Hi") == ""
    assert orjson.loads(server.said[0].content) == {"content": "Hi"}
    assert "Hello" in talked.shown


async def test_a_pipe_s_message_that_is_refused_leaves_no_conversation(server: Server, talked: Talked) -> None:
    server.refuse = [refusal(400, "invalid_request_error", "no worker offers you a tool clok")]
    with pytest.raises(KeepstreamError, match="clok"):
        await talked.talk.say_only("Hi")
    assert [(request.method, request.url.path) for request in server.asked][-1] == (
        "DELETE",
        f"/v1/conversations/{CONVERSATION}",
    )
    elsewhere = Talked(server, "--conversation", CONVERSATION)
    server.refuse = [refusal(400, "invalid_request_error", "no worker offers you a tool clok")]
    async with elsewhere.client:
        with pytest.raises(KeepstreamError, match="clok"):
            await elsewhere.talk.say_only("Hi")
    assert server.asked[-1] == server.said[-1]  # what others have said stays


async def test_what_could_not_be_sent_is_sent_again_under_the_same_key(server: Server, talked: Talked) -> None:
    server.refuse = [httpx.ConnectError("away")] * resuming.SUBMIT_TRIES
    assert await talked.talk.turn("Hi") == "Hi"
    assert "press Enter to try again" in talked.shown
    assert await talked.talk.turn("Hi") == ""
    assert len({request.headers["idempotency-key"] for request in server.said}) == 1
    assert await talked.talk.turn("Hi") == ""
    assert len({request.headers["idempotency-key"] for request in server.said}) == 2


async def test_what_was_changed_before_it_was_sent_is_another_message(server: Server, talked: Talked) -> None:
    server.refuse = [httpx.ConnectError("away")] * resuming.SUBMIT_TRIES
    await talked.talk.turn("Hi")
    await talked.talk.turn("Hi there")
    assert len({request.headers["idempotency-key"] for request in server.said}) == 2


async def test_what_is_refused_stays_in_the_line_with_the_reason(server: Server, talked: Talked) -> None:
    server.refuse = [refusal(413, "request_too_large", "the conversation is as large as it may be")]
    assert await talked.talk.turn("Hi") == "Hi"
    assert "as large as it may be" in talked.shown


async def test_an_answer_asked_for_elsewhere_is_shown_first(server: Server, talked: Talked) -> None:
    await talked.talk.turn("Hi")
    busy = refusal(409, "conflict_error", "a stream runs", **{"x-keepstream-id": "st_2"})
    server.refuse, before = [busy], talked.shown

    def elsewhere(request: httpx.Request) -> None:
        if request.url.path.endswith("/messages"):
            server.running = "st_2"

    talked.http.event_hooks["request"] = [_async(elsewhere)]
    assert await talked.talk.turn("Me too") == "Me too"
    assert talked.shown.removeprefix(before).count("Hello") == 1


async def test_what_was_said_elsewhere_is_shown_once(server: Server, talked: Talked) -> None:
    await talked.talk.turn("Hi")
    server.messages = [
        {"id": "msg_2", "role": "user", "content": [{"type": "text", "text": "From the sofa"}, {"type": "image"}]},
        {"id": "msg_3", "role": "assistant", "content": [{"type": "text", "text": "*Yes*"}], "outcome": "truncated"},
    ]
    assert await talked.talk.turn("Me") == "Me"
    assert "> From the sofa" in talked.shown
    assert "[image]" in talked.shown
    assert "the answer was cut at its limit" in talked.shown
    assert await talked.talk.turn("Me") == ""
    assert talked.shown.count("sofa") == 1


async def test_words_with_a_slash_are_commands(server: Server, talked: Talked) -> None:
    for asked in ("/continue", "/retry", "/what", "", "  "):
        assert await talked.talk.turn(asked) == ""
    assert [orjson.loads(request.content) for request in server.said] == [{"continue": True}, {"regenerate": True}]
    assert "there is no /what" in talked.shown
    await talked.talk.turn("/etc/passwd is a file")
    assert orjson.loads(server.said[-1].content) == {"content": "/etc/passwd is a file"}


async def test_a_new_conversation_keeps_model_and_system_and_another_one_is_told_each_time(server: Server) -> None:
    new, old = Talked(server, "--model", "m"), Talked(server, "--model", "m", "--conversation", CONVERSATION)
    async with new.client, old.client:
        await new.talk.turn("Hi")
        assert orjson.loads(server.asked[0].content) == {"model": "m"}
        assert orjson.loads(server.said[-1].content) == {"content": "Hi"}
        await old.talk.turn("Hi")
        assert orjson.loads(server.said[-1].content) == {"content": "Hi", "model": "m"}


def _async(call: Callable[[httpx.Request], None]) -> Callable[[httpx.Request], Any]:
    async def hook(request: httpx.Request) -> None:
        call(request)

    return hook
