"""Changing the keys' file: a line more, or some fewer; all others, and comments, stay as they are.

The rule: whoever reads the file sees the one before or the one after, and of two who change it at once neither loses
what the other did. What cannot be whole changes nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from app.access.identity.keys_file import NAME, SHOWN_DIGITS, Key, key_of, keys_of, lines_of
from app.access.reloading import read_trusted
from app.settings import SettingsError

T = TypeVar("T")
# Nobody but the file's owner has business with it.
MODE = stat.S_IRUSR | stat.S_IWUSR


class NoSuchKeyError(Exception):
    """No key, or more than one, is called so."""


def keys_at(path: Path) -> list[Key]:
    """The keys of a file, as they stand in it. Raises `SettingsError`."""
    return list(keys_of(read_trusted(NAME, path)).values())


def add(path: Path, key: Key) -> None:
    """A line at the end; the file is made where there is none. Raises `SettingsError`."""

    def longer(text: str) -> tuple[str, None]:
        keys_of(text)  # a bad line would keep this one from coming into force
        return f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{key.line}\n", None

    _change(path, longer, made=True)


def revoke(path: Path, digits: str) -> tuple[Key, int]:
    """Takes the key away whose digest begins so; returns it, and how many are left.

    Raises `NoSuchKeyError` and `SettingsError`.
    """

    def shorter(text: str) -> tuple[str, tuple[Key, int]]:
        keys = keys_of(text)
        found = [key for digest, key in keys.items() if digest.startswith(digits.lower())]
        if len(digits) < SHOWN_DIGITS or not found:
            # Not quoted: somebody may have given the key itself.
            raise NoSuchKeyError(f"no key begins so: give the {SHOWN_DIGITS} digits that `keepstream keys list` shows")
        if len(found) > 1:
            raise NoSuchKeyError(
                f"{len(found)} keys begin so: give more digits of the one that is meant, from the file"
            )
        (gone,) = found
        return "".join(line for line in lines_of(text) if key_of(line) != gone), (gone, len(keys) - 1)

    return _change(path, shorter)


def _change(path: Path, change: Callable[[str], tuple[str, T]], *, made: bool = False) -> T:
    """`change` makes of the file's text another one, and what is returned; `made`: a file that is none is empty."""
    path = path.resolve()  # what a link leads to is changed, and the link stays
    try:
        with _alone(path.parent):
            before = "" if made and not path.exists() else read_trusted(NAME, path)
            after, told = change(before)
            _replace(path, after)
            return told
    except OSError as error:
        raise SettingsError(f"{NAME}: cannot write {path}: {error.strerror}") from error


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else changes a file of this folder meanwhile: the folder stays while its files are replaced."""
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(at, fcntl.LOCK_EX)
        yield
    finally:
        os.close(at)


def _replace(path: Path, text: str) -> None:
    """Writes a file anew, whole or not at all, also where the machine fails. It stays its owner's."""
    at, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(at, "w", encoding="utf-8", newline="") as file:
            os.fchmod(file.fileno(), MODE)
            if path.exists():
                owner = path.stat().st_uid
                if owner != os.geteuid():  # a file of ours could not be read by the fronts' account
                    os.fchown(file.fileno(), owner, -1)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
