from __future__ import annotations

import logging
import os
import pty
import subprocess
import sys

import orjson
import pytest

from app.settings import Settings
from app.watch.logs.lines import DEBUG, INFO, WARNING
from app.watch.logs.opening import opened, render_of
from app.watch.logs.rendering import Render


def line(render: Render) -> bytes:
    return render(None, "info", {"event": "stream.ended", "process": "front-1", "owner": "me"})


def test_lines_are_json_where_no_person_sits(capfd: pytest.CaptureFixture[str]) -> None:
    with opened(Settings(), "front-1", {}) as log:
        log.log.log(INFO, "stream.ended", owner="me")
        logging.getLogger("redis").warning("trouble")
    first, second = (orjson.loads(one) for one in capfd.readouterr().err.splitlines())
    assert {"level": "info", "event": "stream.ended", "process": "front-1", "owner": "me"}.items() <= first.items()
    assert {"level": "warning", "event": "library.said", "process": "front-1"}.items() <= second.items()
    assert log.writer.lost == 0


def test_from_its_level_on(capfd: pytest.CaptureFixture[str]) -> None:
    with opened(Settings(log_level="warning"), "front-1", {}) as log:
        for level in (DEBUG, INFO, WARNING):
            log.log.log(level, "stream.ended")
        assert [log.log.is_enabled_for(level) for level in (DEBUG, INFO, WARNING)] == [False, False, True]
    assert len(capfd.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("wanted", "environ", "begins"),
    [
        ("", {}, b"\x1b[2m2"),
        ("", {"NO_COLOR": "1"}, b"2"),
        ("", {"TERM": "dumb"}, b"2"),
        ("text", {}, b"\x1b[2m2"),
        ("json", {}, b'{"ts":'),
    ],
)
def test_at_a_terminal_they_are_words_in_colours(wanted: str, environ: dict[str, str], begins: bytes) -> None:
    ours, theirs = pty.openpty()
    try:
        assert line(render_of(wanted, theirs, environ)).startswith(begins)
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(
    ("wanted", "environ", "begins"),
    [
        ("", {}, b'{"ts":'),
        ("json", {"FORCE_COLOR": "1"}, b'{"ts":'),
        ("text", {}, b"2"),
        ("text", {"FORCE_COLOR": "1"}, b"\x1b[2m2"),
        ("text", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, b"2"),
    ],
)
def test_elsewhere_they_are_json_unless_words_are_asked_for(
    wanted: str, environ: dict[str, str], begins: bytes
) -> None:
    assert line(render_of(wanted, None, environ)).startswith(begins)


def test_no_process_loads_what_its_log_does_not_need() -> None:
    code = (
        "import sys; from app.watch.logs.opening import render_of; render_of('text', None, {}); "
        "assert 'structlog' in sys.modules; assert 'rich' not in sys.modules; import rich.console"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
