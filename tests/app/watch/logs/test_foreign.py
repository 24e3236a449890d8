"""What libraries say, and warnings, are lines of ours, without any of their values."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator

import pytest

from app.watch.logs.foreign import LIBRARIES, SAID, others_heard
from app.watch.logs.lines import ERROR, WARNING
from tests.app.watch.logs.collected import Collected

SECRET = "SECRET prompt"


@pytest.fixture
def log() -> Iterator[Collected]:
    collected = Collected()
    with others_heard(collected):
        yield collected


@pytest.mark.parametrize("name", LIBRARIES)
def test_of_a_library_only_what_is_grave_is_heard(log: Collected, name: str) -> None:
    library = logging.getLogger(name)
    library.info("GET https://example.com/secret")
    assert log.lines == []
    library.warning("trouble")
    ((level, event, fields),) = log.lines
    assert (level, event, fields["logger"], fields["text"]) == (WARNING, SAID, name, "trouble")
    assert fields["place"].startswith("test_of_a_library_only_what_is_grave_is_heard (test_foreign.py:")


def test_its_own_words_are_said_and_no_value(log: Collected) -> None:
    library = logging.getLogger("arq.worker")
    library.warning("job %s has failed", SECRET)
    library.warning(f"job {SECRET} has failed")  # as a library might
    library.warning(SECRET.lower())
    library.warning(KeyError(SECRET))
    assert [fields.get("text") for _, _, fields in log.lines] == ["job %s has failed", None, None, None]
    assert SECRET not in str(log.lines)


def test_an_exception_is_said_by_its_class_and_place(log: Collected) -> None:
    try:
        {}[SECRET]
    except KeyError:
        logging.getLogger("asyncio").exception("Task exception was never retrieved")
    ((level, _, fields),) = log.lines
    assert (level, fields["error"], fields["text"]) == (ERROR, "KeyError", "Task exception was never retrieved")
    assert fields["place"].startswith("test_an_exception_is_said_by_its_class_and_place (test_foreign.py:")
    assert SECRET not in str(log.lines)


def test_a_warning_is_said_by_its_class(log: Collected) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(SECRET, RuntimeWarning, stacklevel=1)
    ((_, event, fields),) = log.lines
    assert (event, fields["logger"], fields["error"]) == (SAID, "warnings", "RuntimeWarning")
    assert "test_foreign.py" in fields["place"]
    assert SECRET not in str(log.lines)


def test_afterwards_all_is_as_it_was() -> None:
    before = (warnings.showwarning, logging.getLogger().handlers[:])
    levels = [logging.getLogger(name).level for name in LIBRARIES]
    with others_heard(Collected()):
        pass
    assert (warnings.showwarning, logging.getLogger().handlers[:]) == before
    assert [logging.getLogger(name).level for name in LIBRARIES] == levels
