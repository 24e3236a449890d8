from __future__ import annotations

import asyncio
from pathlib import Path

from app.dev.embedded import EmbeddedValkey
from app.dev.forget import forget
from app.stream.concurrency.tasks import end
from app.stream.redis.connect import connect
from tests.patience import PATIENCE

TEXT = b"nobody is to read this twice"


def on_disk(directory: Path) -> bool:
    return any(TEXT in file.read_bytes() for file in directory.rglob("*") if file.is_file())


async def test_what_was_deleted_leaves_the_disk(tmp_path: Path) -> None:
    with await asyncio.to_thread(EmbeddedValkey.start, tmp_path) as valkey:
        redis = connect(valkey.url, "tests")
        await redis.set("text", TEXT)
        await redis.execute_command("DEL", "text")  # type: ignore[no-untyped-call]
        async with asyncio.timeout(PATIENCE):
            while not on_disk(tmp_path):  # the file is written behind the answer
                await asyncio.sleep(0.01)
        forgetting = asyncio.create_task(forget(valkey.url, 0.2))
        async with asyncio.timeout(PATIENCE):
            while on_disk(tmp_path):
                await asyncio.sleep(0.01)
        await redis.set("kept", "still served")
        assert not forgetting.done()
        await end(forgetting)
        await redis.aclose()


async def test_a_server_that_is_away_is_asked_again_later(tmp_path: Path) -> None:
    valkey = await asyncio.to_thread(EmbeddedValkey.start, tmp_path)
    forgetting = asyncio.create_task(forget(valkey.url, 0.05))
    await asyncio.to_thread(valkey.kill)
    await asyncio.sleep(0.2)  # some beats without a server
    assert not forgetting.done()
    await end(forgetting)
