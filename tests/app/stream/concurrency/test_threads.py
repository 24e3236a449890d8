"""Work on many bytes has a thread of its own, and work on few has none."""

from __future__ import annotations

import threading

from app.stream.concurrency.threads import beside


async def test_only_what_is_large_is_done_in_a_thread() -> None:
    here = threading.get_ident()
    assert await beside(10, threading.get_ident, large=10) == here
    assert await beside(11, threading.get_ident, large=10) != here
