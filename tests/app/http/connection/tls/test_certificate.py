"""A certificate's files are judged when a front starts, and taken again when they change."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.http.connection.tls import certificate as module
from app.http.connection.tls.certificate import Certificate
from app.settings import Settings, SettingsError
from app.stream.observing import Event
from app.watch.events.of_processes import CertificateRead
from app.watch.observers import observed
from tests.harness.network.tls import certificate


class Listener:
    def __init__(self) -> None:
        self.heard: list[CertificateRead] = []

    def told(self, event: Event) -> None:
        if isinstance(event, CertificateRead):
            self.heard.append(event)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Path]]:
    directory = tmp_path_factory.mktemp("certificates")
    return [certificate(directory, address) for address in ("127.0.0.1", "127.0.0.2")]


def refused(cert: Path, key: Path) -> str:
    with pytest.raises(SettingsError) as told:
        Certificate(str(cert), str(key))
    assert "PRIVATE" not in str(told.value)
    return str(told.value)


def test_who_names_no_certificate_has_none() -> None:
    assert Certificate.of(Settings()) is None


@pytest.mark.parametrize("settings", [Settings(tls_cert="a"), Settings(tls_key="a")])
def test_half_of_it_is_none(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="belong together"):
        Certificate.of(settings)


def test_what_cannot_be_used_is_told_by_its_setting(pairs: list[tuple[Path, Path]], tmp_path: Path) -> None:
    (cert, key), (_, other) = pairs
    nothing = tmp_path / "nothing"
    assert refused(nothing, key) == f"KEEPSTREAM_TLS_CERT: cannot read {nothing}: No such file or directory"
    assert refused(cert, tmp_path) == f"KEEPSTREAM_TLS_KEY: cannot read {tmp_path}: Is a directory"
    assert "is not the key of the certificate" in refused(cert, other)
    (tmp_path / "empty").touch()
    (tmp_path / "bytes").write_bytes(b"\x00\xff" * 100)
    for file in (key, tmp_path / "empty", tmp_path / "bytes"):
        assert "are no certificate and its key in PEM" in refused(file, key)
    for file in (cert, tmp_path / "empty", tmp_path / "bytes"):
        assert "are no certificate and its key in PEM" in refused(cert, file)
    locked = tmp_path / "locked.key"
    openssl = shutil.which("openssl") or ""
    subprocess.run([openssl, "pkey", "-in", key, "-aes128", "-passout", "pass:x", "-out", locked], check=True)
    assert "has a passphrase" in refused(cert, locked)


def test_old_versions_of_tls_are_not_spoken_and_no_handshake_is_repeated(pairs: list[tuple[Path, Path]]) -> None:
    made = Certificate(*map(str, pairs[0]))
    assert made.context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert made.context.options & ssl.OP_NO_RENEGOTIATION


def test_a_renewed_pair_is_taken_when_both_files_are_there(pairs: list[tuple[Path, Path]], tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    shutil.copy(pairs[0][0], cert)
    shutil.copy(pairs[0][1], key)
    made, listener = Certificate(str(cert), str(key)), Listener()
    first = made.context
    with observed(listener):
        made.look()
        assert made.context is first
        shutil.copy(pairs[1][0], cert)
        made.look()
        made.look()
        assert made.context is first
        shutil.copy(pairs[1][1], key)
        made.look()
        second = made.context
        assert second is not first
        key.unlink()
        made.look()
        assert made.context is second
    assert [event.taken for event in listener.heard] == [False, True, False]
    assert "is not the key" in listener.heard[0].why


def test_one_that_has_expired_is_told_once_and_served(
    pairs: list[tuple[Path, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (cert, key), _ = pairs
    now, day = datetime.now(UTC), timedelta(days=1)
    listener = Listener()
    with observed(listener):
        assert Certificate(str(cert), str(key)).over() is None
        for dates, says in (((now - day, now), "has expired on"), ((now + day, now + day), "is not good before")):
            monkeypatch.setattr(module, "_dates", lambda _, dates=dates: dates)
            found = Certificate(str(cert), str(key))
            assert str(found.over()).startswith(f"KEEPSTREAM_TLS_CERT: {cert} {says}")
            found.tell_if_over()
            found.tell_if_over()
    assert [(event.taken, event.why.split()[2]) for event in listener.heard] == [(True, "has"), (True, "is")]
