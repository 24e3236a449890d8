"""What was complete is kept for its time, whoever ended its stream, if the stream asked for that."""

from __future__ import annotations

from app.stream import keys
from app.stream.log import Log
from app.stream.saved.saved_calls import Saved
from tests.worker.workshop import LIFE_MS, Workshop
from worker.life.saving.keeping import keep

META = {"cache": b"60", "cache_key": b"d", "outcome": b"completed"}


async def test_who_ends_a_stream_keeps_its_answer_without_ids_and_what_is_ours(shop: Workshop) -> None:
    async with shop.worker():
        stream = await shop.run("[[sim: status=529 times=1 tokens=3]]", cache="60", cache_key="d")
    assert stream.names[0] == "relay.retry"
    theirs = [frame for frame in stream.frames if not str(frame.name).startswith("relay.")]
    kept = await shop.redis.hget(keys.saved("d"), "frames")  # type: ignore[misc]  # redis-py's types mix both clients
    assert kept == b"".join(b"event: %b\ndata: %b\n\n" % (str(one.name).encode(), one.data) for one in theirs)


async def test_what_asked_for_nothing_or_was_borrowed_or_did_not_complete_is_not_kept(shop: Workshop) -> None:
    saved, log = Saved(shop.redis, 1000, LIFE_MS), Log(shop.redis)
    for meta in (
        {**META, "outcome": b"cancelled"},
        {**META, "cached_from": b"st_other"},
        {**META, "shared_with": b"st_other"},
        {**META, "tools": b'["clock"]'},
        {"outcome": b"completed"},
    ):
        await keep(log, saved, "st_none", meta)
    assert await shop.redis.keys("*") == []
