"""Odd requests against a front in this process: answered, or closed, and nothing of it is a fault. `make hostile` has
many more of them."""

from __future__ import annotations

import asyncio
import logging
import os
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from redis.asyncio import Redis

from app.access.identity.keys_file import digest_of
from app.environment import network_of
from app.settings import Settings
from app.stream.endings import Outcome
from tests.app.served import Served, served
from tests.harness.identity.tokens import SECRET
from tests.hostile import barrage as barrages
from tests.hostile.__main__ import known_to
from tests.hostile.barrage import barrage
from tests.hostile.odd import Asked, Known, requests

DEAD_END = "http://127.0.0.1:9"
NOBODY = Known("x", ["k"], ["a.b.c"], ["t"], ["c"], ["n"])


async def _end_all(front: Served) -> None:
    while True:
        author = await front.author()
        await author.end(Outcome.CANCELLED)


async def test_no_odd_request_is_a_fault_of_ours(
    redis: Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    file = tmp_path / "keys"
    file.write_text(f"alice {digest_of('ks_alice')} admin\nacme {digest_of('ks_acme')} delegate\n")
    settings = Settings(
        anthropic_base_url=DEAD_END,
        api_keys_file=str(file),
        jwt_secret=SECRET,
        trusted_proxies=(network_of("127.0.0.1"),),
    )
    async with served(redis, settings) as front:
        known, where = await known_to(front.url, "ks_alice", "ks_acme"), urlsplit(front.url)
        ending = asyncio.create_task(_end_all(front))
        before = psutil.Process(os.getpid()).num_fds()
        outcome = await barrage("127.0.0.1", int(where.port or 0), requests(3, known), 300)
        ending.cancel()
        after = psutil.Process(os.getpid()).num_fds()
    assert outcome.faults == []
    assert len(outcome.statuses) > 8
    assert after < before + 20
    # There is no Claude API here: what goes straight to it is answered so.
    assert [line for line in caplog.messages if " status=502 " not in line] == []


async def test_what_is_answered_as_none_may_be_or_not_at_all_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that cannot fail is none."""
    monkeypatch.setattr(barrages, "PATIENCE", 0.2)
    open_ = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.read(100)
        answers = {b"a": b"HTTP/1.1 500 x\r\n\r\n", b"b": b"HTTP/1.1 503 x\r\n\r\n", b"c": b"HTTP/1.1 200 x\r\n\r\n"}
        writer.write(answers.get(asked, b""))
        await writer.drain()
        open_.append(writer)
        if asked != b"d":
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        sent = [Asked([word], pipelined=False) for word in (b"a", b"b", b"c", b"d")]
        outcome = await barrage("127.0.0.1", server.sockets[0].getsockname()[1], iter(sent), 4)
        for writer in open_:
            writer.close()
            await writer.wait_closed()
    assert {asked.whole for asked, _ in outcome.faults} == {b"a", b"b", b"d"}
    assert outcome.statuses == {500: 1, 503: 1, 200: 1}


def test_the_same_seed_makes_the_same_requests() -> None:
    first, again, other = (list(islice(requests(seed, NOBODY), 50)) for seed in (1, 1, 2))
    assert first == again != other
