"""All checks, by the names under which their findings are told, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Mapping

from app.doctor.checks import agreement, claude_api, clock, door, files, machine, others, redis, tools, watchers
from app.doctor.examination import Check

SETTINGS = "settings"

CHECKS: Mapping[str, Check] = {
    SETTINGS: agreement.settings,
    "keys": files.keys,
    "tokens": door.tokens,
    "limits": files.limits,
    "prices": files.prices,
    "screen": files.screen,
    "secrets": files.secrets,
    "certificate": door.certificate,
    "descriptors": machine.descriptors,
    "redis": redis.reached,
    "streams": redis.streams,
    "rights": redis.rights,
    "memory": redis.memory,
    "persistence": redis.persistence,
    "replicas": redis.replicas,
    "connections": redis.clients,
    "claude": claude_api.upstream,
    "tools": tools.tools,
    "traces": watchers.traces,
    "fronts": others.fronts,
    "workers": others.workers,
    "versions": others.versions,
}
# These are disturbed by the others.
MEASURES: Mapping[str, Check] = {"clock": clock.clock, "latency": redis.latency}
