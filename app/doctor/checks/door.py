"""Tokens and the certificate: what a front shows to who comes, and asks of them."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from app.access.identity.entrance import check_unused
from app.doctor.finding import Finding, must, ok, warning
from app.doctor.patient import Patient
from app.http.connection.tls.certificate import Certificate
from app.settings import Settings, SettingsError

SOON_DAYS = 14


async def tokens(patient: Patient) -> list[Finding]:
    of = patient.settings
    try:
        if of.jwt_secret is None and of.jwt_jwks is None:
            check_unused(of)
            return [ok("none are taken")]
        from app.access.identity.tokens import tokens_of  # noqa: PLC0415  # who reads no token does without cryptography

        made = tokens_of(of)
        if made is not None:
            async with aclosing(made):
                await made.look()
    except SettingsError as error:
        return [must(str(error), "a front does not start until then")]
    found = [ok(f"are checked with {_with(of)}")]
    if of.jwt_issuer is None or not of.jwt_audience:
        found.append(
            warning(
                "a token of any issuer, or for anybody, is taken if its signature is right",
                "set KEEPSTREAM_JWT_ISSUER and KEEPSTREAM_JWT_AUDIENCE",
            )
        )
    return found


def _with(of: Settings) -> str:
    if of.jwt_jwks is None:
        return "the secret of KEEPSTREAM_JWT_SECRET"
    # Without its credentials and its query.
    return f"the keys of {urlsplit(of.jwt_jwks).hostname if '://' in of.jwt_jwks else of.jwt_jwks}"


async def certificate(patient: Patient) -> list[Finding]:
    return await asyncio.to_thread(_certificate, patient.settings)


def _certificate(of: Settings) -> list[Finding]:
    try:
        if Certificate.of(of) is None or of.tls_cert is None:
            return [ok("none: TLS is a proxy's, or nobody's")]
    except SettingsError as error:
        return [must(str(error))]
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415  # costs more than the rest

    leaf = load_pem_x509_certificates(Path(of.tls_cert).read_bytes())[0]
    begins, ends, now = leaf.not_valid_before_utc, leaf.not_valid_after_utc, datetime.now(UTC)
    until = f"{of.tls_cert} is good until {ends:%Y-%m-%d %H:%M} UTC"
    if now < begins:
        return [must(f"{of.tls_cert} is not good before {begins:%Y-%m-%d %H:%M} UTC", "look at this machine's clock")]
    if now >= ends:
        return [must(f"{of.tls_cert} has expired on {ends:%Y-%m-%d}", "renew it; fronts take a new one by themselves")]
    if ends - now < timedelta(days=SOON_DAYS):
        return [warning(until, "renew it; fronts take a new one by themselves")]
    return [ok(until)]
