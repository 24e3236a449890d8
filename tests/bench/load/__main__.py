"""The load generator: one process, one plan on its standard input, one result on its standard output.

A process of its own, so that nothing else runs in it; started anew for each measurement, so that it never has anything
to collect.
"""

from __future__ import annotations

import gc
import sys
from typing import Any

import orjson
import uvloop

from tests.bench.load import live, still
from tests.bench.load.traffic import Target, allow_descriptors


async def run(plan: dict[str, Any]) -> dict[str, Any]:
    kind, target, pids = plan["kind"], Target(**plan["target"]), plan["pids"]
    options = plan["options"]
    match kind:
        case "steady":
            load = live.Load(**options)
            allow_descriptors(load.reading)
            return await live.steady(target, load, pids)
        case "ramp":
            steps, seconds = options.pop("steps"), options.pop("step_seconds")
            load = live.Load(**options, streams=steps[-1], window=seconds)
            allow_descriptors(load.reading)
            return await live.ramp(target, load, pids, steps, seconds)
        case "idle":
            allow_descriptors(options["streams"] * options["readers"])
            return await still.idle(target, pids, **options)
        case "replay":
            return await still.replay(target, pids, **options)
        case "starts":
            return await still.starts(target, **options)
        case _:
            raise ValueError(kind)


def main() -> None:
    plan = orjson.loads(sys.stdin.buffer.read())
    gc.disable()
    result = uvloop.run(run(plan))
    sys.stdout.buffer.write(orjson.dumps(result))


if __name__ == "__main__":
    main()
