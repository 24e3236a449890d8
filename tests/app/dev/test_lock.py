from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.dev.lock import DirectoryBusyError, DirectoryLock


def test_a_directory_is_made_and_has_one_holder(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "one"
    with DirectoryLock(directory):
        with pytest.raises(DirectoryBusyError, match=f"process {os.getpid()}") as refused:
            DirectoryLock(directory, patience=0)
        assert refused.value.holder == str(os.getpid())
    DirectoryLock(directory, patience=0).release()


def test_a_child_that_was_given_the_lock_holds_it_when_its_parent_has_let_go(tmp_path: Path) -> None:
    waits_for_the_end_of_its_input = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with DirectoryLock(tmp_path) as lock:
        child = subprocess.Popen(waits_for_the_end_of_its_input, stdin=subprocess.PIPE, pass_fds=(lock.descriptor,))
    try:
        with pytest.raises(DirectoryBusyError):
            DirectoryLock(tmp_path, patience=0)
    finally:
        child.communicate()
    DirectoryLock(tmp_path, patience=0).release()


def test_releasing_twice_is_releasing_once(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    lock.release()
    with DirectoryLock(tmp_path, patience=0):
        lock.release()
        with pytest.raises(DirectoryBusyError):
            DirectoryLock(tmp_path, patience=0)
