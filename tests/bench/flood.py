"""What one owner's flood costs another one: time to the first token beside a flood, and without, in turns in one run.

    python -m tests.bench.flood [--rounds 8] [--seconds 3] [--times 20]

Real processes. `flood` may ask so often a minute and asks so many times as often, from a process of its own; `other`
asks by `/v1/messages`, a few at a time, and Claude (simulated) says its first word after 100 ms. Rounds alternate, so
that what else the machine does meets both. Exits 1 where the ratio of the medians or of the 99th percentiles is beyond
what is promised; the same ratios between halves of the quiet rounds say how much of that is noise.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

from tests.harness.relay import Relay

MEDIAN_MOST, P99_MOST = 1.2, 1.5
A_MINUTE = 600
AT_A_TIME = 4
FIRST = b"event: content_block_delta"
PROMPT = "[[sim: tokens=3 rate=0 first=0.1]]"
LIMITS = f"[owner.flood]\nrequests_per_minute = {A_MINUTE}\nburst = 10\n"
HUNDREDTHS = 100
CONNECTIONS = 20


def request(path: str, key: str, body: object, *, close: bool) -> bytes:
    sent = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", f"x-api-key: {key}", "content-type: application/json"]
    lines += [f"content-length: {len(sent)}", "connection: close" if close else "connection: keep-alive", "", ""]
    return "\r\n".join(lines).encode() + sent


ASKED = {"model": "claude-haiku-5", "max_tokens": 10, "stream": True, "messages": [{"role": "user", "content": PROMPT}]}


async def first_token(port: int) -> float:
    """Seconds from the request to the first word of its answer."""
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request("/v1/messages", "other", ASKED, close=True))
    heard = b""
    while FIRST not in heard:
        piece = await reader.read(65_536)
        if not piece:
            raise RuntimeError(f"no answer but {heard[:300]!r}")
        heard += piece
    seconds = time.perf_counter() - began
    while await reader.read(65_536):
        pass
    writer.close()
    return seconds


async def others(port: int, seconds: float) -> list[float]:
    until, found = time.monotonic() + seconds, []

    async def go_on() -> None:
        while time.monotonic() < until:
            found.append(await first_token(port))

    await asyncio.gather(*(go_on() for _ in range(AT_A_TIME)))
    return found


async def flood(port: int, a_second: float, seconds: float) -> None:
    """Asks at an even rate over kept connections, and says how it was answered."""
    asked, statuses = request("/v1/streams", "flood", {"prompt": PROMPT}, close=False), Counter[str]()
    free = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS)]
    began, running, late = time.monotonic(), set(), 0

    async def one() -> None:
        reader, writer = free.pop()
        writer.write(asked)
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        statuses[head[9:12].decode()] += 1
        free.append((reader, writer))

    for number in range(round(a_second * seconds)):
        await asyncio.sleep(max(0.0, began + number / a_second - time.monotonic()))
        if not free:
            late += 1
            continue
        task = asyncio.create_task(one())
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    for _, writer in free:
        writer.close()
    sys.stdout.write(json.dumps(statuses | {"not sent": late}) + "\n")


async def measure(rounds: int, seconds: float, times: int) -> int:
    quiet: list[list[float]] = []
    beside: list[list[float]] = []
    statuses: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as directory:
        keys, limits = Path(directory) / "keys", Path(directory) / "limits.toml"
        keys.write_text("".join(f"{o} {hashlib.sha256(o.encode()).hexdigest()}\n" for o in ("flood", "other")))
        limits.write_text(LIMITS)
        with Relay(KEEPSTREAM_API_KEYS_FILE=str(keys), KEEPSTREAM_LIMITS_FILE=str(limits)) as relay:
            port = int(urlsplit(relay.url).port or 0)
            await others(port, 1)
            for _ in range(rounds):
                quiet.append(await others(port, seconds))
                command = [sys.executable, "-m", "tests.bench.flood", "--flood", str(port), "--times", str(times)]
                flooding = await asyncio.create_subprocess_exec(
                    *command, "--seconds", str(seconds + 1), stdout=asyncio.subprocess.PIPE
                )
                await asyncio.sleep(1)  # it has begun
                beside.append(await others(port, seconds))
                told, _ = await flooding.communicate()
                statuses.update(json.loads(told))
    sys.stdout.write(f"flood: {dict(statuses)}; load of the machine {os.getloadavg()[0]:.1f}\n")
    wrong = told_ratios("beside a flood", quiet, beside)
    told_ratios("noise: quiet rounds, odd beside even", quiet[::2], quiet[1::2])
    return int(wrong)


def told_ratios(name: str, rounds: list[list[float]], others_: list[list[float]]) -> bool:
    """Whether one of them is more than promised."""
    before, after = (list(chain.from_iterable(one)) for one in (rounds, others_))
    medians = [statistics.median(one) for one in (before, after)]
    last = [statistics.quantiles(one, n=HUNDREDTHS)[-1] for one in (before, after)]
    ratios = medians[1] / medians[0], last[1] / last[0]
    sys.stdout.write(
        f"{name}: median {medians[0] * 1000:.0f} ms → {medians[1] * 1000:.0f}, ratio {ratios[0]:.2f}; "
        f"p99 {last[0] * 1000:.0f} ms → {last[1] * 1000:.0f}, ratio {ratios[1]:.2f} ({len(before)} and {len(after)})\n"
    )
    return ratios[0] > MEDIAN_MOST or ratios[1] > P99_MOST


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.flood")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--flood", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.flood:
        asyncio.run(flood(options.flood, A_MINUTE / 60 * options.times, options.seconds))
        sys.exit(0)
    sys.exit(asyncio.run(measure(options.rounds, options.seconds, options.times)))
