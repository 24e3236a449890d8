from __future__ import annotations

import orjson
import pytest

from app.settings import Settings, SettingsError
from app.stream.observing import RedisUnbounded, listen, tell
from app.stream.timeline.noting import note, noted
from app.watch.events.of_streams import CallStarted
from app.watch.events.subjects import Subject
from app.watch.wiring import FELL, watching


def test_what_a_process_tells_is_heard_within_and_not_afterwards(capfd: pytest.CaptureFixture[str]) -> None:
    before = listen(None)
    with watching(Settings(), "worker", "host:1:ab") as watch:
        tell(RedisUnbounded())
    tell(RedisUnbounded())
    listen(before)
    (line,) = capfd.readouterr().err.splitlines()
    assert orjson.loads(line)["process"] == "host:1:ab"
    assert (watch.kind, watch.name, watch.observers.failures) == ("worker", "host:1:ab", 0)


def test_what_nobody_has_foreseen_ends_a_process_without_its_words(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, watching(Settings(), "front", "front-1"):
        raise KeyError("secret")
    assert ended.value.code == FELL
    line = orjson.loads(capfd.readouterr().err)
    assert (line["event"], line["doing"], line["error"]) == ("process.fault", "process", "KeyError")
    assert "secret" not in str(line)


def test_what_the_command_says_itself_is_none_of_ours(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SettingsError), watching(Settings(), "front", "front-1"):
        raise SettingsError("KEEPSTREAM_PORT")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("timeline", "lines"), [("on", 1), ("off", 0)])
def test_timelines_are_kept_where_they_are_not_off(timeline: str, lines: int) -> None:
    with watching(Settings(timeline=timeline), "worker", "host:1:ab"):
        tell(CallStarted(Subject("st_1"), 1, "claude"))
        assert len(noted("st_1")) == len(note("stream.claimed", times=1)) == lines
    assert noted("st_1") == note("stream.claimed", times=1) == ()
