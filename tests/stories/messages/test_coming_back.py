"""The official SDK with nothing changed but its base URL: coming back, and what dies meanwhile, cost no second call."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import httpx
import pytest
from anthropic import AsyncAnthropic
from httpx2 import TransportError

from tests.harness.relay import Relay
from tests.patience import PATIENCE
from tests.stories.messages.asking import asking, error_of, sdk, simulated

pytestmark = pytest.mark.timeout(3 * PATIENCE)


async def until(true: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await true():
            await asyncio.sleep(0.02)


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
