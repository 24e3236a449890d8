from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.doctor.checks import door
from app.doctor.finding import Level
from tests.app.doctor.checks.patients import found, troubles

NARROW = {"jwt_issuer": "https://issuer", "jwt_audience": ("keepstream",)}


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate(tmp_path: Path, key: ec.EllipticCurvePrivateKey, begins: int, ends: int) -> dict[str, str]:
    """Files of a certificate that is good from so many days from now on to so many."""
    now, name = dt.datetime.now(dt.UTC), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "front")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now + dt.timedelta(days=begins))
        .not_valid_after(now + dt.timedelta(days=ends))
        .sign(key, hashes.SHA256())
    )
    cert, its_key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    its_key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return {"tls_cert": str(cert), "tls_key": str(its_key)}


@pytest.mark.parametrize(
    ("begins", "ends", "level"),
    [(-1, 90, None), (-1, 3, Level.WARNING), (-9, -1, Level.MUST), (1, 90, Level.MUST)],
)
async def test_a_certificate_is_judged_by_its_days(
    tmp_path: Path, key: ec.EllipticCurvePrivateKey, begins: int, ends: int, level: Level | None
) -> None:
    findings = troubles(await found(door.certificate, **certificate(tmp_path, key, begins, ends)))
    assert [told for told, _ in findings] == ([] if level is None else [level])


async def test_a_certificate_without_its_key_or_with_another_one(
    tmp_path: Path, key: ec.EllipticCurvePrivateKey
) -> None:
    files = certificate(tmp_path, key, -1, 90)
    assert troubles(await found(door.certificate)) == []
    assert [level for level, _ in troubles(await found(door.certificate, tls_cert=files["tls_cert"]))] == [Level.MUST]
    other = tmp_path / "other"
    other.mkdir()
    files["tls_key"] = certificate(other, ec.generate_private_key(ec.SECP256R1()), -1, 90)["tls_key"]
    [(level, words)] = troubles(await found(door.certificate, **files))
    assert (level, "is not the key of the certificate" in words) == (Level.MUST, True)


async def test_tokens(tmp_path: Path) -> None:
    assert troubles(await found(door.tokens)) == []
    assert troubles(await found(door.tokens, jwt_secret="s" * 32, **NARROW)) == []
    [(level, _)] = troubles(await found(door.tokens, jwt_secret="s" * 32))
    assert level is Level.WARNING  # of any issuer
    for wrong in (
        {"jwt_secret": "short"},
        {"jwt_issuer": "https://issuer"},
        {"jwt_jwks": str(tmp_path / "none")},
        {"jwt_jwks": "http://127.0.0.1:9/set?token=secret"},
    ):
        findings = await found(door.tokens, **wrong)
        assert [level for level, _ in troubles(findings)] == [Level.MUST], wrong
        assert "secret" not in "".join(finding.says for finding in findings).replace("JWT_SECRET", "")
