"""Lines that nobody takes hold nobody up, and that they are lost is said once there is somebody who takes them."""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from app.watch.logs import writer as writers
from app.watch.logs.writer import Writer
from tests.patience import PATIENCE


def told(lines: int, why: str) -> bytes:
    return b"lost %d %b\n" % (lines, why.encode())


@contextmanager
def writing(fd: int | None) -> Iterator[Writer]:
    one = Writer(fd, told)
    yield one
    one.close(PATIENCE)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    out, into = os.pipe()
    yield out, into
    for fd in (out, into):
        try:
            os.close(fd)
        except OSError as error:
            assert error.errno == errno.EBADF  # the test has closed it  # noqa: PT017


def read_until(fd: int, enough: Callable[[bytes], bool]) -> bytes:
    seen = b""
    while not enough(seen):
        seen += os.read(fd, 65_536)
    return seen


def test_lines_go_out_in_their_order(tmp_path: Path) -> None:
    lines = [b"line %d\n" % number for number in range(1000)]
    with (tmp_path / "log").open("wb") as file, writing(file.fileno()) as one:
        for line in lines:
            one.put(line)
    assert (tmp_path / "log").read_bytes() == b"".join(lines)
    assert one.lost == 0


def test_no_line_waits_for_one_that_it_came_in_the_midst_of(tmp_path: Path) -> None:
    """A finalizer's, that runs wherever memory is collected: at each step of another line, in the thread as well."""
    with (tmp_path / "log").open("wb") as file, writing(file.fileno()) as one:
        within = threading.local()

        def finalizer(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
            if frame.f_code.co_filename not in (writers.__file__, threading.__file__):
                return None
            if event == "line" and not getattr(within, "now", False):
                within.now = True
                one.put(b"f\n")
                one._lose(0, writers.STALLED)
                within.now = False
            return finalizer

        def told_of() -> None:
            sys.settrace(finalizer)
            one.put(b"line\n")
            one._lose(0, writers.STALLED)
            sys.settrace(None)

        telling = threading.Thread(target=told_of, daemon=True)
        telling.start()
        telling.join(PATIENCE)
        assert not telling.is_alive()
    assert b"line\n" in (tmp_path / "log").read_bytes()


def test_a_pipe_that_nobody_reads_holds_nobody_up(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writers, "LINES_MAX", 50)
    out, into = pipe
    with writing(into) as one:
        for number in range(1000):  # much more than a pipe takes
            one.put(b"%06d %b\n" % (number, b"x" * 1000))
        assert one.lost > 0
        seen = read_until(out, lambda seen: b"lost" in seen and seen.endswith(b"\n"))
    lines = seen.splitlines()
    numbers = [int(line[:6]) for line in lines if not line.startswith(b"lost")]
    assert numbers == sorted(set(numbers))
    assert sum(int(line.split()[1]) for line in lines if line.startswith(b"lost")) == one.lost == 1000 - len(numbers)
    assert all(line.endswith(b"stalled") for line in lines if line.startswith(b"lost"))


def test_who_has_gone_is_written_to_no_more_and_that_is_counted(pipe: tuple[int, int]) -> None:
    out, into = pipe
    os.close(out)
    with writing(into) as one:
        one.put(b"one\n")
        one.put(b"other\n")
    assert one.lost == 2


def test_a_full_disk_is_said_once_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full, tried, write = True, threading.Event(), os.write

    def some(fd: int, data: bytes) -> int:
        if not full:
            return write(fd, data)
        tried.set()
        if len(data) > 4:
            return write(fd, data[:4])  # what there was room for
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", some)
    with (tmp_path / "log").open("wb") as file, writing(file.fileno()) as one:
        one.put(b"12345678\n")
        assert tried.wait(PATIENCE)
        while not one.lost:
            tried.wait(0.001)
        full = False
        one.put(b"later\n")
    assert (tmp_path / "log").read_bytes() == b"12345678\nlater\nlost 1 ENOSPC\n"


def test_the_device_that_is_always_full() -> None:
    with Path("/dev/full").open("wb") as file, writing(file.fileno()) as one:
        one.put(b"one\n")
    assert one.lost == 1


def test_one_that_somebody_has_made_not_to_wait_is_waited_for(pipe: tuple[int, int]) -> None:
    out, into = pipe
    os.set_blocking(into, False)
    sent = [b"%06d %b\n" % (number, b"x" * 1000) for number in range(200)]
    with writing(into) as one:
        for line in sent:
            one.put(line)
        assert read_until(out, lambda seen: len(seen) == len(b"".join(sent))) == b"".join(sent)
    assert one.lost == 0


def test_without_anything_to_write_to_nothing_is_written() -> None:
    with writing(None) as one:
        one.put(b"one\n")
    assert one.lost == 1


def test_a_thread_that_falls_is_told_and_goes_on_writing(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    out, into = pipe
    with writing(into) as one:
        write_all = one._write_all

        def falls() -> None:
            monkeypatch.setattr(one, "_write_all", write_all)
            raise KeyError

        monkeypatch.setattr(one, "_write_all", falls)
        one.put(b"a line\n")
        while "task.fell task=log error=KeyError" not in caplog.text:
            threading.Event().wait(0.01)
        one.put(b"another\n")
        assert os.read(out, 100).startswith(b"a line\n")
