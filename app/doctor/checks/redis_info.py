"""What Redis says of itself, judged. Pure: INFO's fields, and those of CONFIG that could be had (None: not allowed)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.doctor.finding import Finding, must, note, ok, warning

NEARLY_FULL, FULL = 0.75, 0.95
_MIB = 1024 * 1024

Info = Mapping[str, Any]


def version(info: Info) -> str:
    """`Valkey 9.1.2`."""
    if "valkey_version" in info:
        return f"Valkey {info['valkey_version']}"
    return f"Redis {info.get('redis_version', 'of an unknown version')}"


def memory(info: Info, needed: int) -> list[Finding]:
    """`needed`: what waiting prompts and saved answers may take there."""
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if not most:
        return [
            warning(
                f"{_mib(used)} are used and there is no maxmemory: Redis takes all that it gets",
                "set maxmemory to some three quarters of the machine's",
            )
        ]
    found = [ok(f"{_mib(used)} of {_mib(most)} are used")]
    if used > most * FULL:
        found = [must(f"{_mib(used)} of {_mib(most)} are used: writes are refused", "raise maxmemory")]
    elif used > most * NEARLY_FULL:
        found = [warning(f"{_mib(used)} of {_mib(most)} are used", "raise maxmemory, or lower KEEPSTREAM_STREAM_TTL")]
    if most < needed:
        found.append(
            warning(
                f"waiting prompts and saved answers may take {_mib(needed)}, and Redis {_mib(most)}",
                "lower KEEPSTREAM_QUEUE_BYTES and KEEPSTREAM_CACHE_BYTES, or raise maxmemory",
            )
        )
    if int(info.get("evicted_keys", 0)):
        found.append(
            warning(
                f"{info['evicted_keys']} keys were removed to make room since Redis began",
                "whoever shares this Redis and sets its policy must not: streams are lost by it",
            )
        )
    return found


def persistence(info: Info) -> list[Finding]:
    found = []
    if str(info.get("rdb_last_bgsave_status", "ok")) != "ok":
        found.append(must("the last snapshot failed, and writes may be refused for it", "look at Redis' log and disk"))
    if str(info.get("aof_last_write_status", "ok")) != "ok" or str(info.get("aof_last_bgrewrite_status", "ok")) != "ok":
        found.append(must("the append-only file cannot be written", "look at Redis' log and disk"))
    if str(info.get("aof_enabled", "0")) != "0":
        if info.get("appendfsync") == "no":
            found.append(
                warning(
                    "the append-only file is written when the system likes to: a machine that dies loses half a minute",
                    "set appendfsync everysec",
                )
            )
        return found or [ok(f"an append-only file{_synced(info.get('appendfsync'))}")]
    lost = {
        None: "what is newer than its last snapshot, if it makes any",
        "": "everything: all streams, conversations and what waits",
    }.get(info.get("save"), "what is newer than its last snapshot")
    return [*found, warning(f"there is no append-only file: a Redis that restarts loses {lost}", "set appendonly yes")]


def _synced(how: object) -> str:
    return f", synced {how}" if how else ""


def replicas(info: Info) -> list[Finding]:
    there, wanted = int(info.get("connected_slaves", 0)), info.get("min-replicas-to-write")
    if wanted and int(wanted) > there:
        return [must(f"{there} replicas are there and {wanted} are wanted: writes are refused", "bring them back")]
    if there and not int(wanted or 0):
        return [
            note(
                f"{there} replicas: what was acknowledged and has not reached them is lost when one takes over",
                "min-replicas-to-write 1 makes that rarer, and refuses writes while there is none",
            )
        ]
    return [ok(f"{there} replicas" if there else "none: while Redis is away all waits for it")]


def clients(info: Info) -> list[Finding]:
    there, most = int(info.get("connected_clients", 0)), int(info.get("maxclients", 0))
    if most and there > most * NEARLY_FULL:
        return [
            warning(f"{there} of {most} connections are taken", "raise maxclients: a process takes up to some forty")
        ]
    return [ok(f"{there} of {most} are taken" if most else f"{there} are taken")]


def _mib(size: int) -> str:
    return f"{size / _MIB:.0f} MiB"
