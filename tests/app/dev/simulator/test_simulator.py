"""The simulated Claude as the real SDK sees it: the same shapes, and each fault exactly where it was asked for."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any, cast

import anthropic
import httpx
import pytest
from anthropic import AsyncAnthropic, AsyncStream
from anthropic.types import Message
from hypothesis import given
from hypothesis.strategies import text

from app.dev.simulator import answer_for, pieces, serving
from app.dev.simulator.answer.events import PING
from app.dev.simulator.calls import Calls
from app.dev.simulator.directives import DirectiveError, Directives, parse
from app.dev.simulator.faults import dribble
from app.dev.simulator.player import Player, Wheel
from app.dev.simulator.reply import Pace, Stream
from app.dev.simulator.rules.errors import STATUS_TYPES

ROOT = Path(__file__).parents[2]
MODEL = "claude-opus-5-5"
AT_ONCE = Pace(rate=0, first=0)
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["celsius"]}, "days": {"type": "integer"}},
    },
}


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with serving(pace=AT_ONCE) as url:
        yield url


@pytest.fixture
async def claude(url: str) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=url, api_key="x", max_retries=0) as client:
        yield client


@pytest.fixture
async def http(url: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"x-api-key": "x", "anthropic-version": "2026-10-21"}
    async with httpx.AsyncClient(base_url=url, headers=headers) as client:
        yield client


def asking(prompt: str, **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 10_000, "messages": [{"role": "user", "content": prompt}], **more}


async def streamed(claude: AsyncAnthropic, prompt: str, **more: Any) -> list[Any]:
    return [event async for event in await claude.messages.create(**asking(prompt, **more), stream=True)]


async def until_it_breaks(claude: AsyncAnthropic, prompt: str) -> tuple[list[Any], Exception | None]:
    """The events up to a failure, and the failure; None if the body just ended."""
    events: list[Any] = []
    try:
        await collect(await claude.messages.create(**asking(prompt), stream=True), events)
    except Exception as error:  # noqa: BLE001 which one it is, is what the test asks
        return events, error
    return events, None


async def collect(stream: AsyncStream[Any], events: list[Any]) -> None:
    async for event in stream:
        events.append(event)  # noqa: PERF401 what came before a failure counts


async def raw_body(claude: AsyncAnthropic, prompt: str) -> bytes:
    async with claude.messages.with_streaming_response.create(**asking(prompt), stream=True) as response:
        return b"".join([part async for part in response.http_response.aiter_raw()])


async def raw_events(claude: AsyncAnthropic, prompt: str) -> list[tuple[str | None, str]]:
    async with claude.messages.with_streaming_response.create(**asking(prompt), stream=True) as response:
        return [(event.event, event.data) async for event in AsyncStream.raw_events(response.http_response)]


def text_of(events: list[Any]) -> str:
    return "".join(text_deltas(events))


def text_deltas(events: list[Any]) -> list[str]:
    deltas = (event.delta for event in events if event.type == "content_block_delta")
    return [delta.text for delta in deltas if delta.type == "text_delta"]


def text_in(message: Any) -> str:
    """The text of a Message's first block; the SDK's types allow for many other kinds."""
    return str(message.content[0].text)


def error_of(error: Any) -> Any:
    return error.body["error"]


def echoed(answer: str) -> Any:
    return json.loads(answer.removeprefix("```json\n").removesuffix("\n```\n"))


def types(events: list[Any]) -> list[str]:
    return [event.type for event in events]


def said(prompt: str) -> str:
    return answer_for([{"role": "user", "content": prompt}])


def expected(prompt: str, tokens: int) -> str:
    return "".join(pieces(said(prompt))[:tokens])


# The wire, when all is well.


async def test_a_stream_has_the_events_of_the_api_in_their_order(claude: AsyncAnthropic) -> None:
    events = await raw_events(claude, "hello")
    names = [name for name, _ in events]
    tokens = len(pieces(said("hello")))
    deltas = ["content_block_delta"] * tokens
    first = ["message_start", "content_block_start", "ping"]
    assert names == [*first, *deltas, "content_block_stop", "message_delta", "message_stop"]
    assert all(json.loads(data)["type"] == name for name, data in events)


async def test_data_is_as_compact_as_the_apis(claude: AsyncAnthropic) -> None:
    body = await raw_body(claude, "[[sim: text=Hé!]]")
    counted = (
        await claude.messages.count_tokens(model=MODEL, messages=asking("[[sim: text=Hé!]]")["messages"])
    ).input_tokens
    assert (
        b'event: message_start\ndata: {"type":"message_start","message":{"model":"claude-opus-5-5","id":"msg_' in body
    )
    assert PING[0] == b'event: ping\ndata: {"type": "ping"}\n\n'
    rest = (
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        '"delta":{"type":"text_delta","text":"Hé"}}\n\n'
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        '"delta":{"type":"text_delta","text":"!"}}\n\n'
        'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        'event: message_delta\ndata: {"type":"message_delta",'
        '"delta":{"stop_reason":"end_turn","stop_sequence":null,"stop_details":null},'
        f'"usage":{{"input_tokens":{counted},"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":2}}}}\n\n'
        'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    )
    assert body.endswith(rest.encode())


async def test_streamed_and_whole_are_the_same_message(claude: AsyncAnthropic) -> None:
    for prompt in ("hello", "a poem", "[[sim: thinking]] python", "[[sim: citations text=light]]", "[[sim: refusal]]"):
        async with claude.messages.stream(**asking(prompt)) as stream:
            streamed_message = await stream.get_final_message()
        whole = await claude.messages.create(**asking(prompt))
        assert comparable(streamed_message) == comparable(whole)
        assert whole.usage.output_tokens == streamed_message.usage.output_tokens


def comparable(message: Message) -> dict[str, Any]:
    return message.model_dump(include={"content", "model", "role", "stop_reason", "stop_sequence", "stop_details"})


async def test_an_answer_can_be_known_beforehand(claude: AsyncAnthropic) -> None:
    for prompt in (
        "hello",
        "a table, please",
        "żółw 🐢",
        "[[sim: tokens=100]]",
        "[[sim: hostile]]",
        "[[sim: text=a-b]]",
    ):
        assert text_of(await streamed(claude, prompt)) == said(prompt)
    assert said("tell me something") == said("tell me something [[sim: rate=0]]")
    assert len({said(f"prompt {number}") for number in range(50)}) > 3


async def test_earlier_turns_are_noticed(claude: AsyncAnthropic) -> None:
    messages: Any = [
        {"role": "user", "content": "What is a log? [[sim: text=A]]"},
        {"role": "assistant", "content": "A list that only grows."},
        {"role": "user", "content": [{"type": "text", "text": "And a table?"}]},
    ]
    answer = await claude.messages.create(model=MODEL, max_tokens=9999, messages=messages)
    assert text_in(answer) == answer_for(messages)
    assert "“What is a log?”" in answer_for(messages)
    assert said("And a table?") in answer_for(messages)


async def test_max_tokens_and_stop_sequences_cut(claude: AsyncAnthropic) -> None:
    short = await claude.messages.create(**{**asking("hello"), "max_tokens": 7})
    assert (short.stop_reason, short.usage.output_tokens) == ("max_tokens", 7)
    assert text_in(short) == expected("hello", 7)
    stopped = await claude.messages.create(
        **asking('[[sim: text="one two three"]]', stop_sequences=["three", "zzz", "wo t"])
    )
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "wo t")
    assert text_in(stopped) == "one t"
    exact = await claude.messages.create(**{**asking("[[sim: tokens=7]]"), "max_tokens": 7})
    assert (exact.stop_reason, exact.usage.output_tokens) == ("end_turn", 7)


async def test_tokens_asks_for_an_exact_number(claude: AsyncAnthropic) -> None:
    for count in (0, 1, 1500):
        events = await streamed(claude, f"[[sim: tokens={count}]] python")
        assert len(text_deltas(events)) == count
        assert events[-2].usage.output_tokens == count


async def test_every_answer_carries_an_id_and_falling_limits(claude: AsyncAnthropic) -> None:
    left = []
    for _ in range(2):
        response = await claude.messages.with_raw_response.create(**asking("hello"))
        assert response.headers["request-id"].startswith("req_")
        for name in ("requests", "tokens", "input-tokens", "output-tokens"):
            limit, remaining, reset = (
                response.headers[f"anthropic-ratelimit-{name}-{what}"] for what in ("limit", "remaining", "reset")
            )
            assert 0 < int(remaining) < int(limit)
            assert datetime.fromisoformat(reset).tzinfo is not None
        left.append(int(response.headers["anthropic-ratelimit-requests-remaining"]))
    assert left[0] > left[1]


async def test_limits_can_be_dictated(claude: AsyncAnthropic) -> None:
    response = await claude.messages.with_raw_response.create(**asking("[[sim: remaining=3 reset=0]]"))
    assert response.headers["anthropic-ratelimit-requests-remaining"] == "3"


async def test_tokens_are_counted(claude: AsyncAnthropic) -> None:
    messages: Any = asking("hello")["messages"]
    few = await claude.messages.count_tokens(model=MODEL, messages=messages)
    more = await claude.messages.count_tokens(model=MODEL, messages=messages, system="Be brief. " * 50)
    assert 0 < few.input_tokens < more.input_tokens
    answer = await claude.messages.create(**asking("hello"))
    assert answer.usage.input_tokens == few.input_tokens


async def test_models_are_listed_page_by_page(claude: AsyncAnthropic) -> None:
    everything = [model.id async for model in claude.models.list()]
    assert MODEL in everything
    paged = [model.id async for model in claude.models.list(limit=2)]
    assert paged == everything
    page = await claude.models.list(limit=2, after_id=everything[0])
    assert [model.id for model in page.data] == everything[1:3]
    assert (page.first_id, page.last_id, page.has_more) == (everything[1], everything[2], True)
    before = await claude.models.list(limit=2, before_id=everything[3])
    assert [model.id for model in before.data] == everything[1:3]
    assert (await claude.models.retrieve(MODEL)).display_name == "Claude Opus 5.5"
    with pytest.raises(anthropic.NotFoundError):
        await claude.models.retrieve("claude-nonexistent")


async def test_beta_calls_go_the_same_way(claude: AsyncAnthropic) -> None:
    prompt, beta = "[[sim: echo]]", "some-beta-2026"
    answer = await claude.beta.messages.create(**asking(prompt), betas=[beta], extra_query={"beta": "true"})
    seen = echoed(text_in(answer))
    assert seen["headers"]["anthropic-beta"] == beta
    assert seen["query"] == {"beta": "true"}


async def test_echo_shows_what_arrived_but_no_key(claude: AsyncAnthropic) -> None:
    body = asking("[[sim: echo]]", extra_body={"field_of_the_future": {"a": ["ż", None]}})
    headers = {"anthropic-version": "2099-01-01", "x-api-key": "very-secret"}
    answer = text_of(
        [event async for event in await claude.messages.create(**body, stream=True, extra_headers=headers)]
    )
    seen = echoed(answer)
    assert seen["body"]["field_of_the_future"] == {"a": ["ż", None]}
    assert seen["body"]["messages"] == body["messages"]
    assert seen["headers"]["anthropic-version"] == "2099-01-01"
    assert "secret" not in answer
    assert "authorization" not in answer


# What the API refuses.


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": None}, "model: Field required"),
        ({"messages": None}, "messages: Field required"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": "hello"}, "messages: Input should be a valid list"),
        ({"messages": ["hello"]}, "messages.0: Input should be a valid dictionary"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role: Input should be"),
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages.0: all messages must have non-empty content"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages.0.content.0.type: Field required"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, "must be non-empty"),
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        ({"max_tokens": "many"}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": True}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": 10**9}, "which is the maximum allowed number of output tokens for claude-opus-5-5"),
        ({"stream": "yes"}, "stream: Input should be a valid boolean"),
        ({"stop_sequences": [" "]}, "stop_sequences: each stop sequence must contain non-whitespace"),
        ({"tools": {}}, "tools: Input should be a valid list"),
        ({"tools": [{"name": "x", "input_schema": []}]}, "tools.0.input_schema: Input should be a valid dictionary"),
        ({"system": 1}, "system: Input should be a valid string or list"),
        ({"messages": [{"role": "user", "content": "[[sim: nonsense]]"}]}, "[[sim: nonsense]] is not known"),
        ({"messages": [{"role": "user", "content": "[[sim: tokens=many]]"}]}, "[[sim: tokens]] is a number"),
        ({"messages": [{"role": "user", "content": "[[sim: tokens=-1]]"}]}, "[[sim: tokens]] is a whole number from 0"),
        ({"messages": [{"role": "user", "content": "[[sim: tokens=5"}]}, "is not closed"),
        ({"messages": [{"role": "user", "content": '[[sim: text="\\q"]]'}]}, "is not a JSON string"),
        ({"messages": [{"role": "user", "content": "[[sim: tool-input=5]]"}]}, "is a JSON object in quotes"),
    ],
)
async def test_a_wrong_body_is_refused_in_the_apis_words(
    http: httpx.AsyncClient, change: dict[str, Any], message: str
) -> None:
    body = {name: value for name, value in {**asking("hello"), **change}.items() if value is not None}
    answer = await http.post("/v1/messages", json=body)
    error = answer.json()
    assert (answer.status_code, error["type"], error["error"]["type"]) == (400, "error", "invalid_request_error")
    assert message in error["error"]["message"]
    assert error["request_id"] == answer.headers["request-id"]


async def test_what_is_not_json_is_refused(http: httpx.AsyncClient) -> None:
    for content in (b"", b"{", b"[]", b"\xff"):
        answer = await http.post("/v1/messages", content=content)
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_keys_models_and_paths(url: str, claude: AsyncAnthropic, http: httpx.AsyncClient) -> None:
    with pytest.raises(anthropic.NotFoundError) as unknown:
        await claude.messages.create(**{**asking("hello"), "model": "claude-nonexistent"})
    assert unknown.value.type == "not_found_error"
    async with AsyncAnthropic(base_url=url, api_key="bad-key", max_retries=0) as wrong:
        with pytest.raises(anthropic.AuthenticationError):
            await wrong.messages.create(**asking("hello"))
        with pytest.raises(anthropic.AuthenticationError):
            await wrong.models.list()
    async with httpx.AsyncClient(base_url=url) as nobody:
        missing = await nobody.post("/v1/messages", json=asking("hello"))
        assert (missing.status_code, missing.json()["error"]["type"]) == (401, "authentication_error")
        bearer = await nobody.get("/v1/models", headers={"authorization": "Bearer x", "anthropic-version": "1"})
        assert bearer.status_code == 200
        assert (await nobody.get("/")).status_code == 200
        assert (await nobody.head("/")).status_code == 200
    assert (await http.get("/v1/nothing")).json()["error"]["type"] == "not_found_error"
    assert (await http.get("/v1/messages")).status_code == 405
    versionless = await http.post("/v1/messages", json=asking("hello"), headers={"anthropic-version": ""})
    assert "anthropic-version" in versionless.json()["error"]["message"]


# Faults before the head.


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 500, 503, 529])
async def test_a_status_fails_as_the_apis_does(claude: AsyncAnthropic, status: int) -> None:
    prompt = f"[[sim: status={status} retry-after=7 retry-after-ms=20 should-retry=false]]"
    for stream in (False, True):
        with pytest.raises(anthropic.APIStatusError) as caught:
            await claude.messages.create(**asking(prompt), stream=stream)
        assert caught.value.status_code == status
        assert error_of(caught.value)["type"] == STATUS_TYPES[status]
        headers = caught.value.response.headers
        assert (headers["retry-after"], headers["retry-after-ms"], headers["x-should-retry"]) == ("7", "20", "false")
        assert caught.value.request_id == headers["request-id"]


async def test_a_status_has_no_advice_unless_asked(claude: AsyncAnthropic) -> None:
    with pytest.raises(anthropic.RateLimitError) as caught:
        await claude.messages.create(**asking('[[sim: status=429 error-type=other_error message="as you like"]]'))
    assert not {"retry-after", "retry-after-ms", "x-should-retry"} & set(caught.value.response.headers)
    assert error_of(caught.value) == {"type": "other_error", "message": "as you like"}


async def test_times_counts_calls_with_the_same_prompt(claude: AsyncAnthropic) -> None:
    prompt = "one [[sim: status=529 times=2]]"
    for _ in range(2):
        with pytest.raises(anthropic.OverloadedError):
            await claude.messages.create(**asking(prompt))
        with pytest.raises(anthropic.OverloadedError):
            await claude.messages.create(**asking("another " + prompt))
    assert text_of(await streamed(claude, prompt)) == said("one")
    assert text_of(await streamed(claude, prompt)) == said("one")


async def test_each_directive_has_its_own_times(claude: AsyncAnthropic) -> None:
    prompt = "[[sim: tokens=9]] [[sim: end-after=5 times=2]] [[sim: status=500 call=1]] [[sim: end-after=2 call=3]]"
    with pytest.raises(anthropic.InternalServerError):
        await streamed(claude, prompt)
    assert [len(text_deltas(await streamed(claude, prompt))) for _ in range(3)] == [5, 2, 9]


async def test_the_sdks_own_retries_get_through(url: str) -> None:
    async with AsyncAnthropic(base_url=url, api_key="x", max_retries=2) as client:
        answer = await client.messages.create(**asking("[[sim: status=529 times=2 retry-after-ms=1 text=a]]"))
    assert text_in(answer) == "a"


async def test_cut_head_closes_without_a_byte(claude: AsyncAnthropic) -> None:
    for stream in (False, True):
        with pytest.raises(anthropic.APIConnectionError):
            await claude.messages.create(**asking("[[sim: cut-head]]"), stream=stream)


async def test_slow_head_is_late(claude: AsyncAnthropic) -> None:
    loop = asyncio.get_running_loop()
    for stream in (False, True):
        began = loop.time()
        await claude.messages.create(**asking("[[sim: slow-head=0.2 text=a]]"), stream=stream)
        assert loop.time() - began >= 0.19


# Faults within the stream.


@pytest.mark.parametrize("after", [0, 1, 5])
async def test_error_after(claude: AsyncAnthropic, after: int) -> None:
    events, error = await until_it_breaks(claude, f"hello [[sim: error-after={after}]]")
    assert text_of(events) == expected("hello", after)
    assert isinstance(error, anthropic.APIStatusError)
    assert error_of(error)["type"] == "overloaded_error"
    assert types(events) == ["message_start"] if after == 0 else "content_block_start" in types(events)


async def test_error_after_of_another_type(claude: AsyncAnthropic) -> None:
    _, error = await until_it_breaks(claude, "hello [[sim: error-after=1 error-type=api_error]]")
    assert error_of(error)["type"] == "api_error"
    with pytest.raises(anthropic.InternalServerError) as caught:
        await claude.messages.create(**asking("hello [[sim: error-after=1]]"))
    assert caught.value.status_code == 529


@pytest.mark.parametrize("after", [0, 3])
async def test_end_after_ends_cleanly_and_early(claude: AsyncAnthropic, after: int) -> None:
    events, error = await until_it_breaks(claude, f"hello [[sim: end-after={after}]]")
    assert error is None  # which is why its reader has to look for message_stop
    assert text_of(events) == expected("hello", after)
    assert "message_stop" not in types(events)


@pytest.mark.parametrize("after", [0, 3])
async def test_cut_after_resets_the_connection(claude: AsyncAnthropic, url: str, after: int) -> None:
    events, error = await until_it_breaks(claude, f"hello [[sim: cut-after={after}]]")
    assert text_of(events) == expected("hello", after)
    assert type(error).__name__ in {"ReadError", "RemoteProtocolError"}
    reader, writer = await raw_call(url, "hello [[sim: cut-after=3]]")
    with pytest.raises(ConnectionResetError):
        await reader.read(-1)
    writer.close()


async def test_a_fault_after_the_last_token_still_happens(claude: AsyncAnthropic) -> None:
    events, _ = await until_it_breaks(claude, "[[sim: tokens=4 end-after=1000]]")
    assert types(events)[-1] == "content_block_delta"
    assert len(text_deltas(events)) == 4


@pytest.mark.parametrize("key", ["stall-after", "pings-after"])
async def test_silence_for_ever(claude: AsyncAnthropic, key: str) -> None:
    stream = await claude.messages.create(**asking(f"hello [[sim: {key}=3]]"), stream=True)
    events: list[Any] = []
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(collect(stream, events), 0.3)
    assert text_of(events) == expected("hello", 3)
    await stream.close()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(claude.messages.create(**asking(f"hello [[sim: {key}=3]]")), 0.1)


async def test_pings_go_on(claude: AsyncAnthropic) -> None:
    create = claude.messages.with_streaming_response.create
    names: list[str | None] = []
    async with create(**asking("hello [[sim: pings-after=0]]"), stream=True) as response:
        async for event in AsyncStream.raw_events(response.http_response):
            names.append(event.event)
            if len(names) == 4:
                break
    assert names == ["message_start", "ping", "ping", "ping"]


async def names_and_times(claude: AsyncAnthropic, prompt: str, **more: Any) -> list[tuple[str | None, float]]:
    began = monotonic()
    create = claude.messages.with_streaming_response.create
    async with create(**asking(prompt, **more), stream=True) as response:
        events = AsyncStream.raw_events(response.http_response)
        return [(event.event, monotonic() - began) async for event in events]


async def test_a_silence_of_pings_ends(claude: AsyncAnthropic) -> None:
    seen = await names_and_times(claude, "hello [[sim: think=0.3 think-after=2 ping=0.1 tokens=4]]")
    names = [name for name, _ in seen]
    third = [at for name, at in seen if name == "content_block_delta"][2]
    assert names.count("content_block_delta") == 4
    assert names.count("ping") == 1 + 3
    assert third >= 0.3
    assert names[-1] == "message_stop"


async def test_a_silence_without_pings_ends(claude: AsyncAnthropic) -> None:
    seen = await names_and_times(claude, "hello [[sim: mute=0.2 tokens=4]]")
    assert [name for name, _ in seen][:2] == ["message_start", "content_block_start"]
    assert seen[1][1] - seen[0][1] > 0.1
    assert [name for name, _ in seen].count("ping") == 1


async def test_the_input_of_a_tool_is_held_back_and_comes_at_once(claude: AsyncAnthropic) -> None:
    prompt = '[[sim: tool buffer-tool=0.3 ping=0.1 rate=1 first=0 tool-input="{\\"text\\":\\"one two three\\"}"]]'
    seen = await names_and_times(claude, prompt, tools=[WEATHER])
    names = [name for name, _ in seen]
    assert names[:2] == ["message_start", "content_block_start"]
    assert names.count("ping") == 1 + 3
    assert names.count("content_block_delta") > 3
    assert 0.3 <= seen[-1][1] < 1.0
    whole = await claude.messages.create(**asking(prompt, tools=[WEATHER]))
    assert whole.content[0].type == "tool_use"


async def test_a_forged_event(claude: AsyncAnthropic) -> None:
    names = [name for name, _ in await names_and_times(claude, "hello [[sim: forged-after=1 tokens=3]]")]
    assert names[3:5] == ["content_block_delta", "relay.end"]
    assert names[-1] == "message_stop"


async def test_bad_json(claude: AsyncAnthropic) -> None:
    events, error = await until_it_breaks(claude, "hello [[sim: bad-json-after=2]]")
    assert text_of(events) == expected("hello", 2)
    assert isinstance(error, json.JSONDecodeError)
    assert (await raw_events(claude, "hello [[sim: bad-json-after=2]]"))[-1][0] == "message_stop"


async def test_bad_utf8(claude: AsyncAnthropic) -> None:
    events, error = await until_it_breaks(claude, "hello [[sim: bad-utf8-after=2]]")
    assert text_of(events) == expected("hello", 2)
    assert isinstance(error, UnicodeDecodeError)


async def test_unknown_events_are_of_every_kind(claude: AsyncAnthropic) -> None:
    events = await raw_events(claude, "hello [[sim: unknown-events]]")
    names = [name for name, _ in events]
    assert {"future_event", "future_lines", "future_id", None} <= set(names)
    assert names[-2:] == ["message_stop", "future_event"]
    assert json.loads(dict(events)["future_lines"]) == {"type": "future_lines", "detail": "data of three lines"}
    body = await raw_body(claude, "hello [[sim: unknown-events]]")
    assert b"\n: a comment" in body
    assert b"\nid: 17\n" in body
    async with claude.messages.stream(**asking("hello [[sim: unknown-events]]")) as stream:
        assert await stream.get_final_text() == said("hello")


async def test_no_blank_at_end(claude: AsyncAnthropic) -> None:
    for prompt in ("hello [[sim: no-blank-at-end]]", "hello [[sim: no-blank-at-end unknown-events]]"):
        assert (await raw_body(claude, prompt)).endswith(b'\nevent: message_stop\ndata: {"type":"message_stop"}')


async def test_crlf(claude: AsyncAnthropic) -> None:
    body = await raw_body(claude, "hello [[sim: crlf]]")
    assert body.count(b"\n") == body.count(b"\r\n") > 100
    assert text_of(await streamed(claude, "hello [[sim: crlf]]")) == said("hello")


async def test_split_cuts_within_characters(claude: AsyncAnthropic, url: str) -> None:
    prompt = "[[sim: split text=żółw🐢]]"
    assert text_of(await streamed(claude, prompt)) == "żółw🐢"
    reader, writer = await raw_call(url, prompt)
    await reader.readuntil(b"\r\n\r\n")
    chunks = [chunk async for chunk in chunks_of(reader)]
    writer.close()
    assert max(len(chunk) for chunk in chunks) <= 24
    assert any(before.endswith(b"\xc5") and after.startswith(b"\xbc") for before, after in pairwise(chunks))
    assert any(before.endswith(b"\xf0") for before in chunks)


async def test_hostile_text_arrives_unharmed(claude: AsyncAnthropic) -> None:
    prompt = "[[sim: hostile]]"
    body = await raw_body(claude, prompt)
    assert b"\\ud800" in body
    assert b"\\u0000" in body
    assert "\u2028".encode() in body
    arrived = text_of(await streamed(claude, prompt))
    assert arrived == said(prompt)
    for danger in (
        "<script>",
        "</script>",
        "](javascript:",
        "onerror=",
        "<svg",
        "\n\ndata: {}\n\nid: 1",
        "\u202e",
        "w" * 500,
    ):
        assert danger in arrived


async def test_a_big_delta(claude: AsyncAnthropic) -> None:
    deltas = text_deltas(await streamed(claude, "[[sim: big-delta=3000000 tokens=3]]"))
    assert len(deltas[0]) == 3_000_000
    assert len(deltas) == 4


# Other kinds of content and other endings.


async def test_thinking_comes_first_and_is_signed(claude: AsyncAnthropic) -> None:
    events = await streamed(claude, "hello [[sim: thinking]]")
    kinds = [event.delta.type for event in events if event.type == "content_block_delta"]
    assert list(dict.fromkeys(kinds)) == ["thinking_delta", "signature_delta", "text_delta"]
    assert kinds.count("signature_delta") == 1
    answer = await claude.messages.create(**asking("hello [[sim: thinking redacted-thinking]]"))
    assert [block.type for block in answer.content] == ["thinking", "redacted_thinking", "text"]
    assert answer.content[0].signature
    assert answer.usage.output_tokens_details.thinking_tokens > 10
    cut = await claude.messages.create(**{**asking("hello [[sim: thinking]]"), "max_tokens": 5})
    assert ([block.type for block in cut.content], cut.stop_reason) == (["thinking"], "max_tokens")


async def test_a_tool_is_called_and_its_result_used(claude: AsyncAnthropic) -> None:
    asked = asking("Weather? [[sim: tool tag=weather]]", tools=[WEATHER])
    async with claude.messages.stream(**asked) as stream:
        call: Any = await stream.get_final_message()
    assert call.stop_reason == "tool_use"
    [use] = call.content
    assert (use.type, use.name) == ("tool_use", "get_weather")
    assert use.input == {"city": "Kraków", "unit": "celsius", "days": 42}
    result = {"type": "tool_result", "tool_use_id": use.id, "content": [{"type": "text", "text": "21 °C, ☀️"}]}
    turn = {"role": "assistant", "content": [use.model_dump(exclude_none=True)]}
    messages = [*asked["messages"], turn, {"role": "user", "content": [result]}]
    answer = await claude.messages.create(**{**asked, "messages": messages})
    assert answer.stop_reason == "end_turn"
    assert text_in(answer).startswith("The tool `get_weather` says:\n\n> 21 °C, ☀️\n")
    assert text_in(answer) == answer_for(messages)


async def test_tools_by_name_with_input_and_in_rounds(claude: AsyncAnthropic) -> None:
    prompt = 'Both [[sim: tool=get_weather,other tool-input="{\\"a\\": [1, \\"]]\\"]}" tool-rounds=2]]'
    messages: list[Any] = [{"role": "user", "content": prompt}]
    for _ in range(2):
        call = await claude.messages.create(**{**asking(""), "messages": messages, "tools": [WEATHER]})
        uses: Any = call.content
        assert [(use.name, use.input) for use in uses] == [
            (name, {"a": [1, "]]"]}) for name in ("get_weather", "other")
        ]
        results = [{"type": "tool_result", "tool_use_id": use.id, "content": "no", "is_error": True} for use in uses]
        messages += [call.to_param(), {"role": "user", "content": results}]
    last = await claude.messages.create(**{**asking(""), "messages": messages, "tools": [WEATHER]})
    assert "The tool `other` failed and said:\n\n> no\n" in text_in(last)
    ids = [block.id for message in messages[1::2] for block in message["content"]]
    assert len(set(ids)) == 4


async def test_tool_choice_is_obeyed(claude: AsyncAnthropic) -> None:
    for choice in ({"type": "any"}, {"type": "tool", "name": "get_weather"}):
        answer = await claude.messages.create(**asking("hello", tools=[WEATHER], tool_choice=choice))
        assert answer.stop_reason == "tool_use"
    assert (await claude.messages.create(**asking("[[sim: tool]]"))).stop_reason == "end_turn"


async def test_citations(claude: AsyncAnthropic) -> None:
    events = await streamed(claude, "hello [[sim: citations]]")
    [cited] = [
        event.delta for event in events if event.type == "content_block_delta" and event.delta.type == "citations_delta"
    ]
    assert cited.citation.type == "char_location"


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("refusal", "refusal"),
        ("pause-turn", "pause_turn"),
        ("context-window", "model_context_window_exceeded"),
        ("max_tokens", "max_tokens"),
    ],
)
async def test_other_stop_reasons(claude: AsyncAnthropic, key: str, reason: str) -> None:
    answer = await claude.messages.create(**asking(f"[[sim: {key} tokens=5 times=1]]"))
    assert (answer.stop_reason, answer.usage.output_tokens) == (reason, 5)
    assert (answer.stop_details is not None) == (key == "refusal")
    assert (await claude.messages.create(**asking(f"[[sim: {key} tokens=5 times=1]]"))).stop_reason == "end_turn"


# The clock.


async def test_tokens_keep_to_the_schedule(claude: AsyncAnthropic) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    stream = await claude.messages.create(**asking("[[sim: rate=200 first=0.1 tokens=41 stamp]]"), stream=True)
    deltas = text_deltas([event async for event in stream])
    assert loop.time() - began >= 0.1 + 40 / 200
    stamps = [int(delta.partition(";")[0]) / 1e9 for delta in deltas]
    assert stamps == sorted(stamps)
    # A late token does not push the others back: the last is as late as its own tick, not as the sum of all.
    assert 0.19 < stamps[-1] - stamps[0] < 0.4
    assert "".join(delta.partition(";")[2] for delta in deltas) == said("[[sim: tokens=41]]")


async def test_a_whole_answer_takes_as_long_as_its_stream(claude: AsyncAnthropic) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await claude.messages.create(**asking("[[sim: rate=100 first=0.1 tokens=11]]"))
    assert loop.time() - began >= 0.2


async def test_a_client_that_does_not_read_is_waited_for() -> None:
    class Transport:
        written = 0

        def write(self, data: bytes) -> None:
            self.written += len(data)

    transport, done = Transport(), asyncio.Event()
    frames = iter([(b"data: %06d\n\n" % number, 1) for number in range(10_000)])
    stream = Stream(frames, AT_ONCE, Directives(), [], 0.0, Calls().begin(None, "200"))
    wheel = Wheel(asyncio.get_running_loop())
    player = Player(cast("asyncio.Transport", transport), stream, wheel, done.set, chunked=False)
    player.begin()
    while not done.is_set():
        player.pause()
        before = transport.written
        await asyncio.sleep(0)
        assert transport.written == before
        player.resume()
        await asyncio.sleep(0)
        assert 0 <= transport.written - before < 1000
    assert transport.written == 140_000


async def test_nothing_is_written_for_a_client_that_left(
    url: str, claude: AsyncAnthropic, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await raw_call(url, "[[sim: rate=1000 tokens=9000]]")
    await reader.readuntil(b"text_delta")
    writer.transport.abort()
    await streamed(claude, "[[sim: first=0.1 text=meanwhile]]")
    assert not caplog.records  # asyncio warns of writes to a closed connection


# HTTP itself.


async def test_one_connection_serves_many_requests(url: str) -> None:
    reader, writer = await asyncio.open_connection(*address(url))
    for _ in range(3):
        writer.write(request_bytes("[[sim: text=again]]"))
        await reader.readuntil(b"\r\n\r\n")
        body = b"".join([chunk async for chunk in chunks_of(reader)])
        assert body.endswith(b'{"type":"message_stop"}\n\n')
    writer.write(request_bytes("[[sim: text=a]]") * 5)
    for _ in range(5):
        await reader.readuntil(b"0\r\n\r\n")
    writer.close()


async def test_chunked_bodies_and_expect_continue(url: str) -> None:
    reader, writer = await asyncio.open_connection(*address(url))
    body = json.dumps(asking("[[sim: text=yes]]")).encode()
    head = b"POST /v1/messages HTTP/1.1\r\nx-api-key: x\r\nanthropic-version: 1\r\n"
    writer.write(head + b"expect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    for start in range(0, len(body), 10):
        part = body[start : start + 10]
        writer.write(b"%x\r\n%b\r\n" % (len(part), part))
    writer.write(b"0\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
    writer.close()


async def test_a_body_of_31_mb_is_read_and_one_of_33_is_refused(claude: AsyncAnthropic) -> None:
    fits = asking("[[sim: text=fits]] " + "x" * 31_000_000)
    assert text_in(await claude.messages.create(**fits)) == "fits"
    with pytest.raises(anthropic.APIStatusError) as caught:
        await claude.messages.create(**asking("x" * 34_000_000))
    assert caught.value.status_code == 413
    assert error_of(caught.value)["type"] == "request_too_large"


async def test_what_is_not_http_is_refused(url: str) -> None:
    for garbage in (b"\x16\x03\x01 no tls here\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 50_000):
        reader, writer = await asyncio.open_connection(*address(url))
        writer.write(garbage)
        assert (await reader.read(20)).startswith(b"HTTP/1.1 400")
        writer.close()


async def test_http_1_0_gets_a_plain_body(url: str) -> None:
    reader, writer = await asyncio.open_connection(*address(url))
    writer.write(request_bytes("[[sim: text=old]]").replace(b"HTTP/1.1", b"HTTP/1.0"))
    answer = await reader.read(-1)
    assert b"transfer-encoding" not in answer
    assert answer.endswith(b'{"type":"message_stop"}\n\n')
    writer.close()


# The pure parts.


@given(text())
def test_pieces_add_up(words: str) -> None:
    assert "".join(pieces(words)) == words
    assert all(1 <= len(piece) <= 7 or set(piece) == {"\n"} for piece in pieces(words))


@given(text())
def test_a_dribbled_frame_is_the_same_frame(words: str) -> None:
    frame = words.encode()
    assert b"".join(dribble(frame)) == frame
    assert all(dribble(frame))


@given(text())
def test_any_text_can_be_dictated(words: str) -> None:
    quoted = json.dumps(words)
    assert said(f"before [[sim: text={quoted} tag=x]] after") == words


@given(text(alphabet='[]sim: ="\\a1\n-', max_size=60))
def test_whatever_stands_in_a_directive_is_read_or_refused(noise: str) -> None:
    with suppress(DirectiveError):
        parse(f"[[sim:{noise}]]")


# The counts.


async def test_calls_are_counted(claude: AsyncAnthropic, http: httpx.AsyncClient) -> None:
    await streamed(claude, "[[sim: tag=mine]]")
    await claude.messages.create(**asking("[[sim: tag=mine]]"))
    await claude.models.list()
    with pytest.raises(anthropic.RateLimitError):
        await claude.messages.create(**asking("[[sim: status=429 tag=other]]"))
    with pytest.raises(anthropic.BadRequestError):
        await claude.messages.create(**asking("[[sim: what]]"))
    with pytest.raises(anthropic.APIConnectionError):
        await claude.messages.create(**asking("[[sim: cut-head]]"))
    seen = await counts(http)
    quiet = {"open": 0, "closed_early": 0, "last_closed_at": None}
    assert seen["tags"] == {"mine": {"calls": 2, **quiet}, "other": {"calls": 1, **quiet}}
    assert seen["statuses"] == {"200": 2, "429": 1, "400": 1, "none": 1}
    assert (seen["calls"], seen["open"], seen["closed_early"]) == (5, 0, 0)
    assert (await http.post("/_sim/reset")).json() == {"calls": 0, **quiet, "statuses": {}, "tags": {}}


@pytest.mark.parametrize("fault", ["stall-after=2", "rate=1 tokens=100", "slow-head=60", "pings-after=0", "first=60"])
async def test_a_client_that_leaves_is_noticed(url: str, http: httpx.AsyncClient, fault: str) -> None:
    loop = asyncio.get_running_loop()
    _, writer = await raw_call(url, f"[[sim: tag=left {fault}]]")
    while not (seen := (await counts(http))["tags"].get("left")):
        pass
    assert (seen["open"], seen["closed_early"]) == (1, 0)
    left_at = loop.time()
    writer.close()
    async with asyncio.timeout(5):
        while (seen := (await counts(http))["tags"]["left"])["open"]:
            pass
    assert loop.time() - left_at < 1
    assert (seen["calls"], seen["closed_early"]) == (1, 1)
    assert seen["last_closed_at"] > 1_700_000_000


async def test_a_reset_forgets_what_times_had_counted(claude: AsyncAnthropic, http: httpx.AsyncClient) -> None:
    for _ in range(2):
        with pytest.raises(anthropic.InternalServerError):
            await claude.messages.create(**asking("[[sim: status=500 times=1]]"))
        await http.post("/_sim/reset")


# The process.


def test_the_process_says_where_it_is_and_ends_at_once_with_streams_open() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with simulator_process("--port", "0", "--rate", "50") as (process, url):
            body = asking("[[sim: tokens=1000]]", stream=True)
            headers = {"x-api-key": "x", "anthropic-version": "1"}
            with httpx.stream("POST", f"{url}/v1/messages", json=body, headers=headers) as response:
                next(response.iter_raw())
                process.send_signal(number)
                assert process.wait(timeout=5) == 0
            assert process.stdout is not None
            assert process.stdout.read() == b""


async def test_the_process_resets_and_notices_as_well() -> None:
    # Its event loop is another one than that of the tests above.
    with simulator_process("--port", "0", "--rate", "0", "--first", "0") as (_, url):
        reader, writer = await raw_call(url, "[[sim: cut-after=3]]")
        with pytest.raises(ConnectionResetError):
            await reader.read(-1)
        writer.close()
        _, writer = await raw_call(url, "[[sim: stall-after=3 tag=left]]")
        async with httpx.AsyncClient(base_url=url) as client, asyncio.timeout(5):
            while not (await counts(client))["open"]:
                pass
            writer.close()
            while (await counts(client))["tags"]["left"]["closed_early"] == 0:
                pass
        async with AsyncAnthropic(base_url=url, api_key="x", max_retries=0) as claude:
            assert text_of(await streamed(claude, "[[sim: split tokens=200]]")) == said("[[sim: tokens=200]]")


def test_a_port_that_is_taken_is_said_clearly() -> None:
    with simulator_process("--port", "0") as (_, url):
        second = run_simulator("--port", str(address(url)[1]))
    assert second.returncode == 2
    assert "cannot listen on 127.0.0.1" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize("options", [("--port", "x"), ("--port", "70000"), ("--rate", "-1"), ("--first", "nan")])
def test_wrong_options_are_said_clearly(options: tuple[str, str]) -> None:
    wrong = run_simulator(*options)
    assert wrong.returncode == 2
    assert f"argument {options[0]}: is " in wrong.stderr


def test_help_documents_every_directive() -> None:
    shown = run_simulator("--help").stdout
    for name in Directives.__dataclass_fields__:
        key = name.replace("_", "-")
        assert re.search(rf"^  {key}[=\[ ]", shown, re.MULTILINE), key
        assert re.search(rf"\[\[sim: .*{key}", shown), key
    assert "times=N" in shown


@contextmanager
def simulator_process(*options: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    command = [sys.executable, "-m", "app.dev.simulator", *options]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ}, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().decode()
            found = re.fullmatch(r"simulated Claude on (http://\S+)\n", line)
            assert found, line
            yield process, found[1]
        finally:
            process.kill()


def run_simulator(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app.dev.simulator", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)


async def counts(http: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await http.get("/_sim/calls")).json()
    return found


def address(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


def request_bytes(prompt: str) -> bytes:
    body = json.dumps(asking(prompt, stream=True)).encode()
    head = f"POST /v1/messages HTTP/1.1\r\nx-api-key: x\r\nanthropic-version: 1\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def raw_call(url: str, prompt: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(*address(url))
    writer.write(request_bytes(prompt))
    return reader, writer


async def chunks_of(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The chunks of a chunked body, each as it was framed."""
    while size := int(await reader.readline(), 16):
        yield await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
