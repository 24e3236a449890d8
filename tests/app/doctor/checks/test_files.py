from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.doctor.checks import files
from app.doctor.finding import Level
from tests.app.doctor.checks.patients import found, troubles

DIGEST = "0123456789abcdef" * 4
SECRET = "not-to-be-shown"


def day(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def keys_file(tmp_path: Path, *ends: str, mode: int = 0o600) -> str:
    path = tmp_path / "keys"
    path.write_text("".join(f"owner{n} {n}{DIGEST[1:]} {end}\n" for n, end in enumerate(ends)))
    path.chmod(mode)
    return str(path)


async def test_keys_that_open_are_counted(tmp_path: Path) -> None:
    findings = await found(files.keys, api_keys_file=keys_file(tmp_path, "", f"expires={day(300)}"))
    assert [(one.level, one.says[:9]) for one in findings] == [(Level.OK, "2 in /tmp"[:9])]


@pytest.mark.parametrize(
    ("ends", "mode", "level", "says"),
    [
        ((), 0o600, Level.MUST, "names no key"),
        (("expires=2020-01-01",), 0o600, Level.MUST, "1 of 1 keys have expired"),
        (("", f"expires={day(3)}"), 0o600, Level.WARNING, "1 of 2 keys expire within"),
        (("and more",), 0o600, Level.MUST, "line 1"),
        (("",), 0o660, Level.MUST, "a whole group may write"),
        (("",), 0o606, Level.MUST, "everybody here may write"),
    ],
)
async def test_keys_that_do_not(tmp_path: Path, ends: tuple[str, ...], mode: int, level: Level, says: str) -> None:
    [(told, words)] = troubles(await found(files.keys, api_keys_file=keys_file(tmp_path, *ends, mode=mode)))
    assert told is level
    assert says in words


async def test_a_key_that_has_ended_beside_others_is_a_note_with_its_owner(tmp_path: Path) -> None:
    findings = await found(files.keys, api_keys_file=keys_file(tmp_path, "", "expires=2020-01-01"))
    assert [one.level for one in findings] == [Level.OK, Level.NOTE]
    assert "owner1" in findings[1].do


async def test_where_nobody_is_asked_that_is_told_and_with_tokens_no_keys_are_needed(tmp_path: Path) -> None:
    assert troubles(await found(files.keys)) == [(Level.WARNING, "nobody is asked who they are")]
    assert troubles(await found(files.keys, jwt_secret="x" * 32)) == []
    [(level, _)] = troubles(await found(files.keys, api_keys_file=str(tmp_path / "none")))
    assert level is Level.MUST


async def test_limits_and_prices_are_read_as_a_front_reads_them(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text("[owner.alice]\nconcurrent_streams = 3\n")
    bad.write_text("[owner.alice]\nno_limit_of_ours = 3\n")
    bad.chmod(0o600)
    assert troubles(await found(files.limits, limits_file=str(good))) == []
    assert [level for level, _ in troubles(await found(files.limits, limits_file=str(bad)))] == [Level.MUST]
    assert [one.level for one in await found(files.limits)] == [Level.NOTE]
    assert troubles(await found(files.prices)) == []
    assert [level for level, _ in troubles(await found(files.prices, prices_file=str(bad)))] == [Level.MUST]
    [(level, words)] = troubles(await found(files.prices, model="a-model-of-nobody"))
    assert (level, "a-model-of-nobody" in words) == (Level.WARNING, True)


async def test_a_screen_that_is_not_there_is_told() -> None:
    assert troubles(await found(files.screen)) == []
    assert [level for level, _ in troubles(await found(files.screen, screen="no_such_module:screen"))] == [Level.MUST]


async def test_a_secret_in_a_file_that_everybody_may_read(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(0o644)
    environ = {"ANTHROPIC_API_KEY_FILE": str(path)}
    [finding] = await found(files.secrets, environ=environ)
    assert finding.level is Level.WARNING
    assert SECRET not in finding.says
    path.chmod(0o600)
    assert troubles(await found(files.secrets, environ=environ)) == []
    [(level, _)] = troubles(await found(files.secrets, tls_key=str(Path("/etc/hosts"))))
    assert level is Level.WARNING


async def test_a_secret_that_no_front_starts_with_is_told() -> None:
    [(level, says)] = troubles(await found(files.secrets, ticket_secret="x" * 15))
    assert level is Level.MUST
    assert "16 bytes or more" in says
