from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime

import pytest

from app.access.caller import Caller
from app.access.identity.keys_file import Key, digest_of, key_of, keys_of
from app.settings import SettingsError

A, B = "a" * 64, "b" * 64


def test_a_line_is_an_owner_a_digest_and_words() -> None:
    keys = keys_of(
        f"# who may come in\n\nalice {A}\nbob\t{B.upper()} admin delegate label=phone expires=2027-01-31 # his\n"
    )
    assert keys == {
        A: Key("alice", A),
        B: Key("bob", B, delegate=True, admin=True, expires=date(2027, 1, 31), label="phone"),
    }


def test_a_file_without_a_key_lets_nobody_in() -> None:
    assert keys_of("# nobody yet\n\n") == {}


def test_a_line_reads_as_it_was_written() -> None:
    key = Key("bob", B, delegate=True, admin=True, expires=date(2027, 1, 31), label="phone")
    assert key_of(key.line) == key
    assert Key("alice", A).line == f"alice {A}"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("alice", "must be an owner, a space and the SHA-256"),
        (f"alice {'0' * 63}", "must be an owner"),
        ("alice key in clear", "must be an owner"),
        (A, "must be an owner"),
        (f"acme/alice {A}", "owner"),
        (f"{'x' * 256} {A}", "255"),
        (f"al\x7fice {A}", "invisible"),
        (f"alice {A} root", "each once"),
        (f"alice {A} admin=yes", "each once"),
        (f"alice {A} admin admin", "each once"),
        (f"alice {A} label", "each once"),
        (f"alice {A} label=", "label="),
        (f"alice {A} label={'x' * 65}", "label="),
        (f"alice {A} expires=2027-02-30", "expires="),
        (f"alice {A} expires=20270131", "expires="),
        (f"alice {A} expires=2027-W01-1", "expires="),
        (f"alice {B}", "the key of line 1 once more"),
    ],
)
def test_a_line_that_is_none_is_named_and_not_quoted(line: str, why: str) -> None:
    with pytest.raises(SettingsError, match=rf"^KEEPSTREAM_API_KEYS_FILE: line 2 .*{why}") as raised:
        keys_of(f"bob {B}\n{line}\n")
    assert "alice" not in str(raised.value)
    assert A not in str(raised.value)


def test_a_key_opens_until_the_end_of_its_last_day_in_utc() -> None:
    key = Key("alice", A, expires=date(2027, 1, 31))
    after = datetime(2027, 2, 1, tzinfo=UTC).timestamp()
    assert not key.is_over(after - 0.001)
    assert key.is_over(after)
    assert not Key("alice", A).is_over(after)
    assert key.caller == Caller("alice", expires_at=after)


def test_a_key_is_known_by_its_sha_256() -> None:
    assert digest_of("a-key") == hashlib.sha256(b"a-key").hexdigest()
    assert len(digest_of("\udce4")) == len(A)


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"])
def test_what_an_editor_shows_as_one_line_is_one(end: str) -> None:
    """Else a key is in force that everybody takes for a comment."""
    assert keys_of(f"# not yet: {end}mallory {'0' * 64} admin\n") == {}
    with pytest.raises(SettingsError, match="line 1"):
        keys_of(f"alice {'1' * 64}{end}mallory {'0' * 64} admin\n")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_ends_as_lines_do(end: str) -> None:
    assert [key.owner for key in keys_of(f"{end}a {'1' * 64}{end}{end}b {'2' * 64}").values()] == ["a", "b"]
