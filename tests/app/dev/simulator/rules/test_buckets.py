"""The simulated Claude with a rate limit: what a burst meets, and what the refusals say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

from app.dev.simulator import serving
from app.dev.simulator.reply import Pace
from app.dev.simulator.rules.buckets import Bucket, Buckets, Rates

MODEL = "claude-sonnet-5"
HEADERS = {"x-api-key": "x", "anthropic-version": "2026-10-21"}


@asynccontextmanager
async def limited(rates: Rates) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving(pace=Pace(rate=0, first=0), rates=rates) as url,
        httpx.AsyncClient(base_url=url, headers=HEADERS) as client,
    ):
        yield client


async def ask(client: httpx.AsyncClient, prompt: str = "[[sim: tokens=2]]", model: str = MODEL) -> httpx.Response:
    body: dict[str, Any] = {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": prompt}]}
    return await client.post("/v1/messages", json=body)


async def test_a_burst_above_the_rate_is_refused_late_and_told_how_long_to_wait() -> None:
    async with limited(Rates(calls=0.5, burst=4, refusal_delay=0.2)) as client:
        began = monotonic()
        answers = await asyncio.gather(*(ask(client, "[[sim: tokens=2 tag=burst]]") for _ in range(5)))
        assert monotonic() - began >= 0.2
        assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429, 429]
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert refused.headers["retry-after"] == "2"
        assert refused.headers["anthropic-ratelimit-requests-remaining"] == "0"
        assert refused.headers["anthropic-ratelimit-requests-limit"] == "2"
        assert "anthropic-ratelimit-input-tokens-limit" not in refused.headers
        counted = (await client.get("/_sim/calls")).json()
        assert counted["statuses"] == {"200": 2, "429": 3}
        assert counted["tags"]["burst"]["calls"] == 5
        # Another model has a bucket of its own.
        assert (await ask(client, model="claude-opus-5-5")).status_code == 200


async def test_a_refused_call_is_none_for_times() -> None:
    async with limited(Rates(calls=5, burst=0)) as client:
        assert (await ask(client, "[[sim: status=529 times=1]] a")).status_code == 529
        assert (await ask(client, "[[sim: status=529 times=1]] b")).status_code == 429
        await asyncio.sleep(0.21)
        assert (await ask(client, "[[sim: status=529 times=1]] b")).status_code == 529


async def test_nothing_is_told_where_that_is_asked() -> None:
    async with limited(Rates(calls=5, told=False)) as client:
        assert not [name for name in (await ask(client)).headers if name.startswith("anthropic-ratelimit")]


async def test_a_limit_may_come_and_go_while_it_runs() -> None:
    async with limited(Rates()) as client:
        assert (await client.post("/_sim/rates?calls=0.5&burst=2&refusal-delay=0")).json() == {"requests": 0.5}
        assert [(await ask(client)).status_code for _ in range(2)] == [200, 429]
        assert (await client.post("/_sim/rates")).json() == {}
        assert (await ask(client)).status_code == 200
        for wrong in ("calls=many", "bursts=1"):
            assert (await client.post(f"/_sim/rates?{wrong}")).status_code == 400


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_tokens_in_and_out_have_their_own_buckets() -> None:
    clock = Clock()
    buckets = Buckets(Rates(input_tokens=100, output_tokens=10, burst=2), clock)
    assert buckets.take("m", 150) == 0
    assert buckets.take("m", 150) == 1.0
    buckets.spend("m", 40)
    clock.now = 1.5
    assert buckets.take("m", 1) == 0.6  # 20 - 40 + 15 of output
    clock.now = 2.1
    assert buckets.take("m", 1) == 0
    clock.now = 10.0
    assert buckets.take("m", 1000) == 0  # a full bucket is enough for what it can never hold
    assert buckets.take("m", 1000) > 2


@given(st.floats(0.1, 50), st.floats(0, 5), st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_never_more_than_the_burst_and_the_rate(rate: float, burst: float, pauses: list[float]) -> None:
    clock = Clock()
    buckets = Buckets(Rates(calls=rate, burst=burst), clock)
    taken = 0
    for pause in pauses:
        clock.now += pause
        wait = buckets.take("m", 1)
        taken += wait == 0
        assert taken <= Bucket(rate, burst, 0).size + clock.now * rate + 1e-6
        if wait:
            clock.now += wait + 1e-6
            assert buckets.take("m", 1) == 0
            taken += 1
