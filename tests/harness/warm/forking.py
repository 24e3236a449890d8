"""A process that has imported what ours import, and becomes one of them whenever it is asked to: by a fork.

Importing is most of what starting a front or a worker costs, and the tests start hundreds. What is run is run as
`python -m` would run it, in a process of its own, with the environment, the directory and the standard streams that it
is given. The rule: nothing of ours has run before the fork but imports, which do nothing by themselves.

`python -m tests.harness.warm.forking NUMBER`: the descriptor of a socket over which it is asked (`forked.py`).
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import socket
import sys
from importlib import import_module
from typing import Any

# What a front, a worker and the simulated Claude have loaded by the time that they are ready.
NEEDED = (
    *("app.main", "app.dev.simulator.command", "worker.main", "worker.process"),
    *("structlog", "h11", "httpcore", "httpcore2", "genai_prices.data_snapshot", "certifi"),
)
MESSAGE_BYTES = 1 << 18
STANDARD = 3


def serve(asking: socket.socket) -> dict[str, Any] | None:
    """Forks for each who asks. Returns in the child what is to be run there; in the parent None, when that is over."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(asking, MESSAGE_BYTES, STANDARD)
        if not message:
            return None
        told, tells = os.pipe()
        between = os.fork()
        if between == 0:
            # Whose parent ends at once is a child of whoever has asked (`forked.py`).
            if pid := os.fork():
                os.write(tells, b"%d" % pid)
                os._exit(0)
            asking.detach()
            for number, descriptor in enumerate(descriptors):
                os.dup2(descriptor, number)
            os.closerange(STANDARD, max(told, tells, *descriptors) + 1)
            found: dict[str, Any] = json.loads(message)
            return found
        os.waitpid(between, 0)
        asking.send(os.read(told, 20))
        for descriptor in (told, tells, *descriptors):
            os.close(descriptor)


def become(asked: dict[str, Any]) -> None:
    """As `python -m module arguments` is from its beginning."""
    if asked["session"]:
        os.setsid()
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.path[:0] = [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one]
    sys.argv = ["", *asked["arguments"]]
    runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    for name in NEEDED:
        import_module(name)
    gc.collect()
    gc.freeze()
    if asked := serve(socket.socket(fileno=int(sys.argv[1]))):
        become(asked)
