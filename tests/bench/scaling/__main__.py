"""`make scaling`: workers from none to four and back under load, by the rule that the cluster has.

    python -m tests.bench.scaling [--speed 4] [--seed 7]

Real processes: a Valkey, the simulated Claude, a front, and workers as the manifests of `deploy/k8s/overlays/small`
start them. KEDA's loop and the autoscaler's are run beside them by all numbers of those manifests (`rule.py`), with
Kubernetes' own for what those leave open: a look every 15 s, a tolerance of 0.1; and two seconds from a pod's being
asked for to its process' beginning. At the usual speed it takes twelve minutes, of which six are the wait for the end.

With `--speed 4` the cluster's time runs four times as fast, drains included, and so much more is asked of this machine.
A process' start then seems four times as long, so how long streams waited is not judged; and six more streams outlive a
drain, and are handed on where they are on a worker that goes.

Exits 1 where a figure is not reached.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from tests.bench.scaling.real.load import Phase
from tests.bench.scaling.real.run import Report, scaled
from tests.bench.scaling.rule import Pod, Rule, pod_of, rule_of

OVERLAY = "small"
WORKERS = 4
WAIT_SECONDS = 20.0
# From zero: what came before the first workers and the autoscaler's first words had all their effect.
AT_FIRST = 60.0
# About 140 at once, with a burst before there is anybody, and a lull in which 45 are left.
BUSY, LULL = 6.2, 2.0
PHASES = (Phase(180, BUSY, burst=60), Phase(60, LULL), Phase(60, BUSY))
# Claimed before the lull, and still there when workers are sent away and have drained.
OUTLIVES = Phase(0, 0, burst=6, lasts=(700, 800))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scaling", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--speed", type=float, default=1.0, help="how fast the cluster's time runs")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    rule, pod = rule_of(OVERLAY), pod_of(OVERLAY)
    phases = [*PHASES[:1], OUTLIVES, *PHASES[1:]] if options.speed > 1 else PHASES
    report = asyncio.run(scaled(OVERLAY, rule, pod, phases, speed=options.speed, seed=options.seed))
    return tell(report, rule, pod, options.speed)


def tell(report: Report, rule: Rule, pod: Pod, speed: float) -> int:
    say(f"the cluster's time, {speed:g} times as fast as ours; load {os.getloadavg()[0]:.1f}")
    say(f"a worker takes {pod.streams} streams, one is asked for each {rule.target:g}; drain {pod.drain:g} s\n")
    say("| at | workers asked for | of them ready by then | waiting and running |")
    say("| ---: | ---: | ---: | ---: |")
    for step in report.steps:
        say(f"| {step.at:.1f} s | {step.asked} | {step.ready} | {step.counted:g} |")
    say()
    figures = {
        "streams, each completed and every byte compared": (f"{len(report.ran)}", True),
        "most workers": (f"{report.most}", report.most == WORKERS),
        "turns of the way": (f"{report.turns}", report.turns == 1),
        "workers killed when their grace was over": (f"{report.killed}", report.killed == 0),
        "exit codes": (f"{sorted(set(report.codes))}", set(report.codes) == {0}),
        "left in line and leases": (f"{report.left:g}", report.left == 0),
        "streams begun anew by another worker": (f"{report.begun_anew}", speed > 1 or report.begun_anew == 0),
    }
    for name, until in (("from zero, of the first minute", AT_FIRST), ("of all", float("inf"))):
        waits = [report.waited(share, until=until) for share in (0.5, 0.99, 1.0)]
        told = f"p50 {waits[0]:.2f} s, p99 {waits[1]:.2f} s, longest {waits[2]:.2f} s"
        figures[f"wait for a worker, {name}"] = (told, speed > 1 or waits[1] < WAIT_SECONDS)
    for name, (value, reached) in figures.items():
        say(f"{'  ' if reached else '! '}{name}: {value}")
    say(f"  in all: {report.took:.0f} s")
    return int(not all(reached for _, reached in figures.values()))


def say(line: str = "") -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
