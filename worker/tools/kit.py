"""What a worker's box of tools is made of, as the settings say it.

The rule: it is read before the worker starts, so that what is wrong is told by its setting.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from app.settings import Settings
from worker.tools.builtin.listed import built_in
from worker.tools.functions.modules import registered
from worker.tools.mcp.config import Server, servers_of
from worker.tools.running.redacted import Redactor, secrets_in
from worker.tools.toolbox import Runnable, Toolbox


@dataclass(frozen=True, slots=True)
class Kit:
    """Without anything else: the tools that are built in."""

    fixed: list[Runnable] = field(default_factory=built_in)
    redact: Redactor = field(default_factory=Redactor)
    servers: tuple[Server, ...] = ()


def kit_of(settings: Settings, environ: Mapping[str, str]) -> Kit:
    """Raises `SettingsError`."""
    servers = tuple(servers_of(settings.mcp, environ)) if settings.mcp is not None else ()
    theirs = [secret for server in servers for secret in server.secrets]
    redact = Redactor([*secrets_in(environ), *secrets_of(settings), *theirs])
    return Kit(registered(settings.tools, redact, built_in()), redact, servers)


@asynccontextmanager
async def opened(kit: Kit, changed: Callable[[], None]) -> AsyncIterator[Toolbox]:
    """The box, with those tools too that come and go; `changed` is called when they do."""
    if not kit.servers:
        yield Toolbox(kit.fixed, kit.redact)
        return
    from worker.tools.mcp.servers import Servers  # noqa: PLC0415  # the library is there only where it is wanted

    async with Servers(kit.servers, changed) as servers:
        yield Toolbox(kit.fixed, kit.redact, servers.tools)


def secrets_of(settings: Settings) -> list[str]:
    """What came as files stands in no environment."""
    told = {"API_KEY": settings.anthropic_api_key, "JWT_SECRET": settings.jwt_secret, "URL": settings.redis_url}
    told |= {"TICKET_SECRET": settings.ticket_secret, "URL_2": settings.jwt_jwks, "URL_3": settings.streams_redis_url}
    return list(secrets_in({name: value for name, value in told.items() if value}))
