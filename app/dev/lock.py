"""A directory that one process at a time may use.

The lock is the kernel's (`flock`), so it ends with its holders, however they end. It belongs to the open file: a child
that inherits the descriptor holds the lock too. So a directory stays locked until the server that writes to it has
gone, even when the process that started the server went first.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

# A server whose parent was killed needs a moment to die before its directory is free.
PATIENCE_SECONDS = 2.0
_BEAT_SECONDS = 0.02


class DirectoryBusyError(RuntimeError):
    """Somebody else uses the directory. `holder` is what they wrote into the lock, usually their pid."""

    def __init__(self, directory: Path, holder: str) -> None:
        super().__init__(f"{directory} is in use{f' by process {holder}' if holder else ''}")
        self.directory = directory
        self.holder = holder


class DirectoryLock:
    """Held from its making until `release`, and by every child that was given `descriptor`."""

    def __init__(self, directory: Path, *, patience: float = PATIENCE_SECONDS) -> None:
        """Make the directory where it is missing, and lock it. Raises `DirectoryBusyError`, `OSError`."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + patience
        while not _try_to_lock(self.descriptor):
            if time.monotonic() > deadline:
                holder = os.pread(self.descriptor, 20, 0).decode(errors="replace").strip()
                os.close(self.descriptor)
                raise DirectoryBusyError(directory, holder)
            time.sleep(_BEAT_SECONDS)
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def _try_to_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
