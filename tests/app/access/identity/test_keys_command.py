"""`keepstream keys`, as it is typed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from app.access.identity.keys_command import main
from app.access.identity.keys_file import digest_of
from app.settings import SettingsError
from tests.harness.running import KEEPSTREAM
from tests.patience import PATIENCE


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "keys"
    monkeypatch.setenv("KEEPSTREAM_API_KEYS_FILE", str(path))
    return path


def test_a_key_is_shown_once_and_kept_nowhere(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["add", "alice"]) == 0
    shown = capsys.readouterr()
    key = shown.out.removesuffix("\n")
    assert re.fullmatch(r"ks_[A-Za-z0-9_-]{43}", key)
    assert key not in file.read_text()
    assert key not in shown.err
    assert file.read_text() == f"alice {digest_of(key)}\n"


def test_what_a_key_may_is_said_with_it(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["add", "acme", "--delegate", "--admin", "--expires", "2099-01-31", "--label", "ci"]) == 0
    key = capsys.readouterr().out.strip()
    assert file.read_text() == f"acme {digest_of(key)} delegate admin expires=2099-01-31 label=ci\n"


def test_a_key_that_is_over_is_made_all_the_same_and_it_is_said(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["add", "old", "--expires", "2020-01-31"]) == 0
    assert "over already" in capsys.readouterr().err
    assert file.read_text().endswith(" expires=2020-01-31\n")


def test_keys_are_listed_without_what_opens(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(f"alice {'a' * 64}\nacme {'b' * 64} delegate admin expires=2026-01-31 label=ci\n")
    assert main(["list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "OWNER  KEY       EXPIRES            RIGHTS          LABEL",
        "alice  aaaaaaaa  never              -               -",
        "acme   bbbbbbbb  2026-01-31 (over)  delegate admin  ci",
    ]


def test_a_key_is_taken_away_by_what_the_list_shows(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(f"alice {'a' * 64}\n")
    assert main(["revoke", "aaaaaaaa"]) == 0
    assert re.search(r"revoked aaaaaaaa of alice.*\n.*nobody is let in", capsys.readouterr().err)
    assert file.read_text() == ""


@pytest.mark.parametrize("digits", ["bbbbbbbb", "aaaa", "ks_secret"])
def test_a_key_that_is_none_is_said_and_not_quoted(file: Path, capsys: pytest.CaptureFixture[str], digits: str) -> None:
    file.write_text(f"alice {'a' * 64}\n")
    assert main(["revoke", digits]) == 1
    said = capsys.readouterr().err
    assert "no key begins so" in said
    assert digits not in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["add", "acme/bob"],
        ["add", "two words"],
        ["add", "#1"],
        ["add", ""],
        ["add", "alice", "--expires", "2027-02-30"],
        ["add", "alice", "--label", "two words"],
        ["add"],
        [],
    ],
)
def test_what_cannot_stand_in_the_file_is_refused(
    file: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    assert capsys.readouterr().err.startswith("usage: ")
    assert not file.exists()


def test_a_file_has_to_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KEEPSTREAM_API_KEYS_FILE", raising=False)
    with pytest.raises(SettingsError, match="--file"):
        main(["list"])
    with pytest.raises(SettingsError, match="cannot read"):
        main(["list", "--file", str(tmp_path / "none")])
    assert main(["add", "alice", "--file", str(tmp_path / "keys")]) == 0
    assert main(["list", "--file", str(tmp_path / "keys")]) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_key_that_cannot_be_shown_opens_nothing(file: Path) -> None:
    file.write_text(f"alice {'a' * 64}\n")
    for arguments in (("add", "bob"), ("list",)):
        with Path("/dev/full").open("w") as full:
            ran = subprocess.run(
                [*KEEPSTREAM, "keys", *arguments, "--file", str(file)],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        assert (ran.returncode, ran.stderr) == (1, "keepstream: nothing can be shown: No space left on device\n")
    assert file.read_text() == f"alice {'a' * 64}\n"
