"""`keepstream`, with nobody who watches: no log below a warning's, no metrics, no timeline, no board, nothing counted.

    python -m tests.bench.watch.unobserved front --port 8000

For `observers`, which compares. There is no such setting: what watches costs too little to be worth one.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from app.cli import main
from app.stream.counts import timing
from app.stream.counts.distribution import Distribution
from app.stream.observing import Observer
from app.stream.redis import connect
from app.watch import wiring
from app.watch.observers import Observers
from app.watch.report import Report


@contextmanager
def _nobody(*_: Observer, **__: object) -> Iterator[Observers]:
    yield Observers()  # which hears nothing: `tell` finds nobody


def _nothing(*_: object, **__: object) -> None:
    """What is not counted."""


async def _never(_: Report) -> None:
    await asyncio.get_running_loop().create_future()


wiring.observed = _nobody
wiring._metrics = lambda *_: None
Distribution.add = _nothing  # type: ignore[method-assign]
timing.took = _nothing
connect.timed = lambda client: client
Report.keep = _never  # type: ignore[method-assign]

if __name__ == "__main__":
    sys.exit(main())
