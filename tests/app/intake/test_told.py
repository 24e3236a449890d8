"""Several requests with one Idempotency-Key at several fronts, of whose replies any may be lost: whoever is told of a
stream is told of the same, nobody takes it back, and nothing else runs (G5).
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from app.dev.embedded import EmbeddedValkey
from app.intake import owed
from app.intake import submit as submitting
from app.intake.prompt import Defaults, prompt_of
from app.intake.streams import Streams
from app.intake.submit import Accepted
from app.prices import Prices
from app.settings import Settings
from app.stream import keys
from app.stream.conversations.store import Conversations
from app.stream.endings import Outcome, end_data
from app.stream.frames import encode_json
from app.stream.log import Claim, Log, Status
from app.stream.queue import Queue
from app.stream.redis.connect import AWAY, connect
from tests.long import examples

T = TypeVar("T")

REQUESTS = 3
LEASE_MS = 60_000
PROMPT = prompt_of({"prompt": "hello"}, Defaults("claude-x", 100))
FATES = st.sampled_from(["heard", "heard", "heard", "lost", "unheard", "unheard"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 9), FATES),
        st.tuples(st.integers(0, 9), FATES),
        st.tuples(st.just(0), st.sampled_from(["asks", "asks", "begins", "ends"])),
    ),
    max_size=40,
)
# A front that heard nothing asks again while another is told of its stream; and then it gives up.
BETWEEN = [(0, "heard"), (0, "unheard"), (0, "asks"), (1, "heard"), (1, "heard"), (1, "heard"), (0, "unheard")]
# A front gives up a stream that a worker has; its client asks again before the worker has heard of it.
AFTER = [(0, "heard"), (0, "begins"), *((0, what) for what in ("lost", "lost", "heard", "heard", "asks"))]


class Wire:
    """Every call to Redis waits here for its fate: heard, lost on its way, or done and unheard."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[str]] = []

    def over(self, inner: Any, *names: str) -> Any:
        return _Over(self, inner, names)

    async def call(self, ask: Callable[[], Awaitable[T]]) -> T:
        fate = asyncio.get_running_loop().create_future()
        self.waiting.append(fate)
        told = await fate
        if told == "lost":
            raise RedisConnectionError
        reply = await ask()
        if told == "unheard":
            raise RedisConnectionError
        return reply


class _Over:
    def __init__(self, wire: Wire, inner: Any, names: tuple[str, ...]) -> None:
        self._wire, self._inner, self._names = wire, inner, names

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if name not in self._names:
            return method
        return lambda *args, **more: self._wire.call(lambda: method(*args, **more))


class Stand:
    def __init__(self, redis: Redis) -> None:
        self.log, self.queue, self.wire = Log(redis), Queue(redis), Wire()
        self.redis = redis
        self.fronts = [self._front(f"front-{n}") for n in range(REQUESTS)]
        self.requests: list[asyncio.Task[Accepted]] = []
        self.numbers = itertools.count(1)
        self.has: list[Claim] = []

    def _front(self, name: str) -> Streams:
        log = self.wire.over(self.log, "open", "keep", "withdraw", "meta", "drop", "begin", "append")
        queue = self.wire.over(self.queue, "submit", "claim", "done")
        settings = replace(Settings(), lease_seconds=60)
        conversations = Conversations(self.redis, self.log)
        return Streams(log, queue, conversations, settings, name, pricing=Prices().cost)

    async def step(self, number: int, what: str) -> None:
        match what:
            case "asks":
                if len(self.requests) < REQUESTS:
                    self.ask()
            case "begins":
                self.has += await self.queue.claim("worker", next(self.numbers), slots=1, lease_ms=LEASE_MS)
                for claim in self.has[-1:]:
                    await self.log.begin(claim, LEASE_MS)
            case "ends":
                if self.has:
                    await self.end(self.has.pop(0))
            case fate if self.wire.waiting:
                self.wire.waiting.pop(number % len(self.wire.waiting)).set_result(fate)
        await self.quiet()

    def ask(self) -> None:
        submit = self.fronts[len(self.requests)].submit(PROMPT, "me", {}, idempotency_key="once")
        self.requests.append(asyncio.create_task(submit))

    async def end(self, claim: Claim) -> None:
        begun = await self.log.begin(claim)
        if begun.status is Status.OK:
            assert begun.position is not None
            outcome = Outcome.CANCELLED if "cancel" in begun.meta else Outcome.COMPLETED
            frame, _ = encode_json("relay.end", end_data(outcome, attempts=1), begun.position)
            fields = {"outcome": outcome.value}
            await self.log.append(claim, begun.position.offset, frame, fields, ending_life_ms=LEASE_MS)
        await self.queue.done(claim)

    async def quiet(self) -> None:
        """Returns when everybody waits for a fate, or is done."""
        while sum(len(front.owed) > 0 for front in self.fronts) + sum(not one.done() for one in self.requests) > len(
            self.wire.waiting
        ):
            await asyncio.sleep(0)

    async def settle(self) -> None:
        while self.wire.waiting or not all(one.done() for one in self.requests):
            await self.step(0, "heard")


async def _again(ask: Callable[[], Awaitable[T]], seconds: float | None = None) -> T:  # noqa: ARG001  # as the other
    """Asked once more, whatever the clock says."""
    try:
        return await ask()
    except AWAY:
        return await ask()


async def _walk(redis: Redis, steps: list[tuple[int, str]]) -> None:
    await redis.flushall()
    stand = Stand(redis)
    stand.ask()
    await stand.quiet()
    for number, what in steps:
        await stand.step(number, what)
    await stand.settle()
    told = {one.result().stream_id for one in stand.requests if one.exception() is None}
    assert len(told) <= 1
    for stream_id in told:
        meta = await stand.log.meta(stream_id, "withdrawn", "cancel")
        assert meta is not None
        assert not {"withdrawn", "cancel"} & set(meta), meta
        assert await redis.pttl(keys.meta(stream_id)) > 0
    for claim in stand.has:
        await stand.end(claim)
    waits = {one.decode() for one in await redis.zrange(keys.JOBS, 0, -1)}
    assert waits <= told
    # Who asks now is answered by what was told, or by what runs for him: never by what was taken back.
    stand.requests = []
    stand.ask()
    await stand.settle()
    last = stand.requests[0].result().stream_id
    meta = await stand.log.meta(last, "withdrawn", "cancel")
    assert meta is not None
    assert not {"withdrawn", "cancel"} & set(meta)
    assert {last} >= told


@pytest.mark.parametrize("many", examples(60))
def test_whoever_is_told_of_a_stream_keeps_it(
    valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(submitting, "again", _again)
    monkeypatch.setattr(owed, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(owed, "PAUSE_SECONDS_MAX", 0.0)
    with asyncio.Runner() as runner:
        redis: Redis = connect(valkey.url, "told")

        @settings(max_examples=many, deadline=None)
        @given(STEPS)
        @example(BETWEEN)
        @example(AFTER)
        def any_walk(steps: list[tuple[int, str]]) -> None:
            runner.run(_walk(redis, steps))

        try:
            any_walk()
        finally:
            runner.run(redis.aclose())
