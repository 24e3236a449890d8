"""The official SDK with nothing changed but its base URL: a failure is the one that Claude itself would have told."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest
from anthropic import AsyncAnthropic
from httpx2 import TransportError

from tests.harness.relay import Relay
from tests.long import some_of
from tests.patience import PATIENCE
from tests.stories.messages.asking import alike, asking, both, error_of, events_of, sdk, simulated

pytestmark = pytest.mark.timeout(3 * PATIENCE)


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


async def until_it_breaks(client: AsyncAnthropic, body: dict[str, Any]) -> tuple[list[Any], Exception | None]:
    """The events up to a failure, and the failure; None if the stream just ended."""
    events: list[Any] = []
    try:
        async for event in await client.messages.create(**body, stream=True):
            events.append(event)  # noqa: PERF401 - they are wanted also where it breaks
    except (anthropic.APIError, TransportError) as error:
        return events, error
    return events, None


class TestFailures:
    @pytest.mark.parametrize("stream", [True, False], ids=["streaming", "whole"])
    @pytest.mark.parametrize("directives", some_of(REFUSALS, 3))
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

    @pytest.mark.parametrize("status", some_of([401, 403], 1))
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

    @pytest.mark.parametrize(
        "broken", some_of(["cut-after=5", "end-after=5", "bad-json-after=5", "bad-utf8-after=5"], 2)
    )
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
