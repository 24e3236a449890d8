"""Who waits takes turns: whatever one owner puts into the line, another's next one waits for no more than a turn."""

from __future__ import annotations

from redis.asyncio import Redis

from app.stream import keys
from app.stream.queue import Queue
from app.stream.workers.gates import Gates
from tests.app.stream.queue.line import LIFE_MS, ROOM, ask, cancel, in_line, many, park, say, take, taken

DOOR = "m"


async def test_a_flood_lets_another_s_one_go_after_a_turn(queue: Queue) -> None:
    await say(queue, *many("flood", 40))
    await say(queue, "one:0")
    assert await queue.position("one:0") == 2
    assert await taken(queue, 3) == ["flood:0", "one:0", "flood:1"]
    await say(queue, "one:1", "one:2")
    assert [await queue.position(one) for one in ("one:1", "one:2")] == [1, 3]


async def test_those_who_wait_take_turns_and_each_its_own_in_order(queue: Queue) -> None:
    await say(queue, *many("a", 3), *many("b", 2), *many("c", 3))
    assert await taken(queue, 8) == ["a:0", "b:0", "c:0", "a:1", "b:1", "c:1", "a:2", "c:2"]


async def test_a_weight_is_a_share_of_the_turns(queue: Queue) -> None:
    await say(queue, *many("heavy", 12), weight=3)
    await say(queue, *many("light", 4))
    order = await taken(queue, 16)
    for turn in range(4):
        assert sum(one.startswith("heavy") for one in order[4 * turn : 4 * turn + 4]) == 3


async def test_who_comes_first_of_those_that_have_none_waiting_goes_first(redis: Redis, queue: Queue) -> None:
    await say(queue, *many("flood", 2))
    names = [f"{name}:0" for name in ("z", "c", "x", "a", "m")]
    await say(queue, *names)
    assert await in_line(redis) == ["flood:0", *names, "flood:1"]


async def test_who_has_just_had_a_turn_waits_for_the_others(queue: Queue) -> None:
    """One at a time is no way to have all turns."""
    await say(queue, *many("patient", 10))
    order = []
    for n in range(5):
        await say(queue, f"quick:{n}")
        order += await taken(queue, 2, by=f"worker-{n}")
    assert sum(one.startswith("patient") for one in order) == 5


async def test_who_was_away_has_no_turns_saved_up(queue: Queue) -> None:
    await say(queue, *many("steady", 30))
    await say(queue, "back:0")
    await taken(queue, 20)
    await say(queue, *many("back", 6)[1:])
    order = await taken(queue, 10, by="later")
    assert [one.partition(":")[0] for one in order[:4]].count("back") == 2


async def test_who_cancels_what_waits_has_lost_no_turn(queue: Queue) -> None:
    await say(queue, *many("other", 30), *many("mind", 30))
    await cancel(queue, *many("mind", 30))
    await say(queue, "mind:later")
    assert (await queue.position("mind:later") or ROOM) <= 3


async def test_what_is_taken_out_of_its_turn_makes_nobody_wait(queue: Queue) -> None:
    await say(queue, *many("flood", 40))
    await cancel(queue, "flood:39")
    await say(queue, "one:0")
    assert await queue.position("one:0") == 2


async def test_what_comes_back_has_the_place_that_it_had(redis: Redis, queue: Queue) -> None:
    await say(queue, *many("a", 3), *many("b", 3))
    before = await in_line(redis)
    claims = await take(queue, "worker", 1, 3)
    await say(queue, "new:0")
    await queue.give_back(claims)
    line = await in_line(redis)
    assert [one for one in line if one != "new:0"] == before
    assert line.index("new:0") in (3, 4)


# --- a tenant's users


async def test_a_tenant_of_many_users_has_the_turns_of_one(queue: Queue) -> None:
    await say(queue, *(f"acme_{n}:0" for n in range(30)), *many("alone", 3))
    order = await taken(queue, 6)
    assert [one.partition(":")[0] for one in order[1::2]] == ["alone"] * 3


async def test_at_a_tenant_s_turns_its_users_take_theirs(redis: Redis, queue: Queue) -> None:
    """Whoever came first, and the tenant for itself is one of them."""
    await say(queue, *many("acme_bob", 20), *many("acme", 2), *many("other", 4))
    await say(queue, "acme_eve:0")
    assert await queue.position("acme_eve:0") == 5
    assert await queue.positions(["acme_bob:0", "other:0", "acme:0", "gone"]) == [1, 2, 3, None]
    order = await taken(queue, 8)
    assert order == ["acme_bob:0", "other:0", "acme:0", "other:1", "acme_eve:0", "other:2", "acme_bob:1", "other:3"]
    assert await queue.positions(["acme:1", "acme_bob:2"]) == [1, 2]
    assert sorted(await taken(queue, 30, by="later")) == sorted([*many("acme_bob", 20)[2:], "acme:1"])
    left = {key.decode() for key in await redis.keys("ks:{queue}:jobs*")}
    assert left == set()


async def test_who_is_cancelled_among_a_tenant_s_users_leaves_the_places_to_the_others(queue: Queue) -> None:
    await say(queue, *many("acme_bob", 5), *many("other", 7), *many("acme_eve", 2))
    await cancel(queue, "acme_bob:0", "acme_bob:3")
    await say(queue, "acme_bob:5")
    order = await taken(queue, 12)
    acme, other = order[::2], order[1::2]
    assert acme == ["acme_eve:0", "acme_bob:1", "acme_eve:1", "acme_bob:2", "acme_bob:4", "acme_bob:5"]
    assert other == many("other", 6)


async def test_a_tenant_s_users_take_their_turns_at_a_gate_as_well(redis: Redis, queue: Queue) -> None:
    streams = [*many("acme_bob", 6), *many("other", 3), "acme_eve:0"]
    await say(queue, *streams)
    await park(queue, *streams)
    for n, two in enumerate([{"acme_bob:0", "other:0"}, {"acme_eve:0", "other:1"}, {"acme_bob:1", "other:2"}]):
        await ask(redis, room=2)
        claims = await take(queue, "worker", n, 4)
        assert {claim.stream_id for claim in claims} == two
        for claim in claims:
            assert await Gates(redis).leave_line(DOOR, claim.stream_id)
    await cancel(queue, *many("acme_bob", 6)[2:])
    left = {key.decode() for key in await redis.keys(keys.gate_line(DOOR) + "*")}
    assert left == set()


async def test_what_an_older_version_has_put_into_the_line_is_served_with_the_rest(redis: Redis, queue: Queue) -> None:
    seconds, micros = await redis.time()
    for n in range(3):
        await redis.zadd(keys.JOBS, {f"old:{n}": (seconds - 10) * 1_000_000 + micros + n})
    await redis.expire(keys.JOBS, 60)
    await say(queue, "new:0", "new:1")
    assert sorted(await taken(queue, 5)) == ["new:0", "new:1", "old:0", "old:1", "old:2"]
    assert not await redis.exists(keys.OWNERS, keys.SINCE)


async def test_a_line_that_was_never_empty_for_years_goes_on_and_begins_anew(redis: Redis, queue: Queue) -> None:
    await say(queue, "a:0")
    await redis.zadd(keys.TURNS, {"at": 3.6e15})
    await say(queue, *many("b", 3))
    assert sorted(await taken(queue, 4)) == ["a:0", *many("b", 3)]
    await say(queue, *many("c", 2), "d:0")
    assert await redis.zscore(keys.TURNS, "at") < 3e15
    assert await taken(queue, 3, by="later") == ["c:0", "d:0", "c:1"]


async def test_nothing_is_kept_of_who_does_not_wait(redis: Redis, queue: Queue) -> None:
    await say(queue, *many("flood", 3), *(f"owner-{n}:0" for n in range(20)))
    assert await redis.zcard(keys.TURNS) > 20
    for claim in await take(queue, slots=23):
        await queue.done(claim)
    assert not await redis.exists(keys.OWNERS, keys.SINCE, keys.SIZES)
    assert await redis.zcard(keys.TURNS) <= 3


# --- at a gate


async def test_turns_are_taken_at_a_gate_as_well(redis: Redis, queue: Queue) -> None:
    """All that was claimed before the gate closed has had its turn in the line."""
    await say(queue, *many("flood", 8))
    await park(queue, *many("flood", 8))
    await say(queue, "one:0")
    await park(queue, "one:0")
    assert (await ask(redis, room=2)).line == 7
    assert set(await taken(queue, 4)) == {"flood:0", "one:0"}


async def test_who_comes_back_to_a_gate_is_not_sent_to_its_end(redis: Redis, queue: Queue) -> None:
    await say(queue, *many("flood", 4))
    await park(queue, *many("flood", 4))
    await ask(redis, room=1)
    [claim] = await take(queue, "worker", 1)
    assert await Gates(redis).leave_line(DOOR, "flood:0")
    await queue.park(claim, DOOR, LIFE_MS)
    await ask(redis, room=1)
    assert await taken(queue, 2) == ["flood:0"]
