"""What it costs a front that answers are shown whole instead of as they come: the same streams and readers, in turns.

    python -m tests.bench.load.whole_answers

A reader that waits is told each second that the answer comes, and given all of it at the end. Compared is the CPU of
the front for the whole of it; the goal is that it is no more.
"""

from __future__ import annotations

import asyncio
import statistics
import sys

import httpx
import psutil

from tests.harness.relay import Relay

STREAMS, READERS, ROUNDS = 20, 10, 3
PROMPT = "[[sim: tokens=400 rate=50 first=0]]"
DELIVERIES = ("progressive", "final")


async def read(url: str, stream_id: str) -> int:
    """Reads a stream to its end; how many bytes that was."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /v1/streams/{stream_id}/events HTTP/1.0\r\nhost: localhost\r\n\r\n".encode())
    read, last = 0, b""
    while data := await reader.read(64 * 1024):
        read, last = read + len(data), (last + data)[-1000:]
    writer.close()
    assert b"event: relay.end\n" in last
    return read


async def seconds(relay: Relay, delivery: str) -> float:
    """The CPU time that the front takes for all readers of all streams."""
    body = {"prompt": PROMPT, "relay": {"delivery": delivery}}
    async with httpx.AsyncClient(base_url=relay.url) as http:
        ids = [(await http.post("/v1/streams", json=body)).json()["id"] for _ in range(STREAMS)]
    front = psutil.Process(relay.front.pid)
    before = front.cpu_times()
    await asyncio.gather(*[read(relay.url, stream_id) for stream_id in ids for _ in range(READERS)])
    after = front.cpu_times()
    return (after.user + after.system) - (before.user + before.system)


def main() -> None:
    took: dict[str, list[float]] = {delivery: [] for delivery in DELIVERIES}
    with Relay() as relay:
        for _ in range(ROUNDS):
            for delivery in DELIVERIES:
                took[delivery].append(asyncio.run(seconds(relay, delivery)))
    for delivery, each in took.items():
        sys.stdout.write(f"{delivery}: {statistics.median(each):.2f} s of CPU\n")
    ratio = statistics.median(took["final"]) / statistics.median(took["progressive"])
    sys.stdout.write(f"{STREAMS} streams, {READERS} readers each: {ratio:.2f} times as much when shown whole\n")


if __name__ == "__main__":
    main()
