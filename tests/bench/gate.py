"""A burst against an upstream that refuses: how long 100 prompts take beside the ideal, and how many are refused.

    python -m tests.bench.gate [--rounds 1] [--seconds-worth 1 0.2] [--told]

Real processes, two workers. The upstream takes five calls a second, its bucket holds so many seconds' worth; a 429
takes 0.3 s to come and says `retry-after: 1`; what is left is only said with `--told`. The ideal time is when the last
call could have begun, and its answer. Exits 1 where a figure is not reached.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time

from tests.harness.api import Api
from tests.harness.cluster import Cluster

CALLS_A_SECOND = 5
PROMPTS = 100
REFUSAL_SECONDS = 0.3
LONGEST_RATIO = 1.3
MOST_REFUSED = 50
ANSWER = "[[sim: tokens=5 rate=100 first=0.05 tag=burst]]"
ANSWER_SECONDS = 0.1


async def burst(seconds_worth: float, *, told: bool) -> tuple[float, float, int, int]:
    """Seconds to the last ending, the ideal ones, refused calls and completed streams."""
    async with Cluster(workers=2) as cluster:
        api = Api(cluster)
        rates = f"calls={CALLS_A_SECOND}&burst={seconds_worth}&refusal-delay={REFUSAL_SECONDS}&told={int(told)}"
        (await api.http.post(f"{cluster.claude_url}/_sim/rates?{rates}")).raise_for_status()
        began = time.monotonic()
        streams = await asyncio.gather(*(api.submit(f"{ANSWER} {n}") for n in range(PROMPTS)))
        seen = await asyncio.gather(*(api.see(stream) for stream in streams))
        took = time.monotonic() - began
        done = sum(bool(sight.end) and sight.end["outcome"] == "completed" for sight in seen)
        calls = (await api.http.get(f"{cluster.claude_url}/_sim/calls")).json()["tags"]["burst"]["calls"]
        await api.close()
    held = max(CALLS_A_SECOND * seconds_worth, 1)
    return took, (PROMPTS - held) / CALLS_A_SECOND + ANSWER_SECONDS, calls - PROMPTS, done


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def measure(options: argparse.Namespace) -> int:
    failed = 0
    say("| a bucket of | seconds | ideal | ratio | refused | completed | load |")
    say("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for seconds_worth in options.seconds_worth * options.rounds:
        took, ideal, refused, done = await burst(seconds_worth, told=options.told)
        failed += took > LONGEST_RATIO * ideal or refused >= MOST_REFUSED or done < PROMPTS
        held = max(CALLS_A_SECOND * seconds_worth, 1)
        say(
            f"| {held:g} | {took:.1f} | {ideal:.1f} | {took / ideal:.2f} | {refused} | {done} "
            f"| {os.getloadavg()[0]:.1f} |"
        )
    return int(failed > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gate")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds-worth", type=float, nargs="+", default=[1.0, 0.2])
    parser.add_argument("--told", action="store_true")
    sys.exit(asyncio.run(measure(parser.parse_args())))
