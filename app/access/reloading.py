"""A file that is read again whenever it changes: who has rules in a file keeps one of these, and asks for its `value`.

The rule: the value is always the last good one, taken whole. A file that is unfit at the start is a `SettingsError`,
with what to do about it; later on it changes nothing and is told, once for each change. What the file means is the
parser's: this room knows no key and no limit.

A change is in force within two looks, so within `LOOK_SECONDS` and a half of it at the most: half a file, read in the
middle of its writing, is none. To use it: make one at the start, give `value` to who needs it (each time anew, never
kept), run `watch` under a `Supervised`, and say by `told` which event it is.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Generic, TypeVar

from app.settings import SettingsError
from app.stream.observing import Event, tell

T = TypeVar("T")

# Between two looks; what changed has to look the same twice, and is to be in force on every front within two seconds.
LOOK_SECONDS = 0.5
# What nobody writes by hand or by a tool of ours is not read into memory.
FILE_BYTES_MAX = 16 * 1024 * 1024


class Outcome(StrEnum):
    """What came of a change, in a word that logs and metrics have as well."""

    TAKEN = "taken"
    UNREADABLE = "unreadable"  # nothing is there, or it cannot be read, or others may write it
    MALFORMED = "malformed"


class UnreadableError(SettingsError):
    """A file that cannot be read, or whose words cannot be trusted."""


@dataclass(frozen=True, slots=True)
class Reloaded(Generic[T]):
    """`value` is the one in force now, and `why`, in words of ours, what keeps the file's own from being it."""

    outcome: Outcome
    value: T
    why: str = ""


class Reloading(Generic[T]):
    """The value of one file. Raises `SettingsError` where there is none to begin with.

    `name` is the setting that names the file. `parse` makes the value of its text, in a thread, and raises
    `SettingsError` (its words name a line, and quote none). `told` makes of each outcome the event to tell.
    """

    def __init__(
        self, name: str, path: str, parse: Callable[[str], T], told: Callable[[Reloaded[T]], Event] | None = None
    ) -> None:
        self._name = name
        self._path = Path(path)
        self._parse = parse
        self._told = told
        self._seen = self._stamp()
        self._taken = _bytes(self._name, self._path)  # what the value was made of
        self._last: bytes | None = self._taken  # what was read last
        self._settled = False  # whether what was read last has looked the same twice
        self._trouble = ""
        self.value: T = parse(_text(name, self._path, self._taken))

    async def watch(self) -> None:
        """Runs until it is cancelled. The disk is asked in a thread: one that hangs holds up nobody."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            found = await asyncio.to_thread(self.look)
            if found is None:
                continue
            self.value = found.value
            if self._told is not None:
                tell(self._told(found))

    def look(self) -> Reloaded[T] | None:
        """What came of the file since the last look; None where nothing is new. Asks the disk."""
        stamp = self._stamp()
        if stamp == self._seen and self._settled:
            return None
        self._seen = stamp
        try:
            data = _bytes(self._name, self._path)
        except UnreadableError as error:
            self._last, self._settled = None, False
            return self._trouble_of(Outcome.UNREADABLE, error)
        if data != self._last:
            self._last, self._settled = data, False
            return None
        self._settled = True
        if data == self._taken and not self._trouble:
            return None
        try:
            value = self._parse(_text(self._name, self._path, data))
        except SettingsError as error:
            return self._trouble_of(Outcome.MALFORMED, error)
        self._taken, self._trouble = data, ""
        return Reloaded(Outcome.TAKEN, value)

    def _trouble_of(self, outcome: Outcome, error: SettingsError) -> Reloaded[T] | None:
        """It, where it is another one than at the last look."""
        if str(error) == self._trouble:
            return None
        self._trouble = str(error)
        return Reloaded(outcome, self.value, self._trouble)

    def _stamp(self) -> tuple[int, ...]:
        """What is another after each change, but for those within one tick of the disk's clock."""
        try:
            found = self._path.stat()
        except OSError:
            return ()
        return (found.st_dev, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def read_trusted(name: str, path: Path) -> str:
    """The text of a file that says who may do what, `name` being the setting that names it. Raises `SettingsError`."""
    return _text(name, path, _bytes(name, path))


def _bytes(name: str, path: Path) -> bytes:
    try:
        with open(path, "rb", opener=_without_waiting) as file:  # a Path has no opener
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise UnreadableError(f"{name}: cannot read {path}: it is no file")
            if mode & (stat.S_IWGRP | stat.S_IWOTH):
                who = "everybody here" if mode & stat.S_IWOTH else "a whole group"
                raise UnreadableError(f"{name}: {who} may write {path}: look what it says, and chmod go-w it")
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise UnreadableError(f"{name}: cannot read {path}: {error.strerror}") from error
    if len(data) > FILE_BYTES_MAX:
        raise UnreadableError(f"{name}: cannot read {path}: it is larger than {FILE_BYTES_MAX} bytes")
    return data


def _text(name: str, path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{name}: cannot read {path}: it is not UTF-8 text") from error


def _without_waiting(path: str, flags: int) -> int:
    """A pipe is no file that can be looked at again, and is not waited for."""
    return os.open(path, flags | os.O_NONBLOCK)
