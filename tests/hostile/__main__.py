"""A front and a worker under odd requests, with keys, tokens, sessions and tickets on: `make hostile`.

    python -m tests.hostile --requests 20000 --seed 7

Real processes against the simulated Claude. It fails where a request is answered with a 5xx of ours or not at all,
where a process ends, writes down a fault or one of the secrets, and where memory or file descriptors are not as they
were. The first quarter is not counted: by then everything has been used once. At the end strangers ask for what is
another's and for what never was, in turns, and the times are compared.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil

from app.access.identity.keys_file import digest_of
from tests.harness.identity.tokens import SECRET, token
from tests.harness.relay import Relay
from tests.harness.running import Running
from tests.hostile.barrage import Outcome, barrage
from tests.hostile.odd import Known, requests
from tests.hostile.timing import differing

# Of a process: what caches may still take, and how much of what it had.
MORE_BYTES, MORE_SHARE = 24 * 1024 * 1024, 0.15
# Connections to Redis that stay in its pool; what leaks does so by the hundred.
MORE_FDS = 32
FAULTS_SHOWN = 5
BAD_WORDS = ("Traceback", "internal error", '"process.fault"', '"task.fell"', '"reader.failed"', "never retrieved")
IDLE_SECONDS = 3.0


async def known_to(url: str, key: str, delegate: str) -> Known:
    """What whoever has these keys is given."""
    bearer = token(sub="carol")
    async with httpx.AsyncClient(base_url=url, headers={"x-api-key": key}) as http:
        made = (await http.post("/v1/streams", json={"prompt": "x", "relay": {"ticket": True}})).json()
        talk = (await http.post("/v1/conversations", json={"title": "x"})).json()["id"]
        ticket = (await http.post(f"/v1/conversations/{talk}/ticket")).json()["ticket"]
        cookie = (await http.post("/session")).headers["set-cookie"].partition(";")[0].partition("=")[2]
    return Known(
        host=urlsplit(url).netloc,
        keys=[key, delegate],
        tokens=[bearer, token(sub="acme", ks={"delegate": True, "max_tokens": 9}), token(exp=1)],
        tickets=[made["ticket"], ticket],
        cookies=[cookie],
        names=[made["id"], talk, "st_" + "0" * 32, "cv_" + "0" * 32, "c"],
    )


async def fares(running: Running) -> tuple[int, int]:
    """Memory and file descriptors of a process, when it has nothing to do."""
    await asyncio.sleep(IDLE_SECONDS)
    process = psutil.Process(running.pid)
    return process.memory_info().rss, process.num_fds()


async def run(times: int, seed: int) -> int:
    key, delegate = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "keys"
        file.write_text(f"alice {digest_of(key)} admin\nacme {digest_of(delegate)} delegate\n")
        settings = {
            "KEEPSTREAM_API_KEYS_FILE": str(file),
            "KEEPSTREAM_JWT_SECRET": SECRET,
            "KEEPSTREAM_TRUSTED_PROXIES": "127.0.0.1",
            "KEEPSTREAM_STREAM_TTL": "60",
        }
        with Relay(**settings) as relay:
            known = await known_to(relay.url, key, delegate)
            odd, where = requests(seed, known), urlsplit(relay.url)
            began = time.monotonic()
            first = await barrage(str(where.hostname), int(where.port or 0), odd, times // 4)
            processes = {"front": relay.front, "worker": relay.workers[0]}
            before = {name: await fares(process) for name, process in processes.items()}
            rest = await barrage(str(where.hostname), int(where.port or 0), odd, times - times // 4)
            seconds = time.monotonic() - began
            wrong = [*shown(first), *shown(rest)]
            for name, process in processes.items():
                memory, fds = await fares(process)
                say(f"{name}: {before[name][0] >> 20} MiB → {memory >> 20}, {before[name][1]} descriptors → {fds}")
                if memory > before[name][0] * (1 + MORE_SHARE) + MORE_BYTES or fds > before[name][1] + MORE_FDS:
                    wrong.append(f"{name} has grown")
                told = process.output
                wrong += [f"{name} wrote {word!r}: {line_of(told, word)}" for word in BAD_WORDS if word in told]
                kept = [*known.keys, *known.tokens, *known.tickets, *known.cookies, SECRET]
                wrong += [f"{name} wrote a secret down" for one in kept if one in told]
            async with httpx.AsyncClient(base_url=relay.url, headers={"x-api-key": delegate}) as http:
                theirs = await known_to(relay.url, key, delegate)
                wrong += await differing(http, *theirs.names[:2], say)
    statuses: Counter[int] = first.statuses + rest.statuses
    say(f"{times} requests of seed {seed} in {seconds:.0f} s: {dict(sorted(statuses.items()))} (0: closed unanswered)")
    for line in wrong:
        say(line)
    return 1 if wrong else 0


def shown(outcome: Outcome) -> list[str]:
    found = [f"{asked.whole[:2000]!r}\n    → {heard[:600]!r}" for asked, heard in outcome.faults]
    return found[:FAULTS_SHOWN] + ([f"and {len(found) - FAULTS_SHOWN} more"] if len(found) > FAULTS_SHOWN else [])


def line_of(text: str, word: str) -> str:
    return next(line for line in text.splitlines() if word in line)[:500]


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sys.exit(asyncio.run(run(options.requests, options.seed)))
