from __future__ import annotations

import pytest

from app.settings import Settings
from app.stream.observing import RedisUnbounded, listen, tell
from app.watch.wiring import watching


def test_what_a_process_tells_is_heard_within_and_not_afterwards(caplog: pytest.LogCaptureFixture) -> None:
    before = listen(None)
    with watching(Settings(), "worker", "host:1:ab") as watch:
        tell(RedisUnbounded())
    tell(RedisUnbounded())
    listen(before)
    assert len(caplog.messages) == 1
    assert (watch.kind, watch.name, watch.observers.failures) == ("worker", "host:1:ab", 0)
