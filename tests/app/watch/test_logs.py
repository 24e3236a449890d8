"""A line of the log says when, how grave, where and what, of which request; libraries are heard when it is grave."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from contextvars import copy_context

import pytest

from app.watch.events.subjects import request_ids
from app.watch.logs import LIBRARIES, configure


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a process writes to standard error, whose log was configured; and afterwards all is as it was."""
    root, lines = logging.getLogger(), io.StringIO()
    before, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in LIBRARIES}
    monkeypatch.setattr("sys.stderr", lines)
    root.handlers.clear()
    configure("info")
    yield lines
    root.handlers[:] = before
    root.setLevel(level)
    for name, was in levels.items():
        logging.getLogger(name).setLevel(was)


def test_a_line_has_the_time_in_utc_and_the_ids_of_its_request(written: io.StringIO) -> None:
    def under_way() -> None:
        request_ids.set(("req_1", "mine"))
        logging.getLogger("keepstream.stream").info("st_1: %s", "claimed")

    copy_context().run(under_way)
    logging.getLogger("keepstream.stream").warning("st_2: lost")
    first, second = written.getvalue().splitlines()
    when = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert re.fullmatch(
        rf"{when} INFO keepstream\.stream: st_1: claimed request_id=req_1 client_request_id=mine", first
    )
    assert re.fullmatch(rf"{when} WARNING keepstream\.stream: st_2: lost", second)


@pytest.mark.parametrize("name", LIBRARIES)
def test_of_a_library_only_what_is_grave_is_heard(written: io.StringIO, name: str) -> None:
    library = logging.getLogger(name)
    library.info("GET https://example.com/secret")
    assert written.getvalue() == ""
    library.warning("trouble")
    assert f"WARNING {name}: trouble" in written.getvalue()
