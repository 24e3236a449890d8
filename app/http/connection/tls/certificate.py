"""A front's own certificate, for TLS without a proxy: read at the start, and again whenever its files change.

The rule: a connection is made with the newest certificate that could be used. Files that cannot be used are a
`SettingsError` at the start; later on the last good pair is kept, and told, once for each change. The two files are
written one after the other: between that they do not fit, and are looked at again. One that has expired is served and
told: a proxy that does not ask may stand before it. TLS 1.2 and newer, HTTP/1.1.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from datetime import UTC, datetime
from pathlib import Path

from app.settings import Settings, SettingsError
from app.stream.observing import tell
from app.watch.events.of_processes import CertificateRead

LOOK_SECONDS = 1.0


class Certificate:
    """Of two files. Raises `SettingsError` for what cannot be used; `context` is for each connection anew."""

    def __init__(self, cert: str, key: str) -> None:
        self._files = (cert, key)
        self._seen = self._stamp()
        self.context = _context(cert, key)
        self._dates = _dates(cert)
        self._trouble = ""
        self._told = ""

    @classmethod
    def of(cls, settings: Settings) -> Certificate | None:
        """The one that the settings name; None where a proxy has it, or nobody."""
        if settings.tls_cert is None and settings.tls_key is None:
            return None
        if settings.tls_cert is None or settings.tls_key is None:
            raise SettingsError("KEEPSTREAM_TLS_CERT and KEEPSTREAM_TLS_KEY belong together: set both, or none")
        return cls(settings.tls_cert, settings.tls_key)

    async def watch(self) -> None:
        """Runs until it is cancelled."""
        while True:
            self.tell_if_over()
            await asyncio.sleep(LOOK_SECONDS)
            await asyncio.to_thread(self.look)

    def tell_if_over(self) -> None:
        """Once for each that is."""
        said, self._told = self._told, self.over() or ""
        if self._told not in ("", said):
            tell(CertificateRead(taken=True, why=self._told))

    def over(self) -> str | None:
        """That it is good no more, or not yet; None of one that is."""
        begins, ends = self._dates
        now = datetime.now(UTC)
        if begins <= now < ends:
            return None
        said = f"has expired on {ends:%Y-%m-%d %H:%M} UTC: renew it"
        if now < begins:
            said = f"is not good before {begins:%Y-%m-%d %H:%M} UTC: look at this machine's clock"
        return f"KEEPSTREAM_TLS_CERT: {self._files[0]} {said}"

    def look(self) -> None:
        """Takes what has changed since the last look. Asks the disk."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self.context = _context(*self._files)
            self._dates = _dates(self._files[0])
        except SettingsError as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                tell(CertificateRead(taken=False, why=self._trouble))
            return
        self._trouble = ""
        tell(CertificateRead(taken=True))

    def _stamp(self) -> tuple[tuple[int, ...], ...]:
        return tuple(_stamp(file) for file in self._files)


def _stamp(file: str) -> tuple[int, ...]:
    """What is another one after each change; nothing where there is no such file."""
    try:
        found = os.stat(file)  # noqa: PTH116  # as the names were given
    except OSError:
        return ()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _context(cert: str, key: str) -> ssl.SSLContext:
    for name, file in (("KEEPSTREAM_TLS_CERT", cert), ("KEEPSTREAM_TLS_KEY", key)):
        try:
            with Path(file).open("rb"):
                pass
        except OSError as error:
            raise SettingsError(f"{name}: cannot read {file}: {error.strerror}") from error
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # each costs a front far more than its client
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(cert, key, password=_nobody_to_ask)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise SettingsError(_told(cert, key, error)) from None
    return context


def _dates(cert: str) -> tuple[datetime, datetime]:
    """From when until when it is good."""
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415  # who has no certificate does without

    leaf = load_pem_x509_certificates(Path(cert).read_bytes())[0]
    return leaf.not_valid_before_utc, leaf.not_valid_after_utc


def _nobody_to_ask() -> str:
    """Without it OpenSSL asks the terminal, and waits."""
    raise ValueError


def _told(cert: str, key: str, error: Exception) -> str:
    if isinstance(error, ValueError):
        return f"KEEPSTREAM_TLS_KEY: {key} has a passphrase, and nobody is there to be asked: give the key without one"
    reason = getattr(error, "reason", None) or type(error).__name__
    if reason == "KEY_VALUES_MISMATCH":
        return f"KEEPSTREAM_TLS_KEY: {key} is not the key of the certificate in {cert}"
    return f"KEEPSTREAM_TLS_CERT, KEEPSTREAM_TLS_KEY: {cert} and {key} are no certificate and its key in PEM ({reason})"
