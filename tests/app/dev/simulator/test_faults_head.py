"""Faults before the head of an answer, and which calls they meet."""

import asyncio

import anthropic
import pytest
from anthropic import AsyncAnthropic

from app.dev.simulator.rules.errors import STATUS_TYPES
from tests.app.dev.simulator.claude import asking, error_of, said, streamed, text_deltas, text_in, text_of


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
