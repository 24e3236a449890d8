"""Whether strangers could come in who are asked for nothing: judged before anything is served or started.

The rule: it is the address that is listened on that says who reaches us, never what it was called. Pure.
"""

from __future__ import annotations

from app.environment import is_loopback
from app.settings import Settings, SettingsError


def check_closed(settings: Settings, address: str) -> None:
    """Raises `SettingsError` for an open door at `address`, the one that `settings.host` turned out to be."""
    if settings.auth == "none" and not settings.asks_nobody:
        raise SettingsError(
            "set KEEPSTREAM_AUTH=none or what somebody is asked for (KEEPSTREAM_API_KEYS_FILE, KEEPSTREAM_JWT_SECRET, "
            "KEEPSTREAM_JWT_JWKS), not both"
        )
    if settings.asks_nobody and not is_loopback(address) and settings.auth != "none":
        raise SettingsError(
            f"on {settings.host} everybody who reaches this machine could spend your money and read your streams: set "
            "KEEPSTREAM_API_KEYS_FILE (see `keepstream keys`), KEEPSTREAM_JWT_SECRET or KEEPSTREAM_JWT_JWKS, or "
            "listen on 127.0.0.1, or say KEEPSTREAM_AUTH=none if something else asks them"
        )


def hosts(settings: Settings, address: str) -> tuple[str, ...] | None:
    """The names besides this machine's that we answer to, or None where any may be used for us."""
    if settings.asks_nobody and (is_loopback(address) or settings.hosts):
        return (*settings.hosts, settings.host.lower().removesuffix("."))
    return None
