"""A process of ours that begins where its imports end: `Forked` is a `Popen` of `python -m module arguments`.

The rule: it is a child of the process that asked for it like any other, to be waited for and killed; it differs in how
long it takes to be there. What a start itself does is tested without it.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

CAN = sys.platform == "linux"
_PR_SET_CHILD_SUBREAPER = 36
_ROOT = Path(__file__).resolve().parents[3]
_turn = threading.Lock()


class Forked(subprocess.Popen[str]):
    """Its output is a pipe, its input is empty; its errors go to `errors`, or where its output goes."""

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        errors: int | None = None,
        cwd: Path | None = None,
        session: bool = False,
    ) -> None:
        reads, writes = os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        asked = {
            "module": module,
            "arguments": list(arguments),
            "environment": dict(environment),
            "cwd": str(cwd or Path.cwd()),
            "session": session,
        }
        with _turn:
            asking = _warm()
            socket.send_fds(
                asking, [json.dumps(asked).encode()], [nothing, writes, writes if errors is None else errors]
            )
            self.pid = int(asking.recv(20))
        os.close(nothing)
        os.close(writes)
        self.args = [sys.executable, "-m", module, *arguments]
        self.stdin = self.stderr = None
        self.stdout = os.fdopen(reads, encoding="utf-8")
        self.returncode: int | None = None
        # What a Popen that has started its process holds beside that.
        self._child_created = True
        self._waitpid_lock = threading.Lock()
        self._sigint_wait_secs = 0.25


@functools.cache
def _warm() -> socket.socket:
    """The one that forks for this process, which becomes the parent of those whose parent has ended."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    warm = subprocess.Popen(
        [sys.executable, "-m", "tests.harness.warm.forking", str(its.fileno())],
        cwd=_ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        pass_fds=[its.fileno()],
    )
    its.close()
    atexit.register(lambda: (ours.close(), warm.wait()))
    return ours
