from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from app.access.owners import ANONYMOUS, Owners
from app.settings import SettingsError


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@pytest.fixture
def owners(tmp_path: Path) -> Owners:
    file = tmp_path / "keys"
    file.write_text(f"# who may come in\n\nalice {digest('a-key')}\nbob   {digest('b-key').upper()} # the phone\n")
    return Owners.from_file(str(file))


def test_without_a_file_every_key_or_none_is_anonymous() -> None:
    assert Owners.from_file(None).owner_of({"x-api-key": "anything"}) == ANONYMOUS
    assert Owners.from_file(None).owner_of({}) == ANONYMOUS


def test_a_key_opens_as_either_header(owners: Owners) -> None:
    assert owners.owner_of({"x-api-key": "a-key"}) == "alice"
    assert owners.owner_of({"authorization": "Bearer b-key"}) == "bob"
    assert owners.owner_of({"authorization": "bearer  b-key "}) == "bob"


@pytest.mark.parametrize(
    "headers",
    [{}, {"x-api-key": ""}, {"x-api-key": "c-key"}, {"authorization": "Basic b-key"}, {"authorization": "Bearer"}],
)
def test_everybody_else_is_nobody(owners: Owners, headers: dict[str, str]) -> None:
    assert owners.owner_of(headers) is None


@pytest.mark.parametrize("line", ["alice", f"alice {'0' * 63}", "alice key in clear", f"{'0' * 64}"])
def test_a_line_that_is_none_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# one\n{line}\n")
    with pytest.raises(SettingsError, match="line 2"):
        Owners.from_file(str(file))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "none", tmp_path, tmp_path / "binary"):
        with pytest.raises(SettingsError, match=f"^KEEPSTREAM_API_KEYS_FILE: cannot read {path}: "):
            Owners.from_file(str(path))


@pytest.mark.parametrize("text", ["", "# nobody yet\n\n"])
def test_a_file_without_a_key_is_refused_because_nobody_could_come_in(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys"
    file.write_text(text)
    with pytest.raises(SettingsError, match=r"keys names no key$"):
        Owners.from_file(str(file))


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"alice {digest('a-key')}\n", encoding="utf-8-sig")
    assert Owners.from_file(str(file)).owner_of({"x-api-key": "a-key"}) == "alice"
