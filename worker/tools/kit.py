"""What a worker's box of tools is made of, as the settings say it.

The rule: it is read before the worker starts, so that what is wrong is told by its setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.settings import Settings
from worker.tools.builtin.listed import built_in
from worker.tools.functions.modules import registered
from worker.tools.running.redacted import Redactor, secrets_in
from worker.tools.toolbox import Runnable


@dataclass(frozen=True, slots=True)
class Kit:
    """Without anything else: the tools that are built in."""

    fixed: list[Runnable] = field(default_factory=built_in)
    redact: Redactor = field(default_factory=Redactor)


def kit_of(settings: Settings, environ: Mapping[str, str]) -> Kit:
    """Raises `SettingsError`."""
    redact = Redactor([*secrets_in(environ), *secrets_of(settings)])
    return Kit(registered(settings.tools, redact, built_in()), redact)


def secrets_of(settings: Settings) -> list[str]:
    """What came as files stands in no environment."""
    told = {"API_KEY": settings.anthropic_api_key, "JWT_SECRET": settings.jwt_secret, "URL": settings.redis_url}
    told |= {"TICKET_SECRET": settings.ticket_secret, "URL_2": settings.jwt_jwks}
    return list(secrets_in({name: value for name, value in told.items() if value}))
