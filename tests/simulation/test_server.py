"""The simulation's Redis says what a Redis says: the queue's scripts give the same streams, in the same order."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from redis.asyncio import Redis

from app.stream.accounts import Share
from app.stream.log import Claim
from app.stream.queue import Queue
from app.stream.workers.presence import Presence
from tests.simulation.clock import Loop
from tests.simulation.server import Server

LEASE_MS = 60_000
STEPS = 120


async def history(redis: Any, seed: int) -> list[Any]:
    """What a queue answers to whoever asks it in this order."""
    queue, presence, dice, told = Queue(redis), Presence(redis), random.Random(seed), list[Any]()  # noqa: S311
    held: list[Claim] = []
    numbers = {"one": 1, "two": 1}
    for n in range(STEPS):
        match dice.choice(["submit", "submit", "submit", "claim", "done", "back", "renew"]):
            case "submit":
                tenant, user = f"t{dice.randrange(4)}", f"u{dice.randrange(3)}"
                share = Share(tenant, float(tenant[1:]) + 1, owner=f"{tenant}/{user}", others=True)
                try:
                    await queue.submit(f"st_{n}", limit=30, life_ms=60_000, share=share, size=10)
                except Exception as error:  # noqa: BLE001 - it is what was said
                    told.append(type(error).__name__)
            case "claim":
                who = dice.choice(list(numbers))
                claims = await queue.claim(who, numbers[who], slots=dice.randrange(1, 5), lease_ms=LEASE_MS)
                numbers[who] += bool(claims)
                held += claims
                told.append([(claim.stream_id, claim.fence, claim.holder, claim.times) for claim in claims])
            case "done" if held:
                told.append(await queue.done(held.pop(dice.randrange(len(held))), {"id": "x"}))
            case "back" if held:
                told.append(await queue.give_back([held.pop()]))
            case "renew":
                mine = [claim for claim in held if claim.holder.startswith("one/")]
                told.append(sorted(await queue.renew("one", mine, LEASE_MS)))
    told.append(await presence.absent("two"))
    told.append(await presence.expire(["one", "two"]))
    told.append(len(await queue.claim("two", 99, slots=99, lease_ms=LEASE_MS)))
    return told


async def test_a_queue_says_the_same_there(redis: Redis) -> None:
    for seed in range(3):
        await redis.flushall()

        async def simulated(seed: int = seed) -> list[Any]:
            return await history(Server(lambda *_: 0.0001), seed)

        def run() -> list[Any]:
            with asyncio.Runner(loop_factory=Loop) as runner:
                return runner.run(simulated())

        assert await asyncio.to_thread(run) == await history(redis, seed)
