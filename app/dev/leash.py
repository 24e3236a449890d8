"""A child that cannot outlive its parent, however the parent ends.

A parent that is killed with SIGKILL cannot stop its children, so the children have to notice. `leash` turns a command
into one that runs this file first: it ties the process to its parent and then becomes the command, by `exec`. So the
pid is the command's own, and signals and exit status need no passing on.

There are two ways to be tied:

- Linux: PR_SET_PDEATHSIG. The kernel kills the child; nothing else runs. It goes by the *thread* that started the
  child, so it serves children of the main thread only: any other thread may end long before its process.
- Elsewhere, and for other threads: a pipe whose write end only the parent has. A tiny watcher process waits for
  the end of the parent or of the child, whichever comes first.

Started as a file, without site-packages, because every start of a child pays for it: this module may import nothing
but the standard library.
"""

from __future__ import annotations

import ctypes
import functools
import os
import select
import signal
import sys
import threading
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

_PR_SET_PDEATHSIG = 1
# What a shell says of a command that it cannot find.
_CANNOT_START = 127
_ARGUMENTS = ["<leash>", "kernel|watcher", "<parent's pid>|<descriptor>", "<command>"]


class Leashed(NamedTuple):
    """What to give to `subprocess.Popen` instead of the command."""

    command: list[str]
    pass_fds: tuple[int, ...]


def leash(command: Sequence[str]) -> Leashed:
    """The command tied to this process. To be started by the calling thread."""
    if sys.platform == "linux" and threading.current_thread() is threading.main_thread():
        return Leashed(_this_file("kernel", os.getpid(), command), ())
    return leash_by_watcher(command)


def leash_by_watcher(command: Sequence[str]) -> Leashed:
    """The portable way, whatever the platform and the thread."""
    lifeline = _lifeline()
    return Leashed(_this_file("watcher", lifeline, command), (lifeline,))


def _this_file(way: str, tie: int, command: Sequence[str]) -> list[str]:
    return [sys.executable, "-I", "-S", __file__, way, str(tie), *command]


@functools.cache
def _lifeline() -> int:
    """The read end of a pipe that ends when this process does: the write end stays open, and is not inherited."""
    read_end, _ = os.pipe()
    return read_end


def _become(command: list[str]) -> NoReturn:
    # Python ignores these; an ignored signal stays ignored after exec, and the command may rely on them.
    for name in ("SIGPIPE", "SIGXFSZ"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606  # to become the command is what this file is for
    except OSError as error:
        sys.exit(_refuse(f"cannot start {command[0]}: {error.strerror}"))


def _refuse(why: str) -> int:
    sys.stderr.write(f"keepstream: {why}\n")
    return _CANNOT_START


def _tie_by_kernel(parent: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(_refuse(f"prctl: {os.strerror(ctypes.get_errno())}"))
    if os.getppid() != parent:  # it died before the kernel was asked, and nothing will come any more
        sys.exit(_CANNOT_START)


def _tie_by_watcher(lifeline: int) -> None:
    child = os.getpid()
    pulse, held_by_the_child = os.pipe()
    if os.fork() == 0:
        _watch(child, pulse, lifeline)
    os.close(pulse)
    os.set_inheritable(held_by_the_child, True)  # noqa: FBT003  # a positional-only parameter


def _watch(child: int, pulse: int, lifeline: int) -> NoReturn:
    os.setsid()  # a Ctrl-C for the others is not for the watcher
    # Everything else it would hold open: the child's output, which has to end with the child, locks, the pulse itself.
    keep = sorted((pulse, lifeline))
    for low, high in ((0, keep[0]), (keep[0] + 1, keep[1]), (keep[1] + 1, os.sysconf("SC_OPEN_MAX"))):
        os.closerange(low, high)
    ended, _, _ = select.select([pulse, lifeline], [], [])
    if pulse not in ended:  # the child lives, so its pid is still its own
        os.kill(child, signal.SIGKILL)
    os._exit(0)


def main(argv: list[str]) -> NoReturn:
    match argv:
        case ["kernel", tie, *command] if command:
            _tie_by_kernel(int(tie))
        case ["watcher", tie, *command] if command:
            _tie_by_watcher(int(tie))
        case _:
            sys.exit(_refuse(f"usage: {' '.join(_ARGUMENTS)}"))
    _become(command)


if __name__ == "__main__":
    main(sys.argv[1:])
