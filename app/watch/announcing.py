"""What a process prints for people when it serves, on stdout: that it does, and where its metrics are.

The rule: a disk that is full behind it, or nobody who reads it, is no reason not to serve, nor to end with another exit
code: nothing is left in a buffer.
"""

from __future__ import annotations

import contextlib
import os

STDOUT = 1


def announce(line: str, metrics_at: str | None = None) -> None:
    metrics = "" if metrics_at is None else f"metrics on {metrics_at}\n"
    with contextlib.suppress(OSError):
        os.write(STDOUT, f"{line}\n{metrics}".encode())
