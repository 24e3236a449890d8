"""Whether a process lives that is nobody's child here."""

from __future__ import annotations

import psutil


def lives(pid: int) -> bool:
    """Not one that is gone and that nobody has asked after."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
