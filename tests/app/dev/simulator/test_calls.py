"""What was called, and who left."""

import asyncio

import anthropic
import httpx
import pytest
from anthropic import AsyncAnthropic

from tests.app.dev.simulator.claude import asking, counts, raw_call, streamed
from tests.patience import PATIENCE


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
    _, writer = await raw_call(url, f"[[sim: tag=left {fault}]]")
    while not (seen := (await counts(http))["tags"].get("left")):
        pass
    assert (seen["open"], seen["closed_early"]) == (1, 0)
    writer.close()
    async with asyncio.timeout(PATIENCE):  # the faults last for a minute and more
        while (seen := (await counts(http))["tags"]["left"])["open"]:
            pass
    assert (seen["calls"], seen["closed_early"]) == (1, 1)
    assert seen["last_closed_at"] > 1_700_000_000


async def test_a_reset_forgets_what_times_had_counted(claude: AsyncAnthropic, http: httpx.AsyncClient) -> None:
    for _ in range(2):
        with pytest.raises(anthropic.InternalServerError):
            await claude.messages.create(**asking("[[sim: status=500 times=1]]"))
        await http.post("/_sim/reset")


async def test_each_call_is_metered_by_its_request_id(
    claude: AsyncAnthropic, http: httpx.AsyncClient, url: str
) -> None:
    """As it would be billed: what was refused or declined is free, and of what is cut the prompt and what was said."""
    whole = await claude.messages.create(**asking("[[sim: tokens=7 tag=whole]]"))
    await streamed(claude, "[[sim: tokens=5 tag=streamed]]")
    await streamed(claude, "[[sim: refusal tag=declined]]")
    with pytest.raises(anthropic.RateLimitError):
        await claude.messages.create(**asking("[[sim: status=429 tag=refused]]"))
    reader, writer = await raw_call(url, "[[sim: stall-after=3 tokens=9 tag=cut]]")
    while b"content_block_delta" not in await reader.readline():
        pass
    meter = (await http.get("/_sim/meter")).json()
    writer.close()
    billed = {one["tag"]: (one["input_tokens"], one["output_tokens"]) for one in meter.values()}
    assert billed["whole"] == (whole.usage.input_tokens, 7)
    assert billed["streamed"][1] == 5
    assert (billed["declined"], billed["refused"]) == ((0, 0), (0, 0))
    assert billed["cut"][0] > 0
    assert billed["cut"][1] == 3
    assert whole._request_id in meter
