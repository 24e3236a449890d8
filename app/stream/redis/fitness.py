"""Whether a Redis is fit for logs: asked by each process when it starts, and never again.

The rule: a server that was reached and cannot serve us is the end of the start, in its own words; one that is away, or
refuses for now, is waited for, and that is said. What we need is read from the scripts and from `keys`, and tried
within a transaction that is given up: permissions are checked when a command is queued, and nothing is done.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import BusyLoadingError, ResponseError

from app.stream import keys, scripts
from app.stream.errors import UnfitServerError
from app.stream.observing import RedisAwaited, RedisUnbounded, tell
from app.stream.redis.known import Server, server_of
from app.stream.redis.links import NoPrimaryError
from app.stream.redis.refusals import NO_ANSWER, Kind, Refusal, refusal_of

OLDEST_REDIS = (7, 0)
PAUSE_SECONDS = 0.2
PAUSE_SECONDS_MAX = 2.0
# A replica may be about to become the primary; one that does not is a wrong address.
REPLICA_SECONDS = 5.0

# Of `keys`; all else that it names is a key.
CHANNELS = ("WAKE", "accord", "alive", "channel", "control", "followers", "hearing")
# What the code asks besides the scripts, and how many words follow a command's key.
_ASKED = (
    "DEL EXISTS EXPIRE GET GETEX GETRANGE HGET HGETALL HMGET HSTRLEN INCRBY PEXPIRE PTTL SET SMEMBERS STRLEN ZCARD "
    "XREVRANGE ZRANK ZREM ZREVRANGE ZREVRANK"
)
WORDS = {
    **dict.fromkeys(
        (
            "DEL",
            "EXISTS",
            "GET",
            "GETEX",
            "HGETALL",
            "HLEN",
            "HVALS",
            "INCR",
            "PTTL",
            "SMEMBERS",
            "STRLEN",
            "TTL",
            "ZCARD",
        ),
        0,
    ),
    "ZPOPMIN": 0,
    **dict.fromkeys(
        ("APPEND", "EXPIRE", "PEXPIRE", "HDEL", "HEXISTS", "HGET", "HSTRLEN", "HMGET", "RPUSH", "SET", "SADD"), 1
    ),
    **dict.fromkeys(
        ("DECRBY", "INCRBY", "ZRANK", "ZREM", "ZREVRANK", "ZSCORE", "LPUSH", "SREM", "INCRBYFLOAT", "ZMSCORE"), 1
    ),
    "PEXPIREAT": 1,
    **dict.fromkeys(("GETRANGE", "HINCRBY", "HINCRBYFLOAT", "HSET", "HSETNX", "LRANGE", "LTRIM", "ZADD", "ZCOUNT"), 2),
    **dict.fromkeys(("ZINCRBY", "ZRANGE", "ZRANGEBYSCORE", "ZREMRANGEBYRANK", "ZREMRANGEBYSCORE", "ZREVRANGE"), 2),
    "XADD": 3,
    "XREVRANGE": 2,
}
# Those that take no key, another word before it, or two of them, in full.
_KEYLESS = {
    "RENAME": ("RENAME", "ks:{probe}", "ks:{probe}"),
    "TIME": ("TIME",),
    "PUBLISH": (),
    "PUBSUB": ("PUBSUB", "NUMSUB", "ks:{queue}:wake"),
}


class Part(Enum):
    """What a server is for, by whether a name is the queue's."""

    ALL = (True, False)
    QUEUE = (True,)
    LOGS = (False,)


async def until_fit(redis: Redis, part: Part = Part.ALL) -> None:
    """Returns when the server is there and fit. Raises `UnfitServerError` for one that is there and is not."""
    pause, loop = PAUSE_SECONDS, asyncio.get_running_loop()
    told: set[tuple[Kind, str]] = set()
    replica_since: float | None = None
    while True:
        try:
            return await check_server(redis, part)
        except NO_ANSWER as error:
            refusal = refusal_of(error)
            if (refusal.kind, refusal.code) not in told:
                tell(RedisAwaited(refusal.kind, refusal.words, type(error).__name__, still=bool(told)))
                told.add((refusal.kind, refusal.code))
            if not isinstance(error, NoPrimaryError):
                replica_since = None
            elif replica_since is None:
                replica_since = loop.time()
            elif loop.time() - replica_since >= REPLICA_SECONDS:
                raise UnfitServerError(f"Redis cannot be written to: {error}") from error
        await asyncio.sleep(pause)
        pause = min(pause * 2, PAUSE_SECONDS_MAX)


async def check_server(redis: Redis, part: Part = Part.ALL) -> None:
    """Refuses a server that would lose logs or does not let us work.

    Raises `UnfitServerError`, or one of `NO_ANSWER` for a server that is away or refuses for now.
    """
    with judging(server_of(redis)):
        await check_node(redis, part)


@contextmanager
def judging(known: Server) -> Iterator[None]:
    """What is refused for good makes a server unfit: `UnfitServerError`."""
    try:
        yield
    except NO_ANSWER as error:
        refusal = refusal_of(error)
        if refusal.kind in (Kind.UNFIT, Kind.BUG):
            raise UnfitServerError(f"{known.shown}: {_told(refusal, known.name)}") from error
        raise


async def check_node(redis: Redis, part: Part, *, cluster: bool = False) -> None:
    """The same of one server, or of one of a cluster's. Raises what Redis raises."""
    shown = server_of(redis).shown
    try:
        judge(await redis.info(), cluster=cluster)
    except UnfitServerError as error:
        raise UnfitServerError(f"{shown}: {error}") from error
    for refused in await refused_to(redis, part, cluster=cluster):
        raise UnfitServerError(f"{shown}: Redis refuses {refused}")


def judge(info: Mapping[str, Any], *, cluster: bool = False) -> None:
    """What INFO says; `cluster`: of a node of one.

    Raises `UnfitServerError`, or `BusyLoadingError` while the server reads its file.
    """
    version = str(info.get("redis_version", "0"))
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST_REDIS:
        raise UnfitServerError(f"Redis {version} is too old: Keepstream needs 7.0 or newer, or Valkey")
    if not cluster and str(info.get("cluster_enabled", "0")) == "1":
        raise UnfitServerError(
            "Redis is a node of a cluster (cluster_enabled:1): name one primary, or have the streams on the cluster "
            "(STREAMS_REDIS_URL=redis+cluster://…)"
        )
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        raise UnfitServerError(
            f"Redis has maxmemory-policy {policy}, which silently removes live streams: set it to noeviction"
        )
    if str(info.get("loading", "0")) == "1":
        raise BusyLoadingError("Redis is loading the dataset in memory")
    if str(info.get("maxmemory", "")) == "0":
        tell(RedisUnbounded())


def needs(part: Part = Part.ALL, *, cluster: bool = False) -> Iterator[tuple[str, ...]]:
    """Each command and each key and channel that we use, once, by itself and harmlessly."""
    yield ("PING",)
    yield ("SCRIPT", "LOAD", "return 1")
    yield ("SCRIPT", "EXISTS", "0" * 40)
    yield ("EVALSHA", "0" * 40, "0")
    yield ("INFO",)
    if cluster:
        yield ("CLUSTER", "SLOTS")
        yield ("ASKING",)
    for command in sorted(_commands()):
        if command == "PUBSUB" and cluster:
            yield ("PUBSUB", "SHARDNUMSUB", "ks:{probe}")
        elif command in _KEYLESS:
            if _KEYLESS[command]:
                yield _KEYLESS[command]
        elif command in WORDS:
            yield (command, keys.meta("st_probe"), *("1" for _ in range(WORDS[command])))
    for name in _of(part, names(lambda member: member not in CHANNELS)):
        yield ("EVAL", "return 1", "1", name)
    for name in _of(part, names(lambda member: member in CHANNELS)):
        of_shards = "S" if cluster else ""
        yield (f"{of_shards}PUBLISH", name, "1")
        yield (f"{of_shards}SUBSCRIBE", name)
        yield (f"{of_shards}UNSUBSCRIBE", name)


def _of(part: Part, found: set[str]) -> list[str]:
    return sorted(name for name in found if ("{queue}" in name) in part.value)


def names(wanted: Callable[[str], bool]) -> set[str]:
    """An example of everything that `keys` can name, of which `wanted` says yes to the member's name."""
    made: set[object] = set()
    for member, value in vars(keys).items():
        if member.startswith("_") or not wanted(member):
            continue
        if inspect.isfunction(value) and value.__module__ == keys.__name__:
            made.add(value(*("probe" for _ in inspect.signature(value).parameters)))
        else:
            made.add(value)
    return {name for name in made if isinstance(name, str) and re.match(r"(ks|arq:\w+):\{", name)}


def _commands() -> set[str]:
    """The commands of all scripts, and those of the code."""
    found = set(_ASKED.split())
    for room in files(scripts).iterdir():
        for file in room.iterdir() if room.is_dir() and room.name != "__pycache__" else ():
            found |= set(re.findall(r"redis\.p?call\(\s*'([A-Z]+)'", file.read_text(encoding="utf-8")))
    return found


_FRAME = (("MULTI",), ("DISCARD",))


async def refused_to(redis: Redis, part: Part = Part.ALL, *, cluster: bool = False) -> list[str]:
    """Of all that we need, what this user may not, each with Redis' own words. Changes nothing."""
    refused: list[str] = []
    connection: AbstractConnection = redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]
    try:
        await connection.connect()  # type: ignore[no-untyped-call]
        # First: where no transaction may begin, the rest would be done.
        for asked in ([("MULTI",)], [*needs(part, cluster=cluster), ("DISCARD",)]):
            # In one trip: who takes long to find out serves meanwhile, and would end for what is refused later.
            await connection.send_packed_command(connection.pack_commands(asked), check_health=False)
            for need in asked:
                try:
                    await connection.read_response()
                except ResponseError as error:
                    refusal = refusal_of(error)
                    if refusal.kind is Kind.UNFIT:
                        what = " ".join(need[:2] if need[0] != "EVAL" else ("keys like", need[-1]))
                        refused.append(f"{what}: {refusal.words}")
                    elif need in _FRAME:
                        raise
            if refused:
                break
    finally:
        await connection.disconnect(nowait=True)
    return refused


def _told(refusal: Refusal, setting: str) -> str:
    match refusal.code:
        case "NOAUTH" | "WRONGPASS":
            return f"Redis refuses the credentials of {setting}: {refusal.words}"
        case "TLS" if "expired" in refusal.words:
            return f"Redis: {refusal.words}: renew it there"
        case "TLS":
            return f"Redis: {refusal.words} (KEEPSTREAM_REDIS_CA names a file of certificates to trust)"
        case _:
            return f"Redis refuses what Keepstream needs: {refusal.words}"
