"""A file of rules that is read again whenever it changes."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from app.access import reloading
from app.access.reloading import Outcome, Reloaded, Reloading
from app.settings import SettingsError
from app.stream.concurrency.tasks import Supervised
from app.watch.events.of_processes import KeysReloaded
from tests.harness.heard import heard
from tests.patience import PATIENCE


def words(text: str) -> list[str]:
    if "?" in text:
        raise SettingsError("RULES: line 1 asks")
    return text.split()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules"
    path.write_text("one")
    return path


@pytest.fixture
def rules(file: Path) -> Reloading[list[str]]:
    return Reloading("RULES", str(file), words)


def settle(rules: Reloading[list[str]]) -> Reloaded[list[str]] | None:
    """What two looks bring: of the first, nothing but a trouble."""
    return rules.look() or rules.look()


def test_what_has_not_changed_is_not_read_for_ever(rules: Reloading[list[str]], file: Path) -> None:
    assert settle(rules) is None
    file.chmod(0o400)
    assert settle(rules) is None
    assert rules.value == ["one"]


def test_a_change_is_taken_once_it_has_looked_the_same_twice(rules: Reloading[list[str]], file: Path) -> None:
    file.write_text("")  # somebody is writing it
    assert rules.look() is None
    file.write_text("one two")
    assert rules.look() is None
    assert rules.look() == Reloaded(Outcome.TAKEN, ["one", "two"])
    assert settle(rules) is None


def test_a_change_that_leaves_every_mark_of_the_file_as_it_was_is_seen(file: Path) -> None:
    """Within one tick of the disk's clock, right after the first reading."""
    before = file.stat()
    rules = Reloading("RULES", str(file), words)
    with file.open("r+") as opened:
        opened.write("two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert settle(rules) == Reloaded(Outcome.TAKEN, ["two"])


def test_a_file_that_is_replaced_by_another_is_read(rules: Reloading[list[str]], file: Path) -> None:
    """As an editor does it, and Kubernetes by a link."""
    other = file.with_name("other")
    other.write_text("two")
    file.unlink()
    file.symlink_to(other)
    assert settle(rules) == Reloaded(Outcome.TAKEN, ["two"])


def test_what_is_unfit_changes_nothing_and_is_told_once(rules: Reloading[list[str]], file: Path) -> None:
    file.write_text("what?")
    assert settle(rules) == Reloaded(Outcome.MALFORMED, ["one"], "RULES: line 1 asks")
    file.write_text("whatever?")
    assert settle(rules) is None
    file.unlink()
    gone = Reloaded(Outcome.UNREADABLE, ["one"], f"RULES: cannot read {file}: No such file or directory")
    assert settle(rules) == gone
    assert settle(rules) is None
    file.write_text("one")
    assert settle(rules) == Reloaded(Outcome.TAKEN, ["one"])


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "everybody's", "a group's", "huge", "binary"])
def test_what_cannot_be_read_or_trusted_is_unfit_at_the_start_and_later(
    rules: Reloading[list[str]], file: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.unlink()
    match kind:
        case "folder":
            file.mkdir()
        case "pipe":
            os.mkfifo(file)
        case "everybody's" | "a group's":
            file.write_text("evil")
            file.chmod(0o646 if kind == "everybody's" else 0o664)
        case "huge":
            monkeypatch.setattr(reloading, "FILE_BYTES_MAX", 3)
            file.write_text("four")
        case "binary":
            file.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=f"^RULES: .*{file}"):
        Reloading("RULES", str(file), words)
    found = settle(rules)
    assert found is not None
    assert found.outcome is (Outcome.MALFORMED if kind == "binary" else Outcome.UNREADABLE)
    assert rules.value == ["one"]


def test_a_byte_order_mark_is_none_of_the_text(file: Path) -> None:
    file.write_text("one", encoding="utf-8-sig")
    assert Reloading("RULES", str(file), words).value == ["one"]


async def test_it_is_watched(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloading, "LOOK_SECONDS", 0.01)
    rules = Reloading("RULES", str(file), words, lambda came: KeysReloaded(came.outcome, len(came.value), came.why))
    with heard() as told:
        async with Supervised("rules", rules.watch):
            await asyncio.to_thread(file.write_text, "one two")
            async with asyncio.timeout(PATIENCE):
                while rules.value != ["one", "two"]:
                    await asyncio.sleep(0.005)
    assert [event for event in told if isinstance(event, KeysReloaded)] == [KeysReloaded("taken", 2)]
