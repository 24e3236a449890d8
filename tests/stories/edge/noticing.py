"""What becomes of fronts behind an edge while streams are read, and that nobody who reads notices.

Those that stay share a connection of HTTP/2, as the tabs of a browser do; others leave and come back, as phones do. A
front drains and comes back, the other is killed, and for a moment there is none.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import httpx

from tests.harness.reader import Sight
from tests.stories.edge.arranged import Arranged
from tests.stories.edge.sources import Door, Sources

STREAMS = 1
READERS = 3  # of each that stay, and as many that leave
LONG = {"prompt": "[[sim: tokens=20000 rate=20 first=0]]"}  # until it is cancelled
SHORT = {"prompt": "[[sim: tokens=2 rate=100]]"}


async def submit(http: httpx.AsyncClient, arranged: Arranged, body: dict[str, str]) -> str:
    answer = await http.post("/v1/streams", json=body, headers={"x-api-key": arranged.key})
    stream_id: str = answer.raise_for_status().json()["id"]
    return stream_id


async def noticing(arranged: Arranged, edge: Door) -> int:
    """Readers through all that becomes of fronts. Returns how many answers they had that no front has given."""
    one, other = arranged.addresses
    statuses: Counter[int] = Counter()
    submitted: Counter[int] = Counter()
    over = asyncio.Event()
    async with edge.client() as http:
        staying, leaving = Sources(edge, arranged.key, statuses, http), Sources(edge, arranged.key, statuses)

        async def open_anew() -> None:
            while not over.is_set():
                opening = asyncio.create_task(leaving.once(Sight(ids[0])))
                await asyncio.wait({opening}, timeout=0.3)
                opening.cancel()
                await asyncio.wait({opening})

        async def submit_anew() -> None:
            while not over.is_set():
                answer = await http.post("/v1/streams", json=SHORT, headers={"x-api-key": arranged.key})
                submitted[answer.status_code] += 1
                await asyncio.sleep(0.2)

        ids = [await submit(http, arranged, LONG) for _ in range(STREAMS)]
        stay, leave = ([Sight(stream_id) for stream_id in ids for _ in range(READERS)] for _ in range(2))
        reading = [staying.watch(sight) for sight in stay]
        reading += [leaving.watch(sight, lambda: random.uniform(0.3, 1.5)) for sight in leave]  # noqa: S311 - as phones
        readers = [asyncio.create_task(one_of_them) for one_of_them in reading]
        others = [asyncio.create_task(work()) for work in (open_anew, submit_anew)]
        await arranged.read_from(one, READERS)  # it is by both of them that they are served
        await arranged.read_from(other, READERS)
        await arranged.stop(one)  # all read from the other by now
        await arranged.front(one)
        arranged.kill(other)
        await arranged.read_from(one, len(stay))  # though the other is still known by its name
        arranged.gone(other)
        await arranged.stop(one)  # and now there is none
        await asyncio.sleep(0.5)
        await asyncio.gather(arranged.front(one), arranged.front(other))
        over.set()
        await asyncio.gather(*others)
        headers = {"x-api-key": arranged.key}
        for stream_id in ids:
            while not (await http.post(f"/v1/streams/{stream_id}/cancel", headers=headers)).is_success:
                await asyncio.sleep(0.1)  # an edge that has seen both fronts dead may take a moment to try them again
        await asyncio.gather(*readers)
        logs = {one: (await http.get(f"/v1/streams/{one}/events", headers=headers)).content for one in ids}
    assert set(statuses) <= {200, 204}
    assert staying.versions == {"HTTP/2"}
    # A POST that is on its way on a connection that closes at that moment is repeated by nobody but who sent it.
    assert set(submitted) <= {202, 502}
    assert submitted[202] > 0
    assert all(sight.reconnects > 1 for sight in stay)  # they were sent away, or cut off
    for sight in (*stay, *leave):
        assert sight.end is not None
        assert sight.resets == sight.fronts_resets == 0
        assert logs[sight.stream_id].endswith(bytes(sight.seen))
    return staying.of_the_edge + leaving.of_the_edge
