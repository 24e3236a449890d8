"""Work on many bytes has a thread of its own, and work on few has none; what lives with its process falls unhidden."""

from __future__ import annotations

import threading

import pytest

from app.stream.concurrency import tasks
from app.stream.concurrency.threads import SupervisedThread, beside


async def test_only_what_is_large_is_done_in_a_thread() -> None:
    here = threading.get_ident()
    assert await beside(10, threading.get_ident, large=10) == here
    assert await beside(11, threading.get_ident, large=10) != here


@pytest.mark.parametrize(
    ("fall", "word"), [(KeyError("a prompt"), "KeyError"), (SystemExit(3), "SystemExit"), (None, "ended")]
)
def test_a_thread_that_fell_is_told_and_begun_again(
    fall: BaseException | None, word: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "PAUSE_SECONDS", 0.001)
    begun, goes_on = [0], threading.Event()

    def work(ended: threading.Event) -> None:
        begun[0] += 1
        if begun[0] <= 2:
            if fall is not None:
                raise fall
            return
        goes_on.set()
        ended.wait()

    thread = SupervisedThread("stand-in", work)
    thread.start()
    assert goes_on.wait(20)
    thread.stop()
    assert (thread.falls, begun) == (2, [3])
    assert caplog.text.count(f"task.fell task=stand-in error={word} ") == 2
    assert "a prompt" not in caplog.text
