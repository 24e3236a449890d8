"""A budget is never passed by a cent: not by many at once, on whichever front, nor where a front or a worker dies."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from app.stream import keys
from app.stream.accounts import NANO
from tests.harness.api import Api
from tests.harness.cluster import Cluster
from tests.long import some_of
from tests.patience import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="module")

BUDGET = NANO // 2
# A call may cost some 0.016 US dollars, and costs a tenth of it: about thirty have room at a time.
ASKED = {"prompt": "[[sim: tokens=100 rate=40 first=0.05]] How much?", "max_tokens": 1000}


def limits(usd: float) -> str:
    return f"[default]\nusd_per_day = {usd}\nusd_per_month = 100\n[owner.other]\nusd_per_day = 0\n"


@dataclass(frozen=True)
class House:
    """Two fronts and two workers. `url` of a front by its number."""

    cluster: Cluster
    file: Path

    def url(self, number: int) -> str:
        return f"http://127.0.0.1:{self.cluster.front_proxies[number % 2].port}"

    async def account(self) -> tuple[int, int]:
        """What is spent and what is promised, in nano-dollars."""
        found = await self.cluster.redis.hmget(keys.account("anonymous"), "spent_day", "reserved")  # type: ignore[misc]  # redis-py's types mix both clients
        spent, reserved = (int(value or 0) for value in found)
        return spent, reserved


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    file = tmp_path_factory.mktemp("limits") / "limits.toml"
    file.write_text(limits(BUDGET / NANO))
    async with Cluster(fronts=2, workers=2, limits_file=file, lease_seconds=0.5, max_tokens=1000) as cluster:
        yield House(cluster, file)


@pytest.mark.parametrize("many", some_of([80, 200], 1))
async def test_many_at_once_on_two_fronts_and_one_of_them_and_a_worker_are_killed(house: House, many: int) -> None:
    """Who hears no answer asks the other front the same thing again."""
    watched: list[tuple[int, int]] = []

    async def watch() -> None:
        while True:
            watched.append(await house.account())
            await asyncio.sleep(0.005)

    watching = asyncio.create_task(watch())
    async with httpx.AsyncClient(timeout=PATIENCE, limits=httpx.Limits(max_connections=many)) as http:

        async def ask(number: int) -> httpx.Response:
            asked = {"json": ASKED, "headers": {"idempotency-key": str(number)}}
            try:
                answer = await http.post(f"{house.url(number)}/v1/streams", **asked)
                house.cluster.fronts[0].send(signal.SIGKILL)  # by the first answer: many are under way
            except httpx.TransportError:
                unheard.append(number)
                answer = await http.post(f"{house.url(1)}/v1/streams", **asked)
            while answer.status_code == 503:  # the Redis of a busy machine took too long to say what it did
                answer = await http.post(f"{house.url(1)}/v1/streams", **asked)
            return answer

        unheard: list[int] = []
        answers = await asyncio.gather(*(ask(number) for number in range(many)))
    house.cluster.fronts[0] = await house.cluster.front(0)
    assert unheard
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) == {202, 402}
    assert statuses[202] > 20
    house.cluster.workers[0].send(signal.SIGKILL)
    api = Api(house.cluster, 1)
    streams = [answer.json()["id"] for answer in answers if answer.status_code == 202]
    ended = [await api.see(stream_id) for stream_id in streams]
    async with asyncio.timeout(PATIENCE):
        while (now := await house.account())[1]:
            await asyncio.sleep(0.02)
    watching.cancel()
    outcomes = Counter(str(sight.end["outcome"]) for sight in ended if sight.end is not None)
    assert set(outcomes) <= {"completed", "failed"}, outcomes
    assert len(set(streams)) == len(streams)
    costs = [(await api.show(stream_id))["cost_usd"] for stream_id in streams]
    assert now[0] == sum(round(cost * NANO) for cost in costs)
    await api.close()
    assert watched[0] == (0, 0)
    assert max(spent + reserved for spent, reserved in watched) <= BUDGET
    assert max(reserved for _, reserved in watched) > BUDGET // 2
    for record in ("ks:{queue}:reserved:*", "ks:{queue}:account:*:open"):
        assert await house.cluster.redis.keys(record) == []


async def test_a_changed_budget_is_in_force_on_every_front_and_a_bad_file_changes_nothing(house: House) -> None:
    async def everywhere(status: int, usd: float) -> None:
        house.file.write_text(limits(usd))
        async with httpx.AsyncClient(timeout=PATIENCE) as http, asyncio.timeout(PATIENCE):
            for number in (0, 1):
                while (await http.post(f"{house.url(number)}/v1/streams", json=ASKED)).status_code != status:
                    await asyncio.sleep(0.05)

    await everywhere(402, 0.0)
    house.file.write_text("[default]\nusd_per_day = 'all of it'\n")
    async with asyncio.timeout(PATIENCE):
        while not all("stays in force" in front.errors.read_text() for front in house.cluster.fronts):
            await asyncio.sleep(0.05)
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        refused = await http.post(f"{house.url(0)}/v1/messages", json={**ASKED, "messages": []})
        assert refused.status_code == 400
        refused = await http.post(f"{house.url(0)}/v1/streams", json=ASKED)
    assert (refused.status_code, refused.json()["error"]["type"]) == (402, "billing_error")
    assert "the next day begins at " in refused.json()["error"]["message"]
    await everywhere(202, 50)
