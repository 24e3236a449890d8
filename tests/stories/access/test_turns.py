"""One owner's flood is that owner's alone to wait in: others have their turn, and room in the line."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio

from app.stream import keys
from tests.harness.cluster import Cluster
from tests.patience import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")

OWNERS = {"flood": "", "one": "", "acme": " delegate"}
QUEUE_LIMIT = 20
QUICK = "[[sim: tokens=2 rate=0 first=0]]"


@dataclass(frozen=True)
class House:
    """One worker, which runs one stream at a time."""

    cluster: Cluster
    http: httpx.AsyncClient

    async def ask(self, owner: str, text: str = QUICK) -> httpx.Response:
        return await self.http.post("/v1/streams", json={"prompt": text}, headers=_headers(owner))

    async def submit(self, owner: str, text: str = QUICK) -> str:
        answer = await self.ask(owner, text)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        return str(answer.json()["id"])

    async def place(self, owner: str, stream_id: str) -> int:
        answer = await self.http.get(f"/v1/streams/{stream_id}", headers=_headers(owner))
        return int(answer.json()["position"])

    async def busy(self) -> str:
        """The worker's one place is taken."""
        stream_id = await self.submit("flood", "[[sim: stall-after=1]]")
        while not await self.cluster.redis.exists(keys.log(stream_id)):
            await asyncio.sleep(0.01)
        return stream_id

    async def free(self, stream_id: str) -> None:
        await self.http.post(f"/v1/streams/{stream_id}/cancel", headers=_headers("flood"))

    async def ended(self, number: int) -> list[str]:
        """The ids of so many, in the order of their endings."""
        while await self.cluster.redis.xlen(keys.OUTBOX) < number:
            await asyncio.sleep(0.01)
        entries = await self.cluster.redis.xrange(keys.OUTBOX)
        await self.cluster.redis.flushall()
        return [fields[b"id"].decode() for _, fields in entries or []]


def _headers(owner: str) -> dict[str, str]:
    key, _, user = owner.partition("/")
    return {"x-api-key": key} | ({"x-keepstream-user": user} if user else {})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    file = tmp_path_factory.mktemp("keys") / "keys"
    lines = [f"{name} {hashlib.sha256(name.encode()).hexdigest()}{rights}" for name, rights in OWNERS.items()]
    file.write_text("\n".join(lines) + "\n")
    file.chmod(0o600)
    async with Cluster(worker_streams=1, queue_limit=QUEUE_LIMIT, api_keys_file=str(file)) as cluster:
        url = f"http://127.0.0.1:{cluster.front_proxies[0].port}"
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as http:
            yield House(cluster, http)


@pytest.mark.parametrize(("flood", "one"), [("flood", "one"), ("acme/bob", "acme/eve")])
async def test_one_prompt_waits_for_a_turn_and_not_for_another_s_thousand(house: House, flood: str, one: str) -> None:
    """Places that are told are those that they have."""
    busy = await house.busy()
    many = [await house.submit(flood) for _ in range(8)]
    mine = await house.submit(one)
    assert await house.place(one, mine) == 2
    assert [await house.place(flood, stream_id) for stream_id in many[:3]] == [1, 3, 4]
    await house.free(busy)
    assert await house.ended(10) == [busy, many[0], mine, *many[1:]]


async def test_one_owner_fills_half_of_the_line_and_others_have_room(house: House) -> None:
    busy = await house.busy()
    for _ in range(QUEUE_LIMIT // 2):
        await house.submit("flood")
    refused = await house.ask("flood")
    error = refused.json()["error"]
    assert (refused.status_code, error["type"]) == (429, "rate_limit_error")
    assert "your streams" in error["message"]
    assert int(refused.headers["retry-after"]) > 0
    for owner in ("one", "acme/bob", "acme/eve"):
        await house.submit(owner)
    await house.free(busy)
    await house.ended(QUEUE_LIMIT // 2 + 4)
