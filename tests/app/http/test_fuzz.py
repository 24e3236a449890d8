"""Whatever a stranger sends to any route of the description: no 5xx of our own, and no fault in the log."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import re
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from app.dev.embedded import EmbeddedValkey
from app.openapi import describe
from app.settings import Settings
from app.stream.endings import Outcome
from app.stream.redis.connect import connect
from tests.app.served import Served, served
from tests.long import some_of
from tests.patience import PATIENCE

DEAD_END = "http://127.0.0.1:9"
PASSED_ON = ("/v1/models", "/v1/messages/count_tokens")
OPERATIONS = sorted((path, method.upper()) for path, item in describe()["paths"].items() for method in item)

NAMES = (
    *("id", "model", "max_tokens", "messages", "prompt", "role", "content", "type", "text", "parts", "stream", "relay"),
    *("on_interrupt", "abandon_after", "system", "tools", "title", "after", "regenerate", "continue", "at", "trigger"),
    *("messageId", "state", "input", "output", "toolCallId", "toolName", "providerExecuted", "approval", "errorText"),
    *("providerMetadata", "callProviderMetadata", "resultProviderMetadata", "anthropic", "signature", "url", "source"),
    *("mediaType", "filename", "data", "providerReference", "media_type", "tool_use_id", "metadata", "reason"),
)
FIELDS = tuple(name for name in NAMES if name != "type")
WORDS = (
    *("user", "assistant", "system", "text", "file", "reasoning", "tool-x", "dynamic-tool", "step-start", "base64"),
    *("steering-message", "data-claude", "output-available", "output-denied", "output-error", "input-available"),
    *("data:,x", "data:text/plain;base64,eA==", "data:image/png;base64,!", "https://x", "image/png", "text/plain"),
    *("regenerate-message", "submit-message", "st_" + "0" * 32, "cv_" + "0" * 32, "000000001-00000000", "²", "\x00"),
)
words = st.sampled_from(WORDS) | st.text(max_size=6)
numbers = st.integers(-2, 2) | st.sampled_from([2**63, 2**64, -(2**70), 1e308, 0.5, 1e-300])
values = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=16,
)
parts = st.fixed_dictionaries(
    {"type": st.sampled_from(WORDS[3:12])},
    optional=dict.fromkeys(FIELDS, values) | {"text": words, "state": words, "toolCallId": words},
)
ui_messages = st.lists(
    st.fixed_dictionaries(
        {"id": words, "role": st.sampled_from(["user", "assistant"]), "parts": st.lists(parts, max_size=3)}
    ),
    min_size=1,
    max_size=3,
)
blocks = st.fixed_dictionaries({"type": words}, optional=dict.fromkeys(FIELDS, values))
bodies = st.one_of(
    values,
    st.dictionaries(st.sampled_from(NAMES), values, max_size=6),
    st.fixed_dictionaries(
        {"id": st.just("c"), "messages": ui_messages}, optional={"trigger": words, "messageId": words}
    ),
    st.fixed_dictionaries({"content": st.lists(blocks, min_size=1, max_size=3)}, optional={"after": words}),
    st.fixed_dictionaries(
        {"model": words, "max_tokens": st.just(5), "messages": st.lists(blocks | values, max_size=3)},
        optional={"relay": values, "stream": st.booleans() | values, "novel": values},
    ),
)
HEADERS = (
    *("last-event-id", "idempotency-key", "anthropic-version", "anthropic-beta", "accept-encoding", "accept", "expect"),
    *("if-none-match", "origin", "x-request-id", "authorization", "x-api-key", "sec-fetch-site", "cookie", "range"),
    *("x-forwarded-for", "x-forwarded-host", "x-keepstream-user", "access-control-request-method", "upgrade"),
)
field_values = st.binary(max_size=12).map(lambda raw: bytes(b for b in raw if b not in b"\r\n\0")) | st.sampled_from(
    [
        b"gzip;q=\xb2",
        b"gzip;q=1.0.0",
        b"*;q=",
        b"\xff",
        b"null",
        b"Bearer \xe9",
        b"000000001-00000000",
        b'"',
        b"bytes=0-",
    ]
)
headers = st.lists(st.tuples(st.sampled_from(HEADERS), field_values), max_size=4)
queries = st.lists(
    st.tuples(
        st.sampled_from(["after", "lastEventId", "limit", "before", "format", "unseen", "beta", "ticket", ""]),
        words | st.sampled_from(["0", "-1", "101", "²", "1e9", "json", "000000001-00000000"]),
    ),
    max_size=3,
)


async def _end_all(front: Served) -> None:
    while True:
        author = await front.author()
        await author.end(Outcome.CANCELLED)


@pytest.fixture(scope="module")
def front(valkey: EmbeddedValkey) -> Iterator[tuple[str, int]]:
    """Where a front is whose streams end at once, in a thread of its own."""
    where: list[tuple[str, int]] = []
    ready, over = threading.Event(), threading.Event()

    async def serve() -> None:
        redis = connect(valkey.url, "fuzz")
        await redis.flushall()
        settings = Settings(anthropic_base_url=DEAD_END, chat_fields=("system", "tools"), max_prompt_bytes=100_000)
        async with served(redis, settings) as made:
            host, port = made.url.removeprefix("http://").split(":")
            where.append((host, int(port)))
            ending = asyncio.create_task(_end_all(made))
            ready.set()
            while not over.is_set():
                await asyncio.sleep(0.05)
            ending.cancel()
        await redis.aclose()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(PATIENCE)
    yield where[0]
    over.set()
    thread.join(PATIENCE)


def ask(
    where: tuple[str, int], method: str, path: str, fields: list[tuple[str, bytes]], body: bytes | None
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(*where, timeout=PATIENCE)
    try:
        connection.putrequest(method, path)
        for name, value in fields:
            connection.putheader(name, value.strip())
        if body is not None:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        stream = answer.headers.get("content-type", "").startswith("text/event-stream")
        return answer.status, b"" if stream else answer.read()
    finally:
        connection.close()


@pytest.fixture(autouse=True)
def faults(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.ERROR)
    yield
    assert [record.getMessage() for record in caplog.records] == []


def judge(path: str, status: int, body: bytes) -> None:
    if status < 500:
        return
    assert path.startswith(PASSED_ON), (status, body)
    assert status == 502, (status, body)


Asked = tuple[list[tuple[str, bytes]], list[tuple[str, str]], str, Any]
SOME = examples(max_examples=5, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize(("path", "method"), some_of(OPERATIONS, 25))
@SOME
@given(asked=st.tuples(headers, queries, words, bodies))
def test_headers_and_queries(front: tuple[str, int], path: str, method: str, asked: Asked) -> None:
    fields, query, identity, body = asked
    filled = re.sub(r"{\w+}", lambda _: quote(identity or "x", safe=""), path)
    text = "&".join(f"{quote(name)}={quote(value)}" for name, value in query)
    sent = None
    if method in ("POST", "PATCH"):
        fields = [*fields, ("content-type", b"application/json")]
        sent = json.dumps(body).encode()
    judge(path, *ask(front, method, f"{filled}?{text}" if text else filled, fields, sent))


POSTS = [path for path, method in OPERATIONS if method == "POST" and "{" not in path]


@pytest.mark.parametrize("path", some_of(POSTS, 6))
@examples(SOME, max_examples=25)
@given(body=bodies)
def test_bodies(front: tuple[str, int], path: str, body: Any) -> None:
    judge(path, *ask(front, "POST", path, [("content-type", b"application/json")], json.dumps(body).encode()))


@pytest.fixture(scope="module")
def conversation(front: tuple[str, int]) -> str:
    _, told = ask(front, "POST", "/v1/conversations", [("content-type", b"application/json")], b"{}")
    return str(json.loads(told)["id"])


@pytest.mark.parametrize(("method", "rest"), [("POST", "/messages"), ("PATCH", ""), ("POST", "/fork")])
@examples(SOME, max_examples=25)
@given(body=bodies)
def test_bodies_for_a_conversation(
    front: tuple[str, int], conversation: str, method: str, rest: str, body: Any
) -> None:
    path = f"/v1/conversations/{conversation}{rest}"
    judge(path, *ask(front, method, path, [("content-type", b"application/json")], json.dumps(body).encode()))
    judge(path, *ask(front, "GET", f"/v1/conversations/{conversation}", [], None))


@examples(SOME, max_examples=25)
@given(raw=st.binary(max_size=60) | st.builds(lambda depth: b"[" * depth, st.integers(1, 5000)))
def test_what_is_no_json(front: tuple[str, int], raw: bytes) -> None:
    for path in POSTS:
        judge(path, *ask(front, "POST", path, [("content-type", b"application/json")], raw))
