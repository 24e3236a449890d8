"""How much memory something takes while it runs: what is built is seen by it, on a machine of any speed."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager


class Heap:
    """`most`: bytes at once, beside what was there; known in the end."""

    most = 0


@contextmanager
def heap() -> Iterator[Heap]:
    found = Heap()
    tracemalloc.start()
    try:
        yield found
        found.most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
