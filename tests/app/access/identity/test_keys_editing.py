"""Changing the keys' file."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.access.identity.keys_editing import NoSuchKeyError, add, keys_at, revoke
from app.access.identity.keys_file import Key
from app.settings import SettingsError

A, B = Key("alice", "a" * 64), Key("bob", "b" * 64, label="phone")
TEXT = f"# who may come in\n\n{A.line}   # since May\n{B.line}\n# the end"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text(TEXT)
    return path


def new(number: int) -> Key:
    return Key(f"owner{number}", f"{number:064x}")


def test_a_line_is_added_and_all_others_stay(file: Path) -> None:
    add(file, new(1))
    assert file.read_text() == f"{TEXT}\n{new(1).line}\n"
    add(file, new(2))
    assert file.read_text() == f"{TEXT}\n{new(1).line}\n{new(2).line}\n"


def test_a_file_that_is_none_is_made(tmp_path: Path) -> None:
    add(tmp_path / "keys", A)
    assert (tmp_path / "keys").read_text() == A.line + "\n"
    assert keys_at(tmp_path / "keys") == [A]


def test_a_line_is_taken_away_and_all_others_stay(file: Path) -> None:
    assert revoke(file, "a" * 8) == (A, 1)
    assert file.read_text() == TEXT.replace(f"{A.line}   # since May\n", "")
    assert revoke(file, "BBBBBBBB") == (B, 0)


def test_which_key_is_meant_has_to_be_clear(file: Path) -> None:
    add(file, Key("carol", "a" * 63 + "b"))
    before = file.read_text()
    for digits, why in [("aaaaaaaa", "^2 keys begin so"), ("aaaaaaa", "no key"), ("", "no key"), ("c" * 8, "no key")]:
        with pytest.raises(NoSuchKeyError, match=why):
            revoke(file, digits)
    assert file.read_text() == before
    assert revoke(file, "a" * 63 + "b")[0].owner == "carol"


def test_nobody_but_its_owner_can_read_what_was_written(file: Path) -> None:
    file.chmod(0o644)
    add(file, new(1))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_the_file_stays_its_owner_s(file: Path) -> None:
    os.chown(file, 12_345, -1)
    add(file, new(1))
    assert file.stat().st_uid == 12_345


def test_what_a_link_leads_to_is_changed(file: Path) -> None:
    link = file.with_name("link")
    link.symlink_to(file)
    add(link, new(1))
    assert link.is_symlink()
    assert new(1).line in file.read_text()


def test_of_those_who_change_it_at_once_nobody_loses_anything(file: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: add(file, new(number)), range(40)))
        assert len(keys_at(file)) == 42
        list(threads.map(lambda number: revoke(file, new(number).digest), range(40)))
    assert sorted(file.read_text().splitlines()) == sorted(TEXT.splitlines())
    assert [path.name for path in file.parent.iterdir()] == ["keys"]


def test_a_file_that_fronts_would_not_take_is_not_added_to(file: Path) -> None:
    file.write_text("alice\n")
    with pytest.raises(SettingsError, match="line 1"):
        add(file, new(1))
    file.write_text("")
    file.chmod(0o666)
    with pytest.raises(SettingsError, match="everybody here may write"):
        add(file, new(1))


def test_what_cannot_be_written_is_said_and_the_file_is_as_it_was(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match="cannot write"):
        add(tmp_path / "nowhere" / "keys", A)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingsError, match=r"cannot write .*: No space left on device"):
        add(file, new(1))
    assert file.read_text() == TEXT
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]
