"""The official SDK with nothing changed but its base URL: a relay and Claude itself answer the same."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import anthropic
import httpx
import pytest
from anthropic import AsyncAnthropic
from httpx2 import TransportError

from tests.harness.recordings.recorded import recorded_streams
from tests.harness.recordings.replaying import Replaying
from tests.harness.relay import Relay
from tests.harness.running import PATIENCE

pytestmark = pytest.mark.timeout(3 * PATIENCE)

MODEL = "claude-opus-5-5"
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
}
ANSWERS = [
    "tokens=40",
    "tokens=1",
    "tokens=1500",
    'text="one\\ntwo ü 東京 👋"',
    "hostile",
    "big-delta=300000",
    "thinking",
    "redacted-thinking",
    "thinking citations",
    "citations",
    "tool=get_weather",
    "thinking tool=get_weather",
    "refusal",
    "pause-turn",
    "context-window",
    "max-tokens",
    "unknown-events",
    "split",
    "crlf",
    "split crlf thinking",
    "no-blank-at-end",
]
REFUSALS = [
    "status=400",
    'status=400 error-type=billing_error message="no credit"',
    "status=404",
    "status=413",
    "status=429 retry-after=100",
    "status=500 should-retry=false",
    "status=503 should-retry=false",
    "status=529 should-retry=false",
]


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    with Relay(KEEPSTREAM_LEASE_SECONDS="1", KEEPSTREAM_RETRY_WAIT_MAX="2") as relay:
        yield relay


@pytest.fixture
async def direct(relay: Relay) -> AsyncIterator[AsyncAnthropic]:
    async with sdk(relay.claude) as client:
        yield client


@pytest.fixture
async def relayed(relay: Relay) -> AsyncIterator[AsyncAnthropic]:
    async with sdk(relay.url) as client:
        yield client


@pytest.fixture(scope="module")
def recorded(request: pytest.FixtureRequest) -> dict[str, bytes]:
    assert request.config.cache is not None
    return recorded_streams(request.config.cache.mkdir("recorded-streams"))


@pytest.fixture(scope="module")
def replayed(recorded: dict[str, bytes]) -> Iterator[Relay]:
    """A relay of the recorded streams."""
    with Replaying(recorded) as upstream, Relay(upstream.url) as relay:
        yield relay


def sdk(url: str, **options: Any) -> AsyncAnthropic:
    return AsyncAnthropic(base_url=url, api_key="the-clients-key", **{"max_retries": 0, **options})


def asking(directives: str = "", text: str = "", **more: Any) -> dict[str, Any]:
    content = f"[[sim: {directives}]] {text}" if directives else text
    tools = {"tools": [WEATHER]} if "tool" in directives else {}
    return {"model": MODEL, "max_tokens": 4096, "messages": [{"role": "user", "content": content}], **tools, **more}


async def both(
    direct: AsyncAnthropic, relayed: AsyncAnthropic, call: Callable[[AsyncAnthropic], Awaitable[Any]]
) -> tuple[Any, Any]:
    return await call(direct), await call(relayed)


def alike(value: Any) -> Any:
    """Without what every call makes anew: the message's id."""
    if isinstance(value, list):
        return [alike(one) for one in value]
    shown: dict[str, Any] = value if isinstance(value, dict) else value.model_dump()
    if isinstance(shown.get("message"), dict):
        return {**shown, "message": alike(shown["message"])}
    return {**shown, "id": "msg"} if str(shown.get("id")).startswith("msg_") else shown


def up_to_the_end(events: list[Any]) -> list[Any]:
    """What follows the message's end is nobody's answer."""
    ends = [n for n, event in enumerate(events) if event.type == "message_stop"]
    return events[: ends[0] + 1] if ends else events


async def events_of(client: AsyncAnthropic, body: dict[str, Any]) -> list[Any]:
    return [event async for event in await client.messages.create(**body, stream=True)]


async def until_it_breaks(client: AsyncAnthropic, body: dict[str, Any]) -> tuple[list[Any], Exception | None]:
    """The events up to a failure, and the failure; None if the stream just ended."""
    events: list[Any] = []
    try:
        async for event in await client.messages.create(**body, stream=True):
            events.append(event)  # noqa: PERF401 - they are wanted also where it breaks
    except (anthropic.APIError, TransportError) as error:
        return events, error
    return events, None


async def simulated(relay: Relay, tag: str) -> dict[str, Any]:
    """What the simulator counted of the calls under a tag."""
    async with httpx.AsyncClient(base_url=relay.claude) as http:
        counted: dict[str, Any] = (await http.get("/_sim/calls")).json()["tags"].get(tag, {})
        return counted


async def until(true: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await true():
            await asyncio.sleep(0.02)


class TestTheSameAnswer:
    @pytest.mark.parametrize("directives", ANSWERS)
    async def test_streamed_event_for_event(
        self, direct: AsyncAnthropic, relayed: AsyncAnthropic, directives: str
    ) -> None:
        straight, through = await both(direct, relayed, lambda client: events_of(client, asking(directives)))
        if directives == "no-blank-at-end":  # the SDK misses the last event of a body that lacks its last blank line
            assert through.pop().type == "message_stop"
        assert alike(through) == alike(up_to_the_end(straight))

    @pytest.mark.parametrize("directives", ANSWERS)
    async def test_gathered_by_the_streaming_helper(
        self, direct: AsyncAnthropic, relayed: AsyncAnthropic, directives: str
    ) -> None:
        async def gather(client: AsyncAnthropic) -> Any:
            async with client.messages.stream(**asking(directives)) as stream:
                return await stream.get_final_message()

        straight, through = await both(direct, relayed, gather)
        assert alike(through) == alike(straight)

    @pytest.mark.parametrize("directives", ANSWERS)
    async def test_whole(self, direct: AsyncAnthropic, relayed: AsyncAnthropic, directives: str) -> None:
        straight, through = await both(direct, relayed, lambda client: client.messages.create(**asking(directives)))
        assert alike(through) == alike(straight)

    @pytest.mark.parametrize("directives", ANSWERS)
    async def test_beta(self, direct: AsyncAnthropic, relayed: AsyncAnthropic, directives: str) -> None:
        async def gather(client: AsyncAnthropic) -> Any:
            async with client.beta.messages.stream(**asking(directives), betas=["new-2026"]) as stream:
                return [await stream.get_final_message(), await client.beta.messages.create(**asking(directives))]

        straight, through = await both(direct, relayed, gather)
        assert alike(through) == alike(straight)

    async def test_a_tools_result_is_answered(self, direct: AsyncAnthropic, relayed: AsyncAnthropic) -> None:
        async def turn(client: AsyncAnthropic) -> Any:
            asked = asking("thinking tool=get_weather")
            first = await client.messages.create(**asked)
            [use] = [block for block in first.content if block.type == "tool_use"]
            result = {"type": "tool_result", "tool_use_id": use.id, "content": "sunny"}
            asked["messages"] += [
                {"role": "assistant", "content": [block.model_dump() for block in first.content]},
                {"role": "user", "content": [result]},
            ]
            return await client.messages.create(**asked)

        straight, through = await both(direct, relayed, turn)
        assert alike(through) == alike(straight)

    async def test_parallel_calls_get_their_own_answers(self, relayed: AsyncAnthropic) -> None:
        async def call(n: int) -> str:
            if n % 2:
                message = await relayed.messages.create(**asking(f'text="answer {n}"'))
                return str(message.content[0].text)  # type: ignore[union-attr]
            async with relayed.messages.stream(**asking(f'text="answer {n}" split')) as stream:
                return await stream.get_final_text()

        answers = await asyncio.gather(*(call(n) for n in range(40)))
        assert answers == [f"answer {n}" for n in range(40)]


class TestEveryRecordedStream:
    async def test_passes_event_for_event(self, replayed: Relay, recorded: dict[str, bytes]) -> None:
        assert len([name for name in recorded if name.endswith(".txt")]) >= 16
        async with httpx.AsyncClient(timeout=PATIENCE) as http:
            for name, stream in recorded.items():
                answer = await http.post(f"{replayed.url}/v1/messages", json=asking(text=name, stream=True))
                assert blocks_of(answer.content) == up_to_message_stop(blocks_of(stream)), name

    async def test_becomes_the_same_message(self, replayed: Relay, recorded: dict[str, bytes]) -> None:
        async def gather(client: AsyncAnthropic, name: str) -> Any:
            try:
                async with client.beta.messages.stream(**asking(text=name)) as stream:
                    return await stream.get_final_message()
            except (ValueError, AssertionError) as error:  # what the SDK cannot read, it cannot read either way
                return type(error), str(error)

        async with sdk(replayed.claude) as direct, sdk(replayed.url) as relayed:
            for name in recorded:
                assert await gather(relayed, name) == await gather(direct, name), name


class TestWhatReachesClaude:
    async def test_every_field_known_or_not(self, direct: AsyncAnthropic, relayed: AsyncAnthropic) -> None:
        more: dict[str, Any] = {
            "system": "Be brief.",
            "metadata": {"user_id": "somebody"},
            "service_tier": "auto",
            "tools": [WEATHER],
            "thinking": {"type": "adaptive"},
            "extra_body": {"novel_field": {"deep": [1, 2.5, None, True, "ü"]}, "temperature": 0.5},
            "extra_headers": {"anthropic-beta": "one-2026,two-2026", "anthropic-version": "2025-01-01"},
            "extra_query": {"beta": "true"},
        }
        straight, through = await both(direct, relayed, lambda client: echo(client, asking("echo", **more)))
        assert through["body"].pop("stream") is True  # we always ask for a stream
        assert through["body"] == {name: value for name, value in straight["body"].items() if name != "stream"}
        assert through["query"] == straight["query"] == {"beta": "true"}
        for name in ("anthropic-beta", "anthropic-version"):
            assert through["headers"][name] == straight["headers"][name]

    async def test_beta_calls_as_well(self, direct: AsyncAnthropic, relayed: AsyncAnthropic) -> None:
        async def call(client: AsyncAnthropic) -> Any:
            message = await client.beta.messages.create(**asking("echo"), betas=["one-2026", "two-2026"])
            return echoed(message.content[0].text)  # type: ignore[union-attr]

        straight, through = await both(direct, relayed, call)
        assert through["query"] == straight["query"]
        assert through["headers"]["anthropic-beta"] == straight["headers"]["anthropic-beta"] == "one-2026,two-2026"


class TestFailures:
    @pytest.mark.parametrize("stream", [True, False], ids=["streaming", "whole"])
    @pytest.mark.parametrize("directives", REFUSALS)
    async def test_before_content_they_are_claudes_own(
        self, direct: AsyncAnthropic, relayed: AsyncAnthropic, directives: str, *, stream: bool
    ) -> None:
        async def refused(client: AsyncAnthropic) -> anthropic.APIStatusError:
            with pytest.raises(anthropic.APIStatusError) as raised:
                await client.messages.create(**asking(directives), stream=stream)
            return raised.value

        straight, through = await both(direct, relayed, refused)
        assert type(through) is type(straight)
        assert through.status_code == straight.status_code
        assert error_of(through) == error_of(straight)
        assert through.response.headers.get("retry-after") == straight.response.headers.get("retry-after")
        assert through.request_id == through.body["request_id"]  # type: ignore[index, call-overload]

    async def test_a_passing_one_is_never_seen(self, direct: AsyncAnthropic, relayed: AsyncAnthropic) -> None:
        # The first call breaks before its content, in three ways; the second one answers.
        for broken in ("status=529", "error-after=0", "cut-after=0"):
            prompt = asking(f"{broken} call=1", "[[sim: tokens=10]] seen once")
            events = await events_of(relayed, prompt)
            assert [event.type for event in events].count("message_start") == 1
            assert alike(events) == alike(await events_of(direct, prompt))

    @pytest.mark.parametrize("stream", [True, False], ids=["streaming", "whole"])
    async def test_the_sdks_retries_and_ours_do_not_multiply(self, relay: Relay, *, stream: bool) -> None:
        tag = f"retries-{stream}"
        async with sdk(relay.url, max_retries=2) as relayed:
            with pytest.raises(anthropic.APIStatusError) as raised:
                await relayed.messages.create(**asking(f"status=529 tag={tag}"), stream=stream)
        assert raised.value.status_code == 529
        assert (await simulated(relay, tag))["calls"] == 3

    async def test_what_claude_says_is_not_to_be_tried_again_is_not(self, relay: Relay) -> None:
        for url, calls in ((relay.claude, 1), (relay.url, 2)):
            async with sdk(url, max_retries=2) as client:
                with pytest.raises(anthropic.InternalServerError) as raised:
                    await client.messages.create(**asking("status=500 should-retry=false tag=never"))
            assert raised.value.response.headers["x-should-retry"] == "false"
            assert (await simulated(relay, "never"))["calls"] == calls

    async def test_a_wait_that_is_too_long_for_us_is_the_sdks(self, relay: Relay) -> None:
        async with sdk(relay.url, max_retries=1) as relayed:
            message = await relayed.messages.create(
                **asking("status=429 retry-after=3 call=1", "[[sim: tag=wait]] wait")
            )
        assert message.type == "message"
        assert (await simulated(relay, "wait"))["calls"] == 2

    @pytest.mark.parametrize("status", [401, 403])
    async def test_our_key_is_not_the_clients(self, relayed: AsyncAnthropic, status: int) -> None:
        with pytest.raises(anthropic.InternalServerError) as raised:
            await relayed.messages.create(**asking(f"status={status}"))
        assert raised.value.status_code == 500
        assert raised.value.response.headers["x-should-retry"] == "false"
        assert error_of(raised.value)["type"] == "api_error"

    async def test_an_error_in_the_stream_is_claudes_own(self, direct: AsyncAnthropic, relayed: AsyncAnthropic) -> None:
        prompt = asking("error-after=5")
        (straight, ours), (through, theirs) = await both(
            direct, relayed, lambda client: until_it_breaks(client, prompt)
        )
        assert alike(through) == alike(straight)
        assert type(ours) is type(theirs)
        assert isinstance(ours, anthropic.APIStatusError)
        assert isinstance(theirs, anthropic.APIStatusError)
        assert error_of(theirs) == error_of(ours)

    @pytest.mark.parametrize("broken", ["cut-after=5", "end-after=5", "bad-json-after=5", "bad-utf8-after=5"])
    async def test_a_broken_answer_never_looks_whole(self, relayed: AsyncAnthropic, broken: str) -> None:
        events, error = await until_it_breaks(relayed, asking(broken))
        assert "message_stop" not in [event.type for event in events]
        assert isinstance(error, anthropic.APIStatusError)
        assert error_of(error)["type"] == "api_error"

    async def test_a_timeout_of_the_sdk_is_a_timeout(self, relayed: AsyncAnthropic) -> None:
        for stream in (True, False):
            with pytest.raises(anthropic.APITimeoutError):
                await relayed.with_options(timeout=0.5).messages.create(**asking("stall-after=0"), stream=stream)

    async def test_unknown_paths_have_the_apis_shape(self, relayed: AsyncAnthropic) -> None:
        with pytest.raises(anthropic.NotFoundError) as raised:
            await relayed.post("/v1/nothing", cast_to=object, body={})
        assert error_of(raised.value)["type"] == "not_found_error"


class TestComingBack:
    async def test_the_headers_name_the_stream(self, relay: Relay, relayed: AsyncAnthropic) -> None:
        raw = await relayed.messages.with_raw_response.create(**asking("tokens=10"))
        assert raw.headers["location"] == f"/v1/streams/{raw.headers['x-keepstream-id']}"
        async with httpx.AsyncClient(base_url=relay.url) as http:
            again = (await http.get(f"{raw.headers['location']}/message")).json()
        assert again["id"] == (await raw.parse()).id  # type: ignore[misc]

    async def test_a_retry_with_its_key_attaches_to_the_same_stream(self, relay: Relay) -> None:
        async with sdk(relay.url) as relayed:
            body = asking("tokens=20 rate=40 tag=attach", extra_headers={"idempotency-key": "attach"})
            calls = [relayed.messages.create(**body) for _ in range(3)]
            whole = await asyncio.gather(*calls)
            async with relayed.messages.stream(**body) as stream:
                streamed = await stream.get_final_message()
        assert {message.id for message in (*whole, streamed)} == {streamed.id}
        assert (await simulated(relay, "attach"))["calls"] == 1

    async def test_a_client_whose_timeout_was_too_short_loses_nothing(self, relay: Relay) -> None:
        body = asking("tokens=60 rate=40 tag=patience", extra_headers={"idempotency-key": "patience"})
        async with sdk(relay.url, max_retries=5, timeout=0.7) as relayed:
            message = await relayed.messages.create(**body)
        assert message.usage.output_tokens == 60
        assert (await simulated(relay, "patience"))["calls"] == 1


class TestWhenSomethingDies:
    async def test_a_front_that_dies_leaves_no_stream_that_nobody_reads(self, relay: Relay) -> None:
        front, url = relay.another_front()
        tag = "abandoned"
        async with sdk(url) as relayed:
            body = asking(f"tokens=2000 rate=20 tag={tag}", extra_body={"relay": {"abandon_after": 0.5}})
            stream = await relayed.messages.create(**body, stream=True)
            assert (await anext(aiter(stream))).type == "message_start"
            front.send(signal.SIGKILL)
            with pytest.raises(TransportError):
                _ = [event async for event in stream]

        async def is_closed() -> bool:
            return bool((await simulated(relay, tag)).get("closed_early"))

        await until(is_closed)

    async def test_a_front_that_drains_finishes_what_it_can(self, relay: Relay) -> None:
        front, url = relay.another_front(KEEPSTREAM_DRAIN_SECONDS="20")
        async with sdk(url) as relayed:
            stream = await relayed.messages.create(**asking("tokens=60 rate=40"), stream=True)
            events = [await anext(aiter(stream))]
            front.send(signal.SIGTERM)
            events += [event async for event in stream]
        assert events[-1].type == "message_stop"
        assert front.wait() == 0

    async def test_and_says_so_where_it_cannot(self, relay: Relay) -> None:
        front, url = relay.another_front(KEEPSTREAM_DRAIN_SECONDS="1")
        async with sdk(url) as relayed:
            stream = await relayed.messages.create(**asking("tokens=2000 rate=20"), stream=True)
            assert (await anext(aiter(stream))).type == "message_start"
            front.send(signal.SIGTERM)
            with pytest.raises(anthropic.APIStatusError) as raised:
                _ = [event async for event in stream]
        assert error_of(raised.value)["type"] == "api_error"
        assert front.wait() == 0

    async def test_a_worker_that_dies_is_an_error_in_the_stream_and_nothing_in_a_whole_answer(self) -> None:
        with Relay(KEEPSTREAM_LEASE_SECONDS="1") as relay:
            async with sdk(relay.url) as relayed:
                body = asking("tokens=4000 rate=40")
                stream = await relayed.messages.create(**body, stream=True)
                assert (await anext(aiter(stream))).type == "message_start"
                whole = asyncio.create_task(relayed.messages.create(**asking("tokens=150 rate=50 tag=whole")))

                async def is_under_way() -> bool:
                    return (await simulated(relay, "whole")).get("calls") == 1

                await until(is_under_way)
                relay.workers[0].send(signal.SIGKILL)
                relay.worker()
                with pytest.raises(anthropic.APIStatusError) as raised:
                    _ = [event async for event in stream]
                assert error_of(raised.value)["type"] == "api_error"
                assert (await whole).usage.output_tokens == 150
                assert (await simulated(relay, "whole"))["calls"] == 2


class TestShortCalls:
    async def test_tokens_are_counted(self, direct: AsyncAnthropic, relayed: AsyncAnthropic) -> None:
        asked = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}], "tools": [WEATHER]}
        straight, through = await both(direct, relayed, lambda client: client.messages.count_tokens(**asked))
        assert through == straight

    async def test_models_are_listed_page_by_page(self, direct: AsyncAnthropic, relayed: AsyncAnthropic) -> None:
        async def pages(client: AsyncAnthropic) -> Any:
            return [model async for model in client.models.list(limit=2)]

        straight, through = await both(direct, relayed, pages)
        assert through == straight
        assert len(through) > 2

    async def test_a_model_is_found_or_not(self, direct: AsyncAnthropic, relayed: AsyncAnthropic) -> None:
        straight, through = await both(direct, relayed, lambda client: client.models.retrieve("claude-opus-5"))
        assert through == straight
        with pytest.raises(anthropic.NotFoundError) as raised:
            await relayed.models.retrieve("claude-nonexistent")
        assert error_of(raised.value) == {"type": "not_found_error", "message": "model: claude-nonexistent"}


async def echo(client: AsyncAnthropic, body: dict[str, Any]) -> Any:
    message = await client.messages.create(**body)
    return echoed(message.content[0].text)  # type: ignore[union-attr]


def echoed(text: str) -> Any:
    return json.loads(text.removeprefix("```json\n").removesuffix("\n```\n"))


def error_of(error: anthropic.APIStatusError) -> dict[str, str]:
    assert isinstance(error.body, dict)
    assert error.body["type"] == "error"
    found: dict[str, str] = error.body["error"]
    return found


def blocks_of(stream: bytes) -> list[bytes]:
    """The events of a body, without pings and comments."""
    blocks = [b"\n".join(line for line in block.split(b"\n") if line[:1] != b":") for block in stream.split(b"\n\n")]
    return [block.strip(b"\n") for block in blocks if block.strip(b"\n") and b"event: ping" not in block]


def up_to_message_stop(blocks: list[bytes]) -> list[bytes]:
    return blocks[: next(n for n, block in enumerate(blocks) if block.startswith(b"event: message_stop")) + 1]
