"""One measurement: the load generator started with a plan, and its result."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson

from app.dev.leash import leash
from tests.bench.load.traffic import Target

# Nothing here takes so long; a run that does is broken, and must not hold the machine.
LIMIT_SECONDS = 120.0


class RunError(RuntimeError):
    """The load generator failed. The message is what it said."""


def measure(kind: str, target: Target, pids: Mapping[str, int], **options: Any) -> dict[str, Any]:
    """Raises `RunError`."""
    plan = {"kind": kind, "target": asdict(target), "pids": dict(pids), "options": options}
    tied = leash((sys.executable, "-m", "tests.bench.load"))
    with subprocess.Popen(
        tied.command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=tied.pass_fds,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(orjson.dumps(plan), LIMIT_SECONDS)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise RunError(f"{kind} at {target.path}: {err.decode(errors='replace')[-2000:]}")
    result: dict[str, Any] = orjson.loads(out)
    return result
