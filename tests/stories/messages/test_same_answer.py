"""The official SDK with nothing changed but its base URL: a relay and Claude itself answer the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import pytest
from anthropic import AsyncAnthropic

from tests.harness.recordings.recorded import recorded_streams
from tests.harness.recordings.replaying import Replaying
from tests.harness.relay import Relay
from tests.long import some_of
from tests.patience import PATIENCE
from tests.stories.messages.asking import MODEL, WEATHER, alike, asking, both, error_of, events_of, sdk

pytestmark = pytest.mark.timeout(3 * PATIENCE)


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


@pytest.fixture(scope="module")
def recorded(request: pytest.FixtureRequest) -> dict[str, bytes]:
    assert request.config.cache is not None
    return recorded_streams(request.config.cache.mkdir("recorded-streams"))


@pytest.fixture(scope="module")
def replayed(recorded: dict[str, bytes]) -> Iterator[Relay]:
    """A relay of the recorded streams."""
    with Replaying(recorded) as upstream, Relay(upstream.url) as relay:
        yield relay


def up_to_the_end(events: list[Any]) -> list[Any]:
    """What follows the message's end is nobody's answer."""
    ends = [n for n, event in enumerate(events) if event.type == "message_stop"]
    return events[: ends[0] + 1] if ends else events


class TestTheSameAnswer:
    @pytest.mark.parametrize("directives", some_of(ANSWERS, 6))
    async def test_streamed_event_for_event(
        self, direct: AsyncAnthropic, relayed: AsyncAnthropic, directives: str
    ) -> None:
        straight, through = await both(direct, relayed, lambda client: events_of(client, asking(directives)))
        if directives == "no-blank-at-end":  # the SDK misses the last event of a body that lacks its last blank line
            assert through.pop().type == "message_stop"
        assert alike(through) == alike(up_to_the_end(straight))

    @pytest.mark.parametrize("directives", some_of(ANSWERS, 3))
    async def test_gathered_by_the_streaming_helper(
        self, direct: AsyncAnthropic, relayed: AsyncAnthropic, directives: str
    ) -> None:
        async def gather(client: AsyncAnthropic) -> Any:
            async with client.messages.stream(**asking(directives)) as stream:
                return await stream.get_final_message()

        straight, through = await both(direct, relayed, gather)
        assert alike(through) == alike(straight)

    @pytest.mark.parametrize("directives", some_of(ANSWERS, 3))
    async def test_whole(self, direct: AsyncAnthropic, relayed: AsyncAnthropic, directives: str) -> None:
        straight, through = await both(direct, relayed, lambda client: client.messages.create(**asking(directives)))
        assert alike(through) == alike(straight)

    @pytest.mark.parametrize("directives", some_of(ANSWERS, 2))
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


def blocks_of(stream: bytes) -> list[bytes]:
    """The events of a body, without pings and comments."""
    blocks = [b"\n".join(line for line in block.split(b"\n") if line[:1] != b":") for block in stream.split(b"\n\n")]
    return [block.strip(b"\n") for block in blocks if block.strip(b"\n") and b"event: ping" not in block]


def up_to_message_stop(blocks: list[bytes]) -> list[bytes]:
    return blocks[: next(n for n, block in enumerate(blocks) if block.startswith(b"event: message_stop")) + 1]
