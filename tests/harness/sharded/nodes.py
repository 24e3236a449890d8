"""A Valkey Cluster as real processes on this machine: so many primaries, and a replica of each where it is asked for.

The rule: it is whole before anybody is given it, and knows no loop: a session has one of it, and each test clients of
its own. What is done to it is done over the nodes' own ports; clients are told of others where somebody announces such.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from redis import Redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import RedisError

from app.dev.embedded import Config, EmbeddedValkey, EmbeddedValkeyError
from app.dev.ports import LOOPBACK, free_port

# Others take over from a node that says nothing for so long. Far above what a busy machine keeps a process waiting.
NODE_TIMEOUT_MS = 1500
PATIENCE_SECONDS = 60.0
_BEAT_SECONDS = 0.05
_TRIES = 3
_ANSWER_SECONDS = 2.0
_GONE = (RedisError, OSError)


def nothing_more(_directory: Path) -> Config:
    return ()


@dataclass
class Node:
    """One server. `port` is where its clients are told to come."""

    valkey: EmbeddedValkey
    bus: int
    port: int
    id: str = ""

    def ask(self, *command: object) -> Any:
        """Over a connection of its own, as `default`. Two words in one string are two, and their answer is read."""
        with Redis(port=self.valkey.port, socket_timeout=_ANSWER_SECONDS, decode_responses=True) as redis:
            return redis.execute_command(*command)  # type: ignore[no-untyped-call]

    def is_well(self) -> bool:
        """Whether it says that the whole cluster is."""
        return bool(self.ask("CLUSTER INFO")["cluster_state"] == "ok")


@dataclass(frozen=True)
class Seen:
    """What a node says of one of them. `slots` are ranges, the last slot included."""

    id: str
    port: int
    primary: bool
    of: str
    failing: bool
    linked: bool
    slots: tuple[tuple[int, int], ...]

    def has(self, slot: int) -> bool:
        return any(low <= slot <= high for low, high in self.slots)


@dataclass
class Nodes:
    """`with` ends all of them."""

    nodes: list[Node] = field(default_factory=list)

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        primaries: int = 3,
        replicas: int = 1,
        announced: Sequence[int] = (),
        config: Callable[[Path], Config] = nothing_more,
    ) -> Self:
        """`announced`: the ports that clients come to instead of theirs; `config` is asked for each one's directory."""
        made = cls()
        try:
            for number in range(primaries * (1 + replicas)):
                made.nodes.append(_node(directory / f"node-{number}", config, announced[number] if announced else 0))
            made._meet(primaries)
        except BaseException:
            made.stop()
            raise
        return made

    def _meet(self, primaries: int) -> None:
        first, *others = self.nodes
        for node in self.nodes:
            node.id = node.ask("CLUSTER MYID")
        for node in others:
            node.ask("CLUSTER", "MEET", LOOPBACK, first.valkey.port, first.bus)
        for number, node in enumerate(self.nodes[:primaries]):
            low, high = (REDIS_CLUSTER_HASH_SLOTS * n // primaries for n in (number, number + 1))
            node.ask("CLUSTER", "ADDSLOTSRANGE", low, high - 1)
        until(lambda: all(len(list(_seen(node))) == len(self.nodes) for node in self.nodes), "they know each other")
        for number, node in enumerate(self.nodes[primaries:]):
            node.ask("CLUSTER", "REPLICATE", self.nodes[number % primaries].id)
        self.until_whole()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """At once: what they hold is nobody's any more."""
        for node in self.nodes:
            node.valkey.kill()

    # --- where it is, and what it says

    @property
    def addresses(self) -> str:
        return ",".join(f"{LOOPBACK}:{node.port}" for node in self.nodes)

    @property
    def url(self) -> str:
        return f"redis+cluster://{self.addresses}"

    @property
    def running(self) -> list[Node]:
        return [node for node in self.nodes if node.valkey.is_running]

    def seen(self) -> list[Seen]:
        """As one of them sees them that answers and says that all is well; else as any that answers does."""
        found: list[Seen] = []
        for node in self.running:
            try:
                if node.is_well():
                    return list(_seen(node))
                found = found or list(_seen(node))
            except _GONE:
                continue
        return found

    def node(self, wanted: str) -> Node:
        """By its id."""
        return next(node for node in self.nodes if node.id == wanted)

    def primaries(self) -> list[Node]:
        """Those that have slots."""
        return [self.node(one.id) for one in self.seen() if one.primary and one.slots and not one.failing]

    def replica_of(self, primary: Node) -> Node:
        return next(self.node(one.id) for one in self.seen() if one.of == primary.id and not one.failing)

    def holder(self, slot: int) -> Node | None:
        """Who has this slot."""
        return next((self.node(one.id) for one in self.seen() if one.primary and one.has(slot)), None)

    def primary_of(self, key: str) -> Node:
        found = self.holder(key_slot(key.encode()))
        assert found is not None, f"nobody has {key}"
        return found

    def slot_of(self, node: Node) -> int:
        """The first of its slots."""
        return next(one.slots[0][0] for one in self.seen() if one.id == node.id and one.slots)

    def until_whole(self) -> None:
        """Waits until everybody who runs says that all is well, of the same primaries, and replicas are in step."""
        until(self.is_whole, "it is whole")

    def is_whole(self) -> bool:
        try:
            views = [sorted(_seen(node), key=lambda one: one.id) for node in self.running]
            return (
                bool(views)
                and all(_roles(view) == _roles(views[0]) for view in views)
                and all(node.is_well() for node in self.running)
                and not {one.id for one in views[0] if one.failing} & {node.id for node in self.running}
                and all(_in_step(node) for node in self.running)
            )
        except _GONE:
            return False

    # --- all of them at once

    def flush(self) -> None:
        for node in self.primaries():
            node.ask("FLUSHALL")

    def forever(self) -> list[str]:
        """The keys that would stay for ever."""
        found: list[str] = []
        for node in self.primaries():
            found += [key for key in node.ask("KEYS", "*") if node.ask("TTL", key) == -1]
        return found


def _node(directory: Path, config: Callable[[Path], Config], announced: int) -> Node:
    for left in reversed(range(_TRIES)):
        bus = free_port()
        ours: list[tuple[str, str]] = [
            ("cluster-enabled", "yes"),
            ("cluster-port", str(bus)),
            ("cluster-node-timeout", str(NODE_TIMEOUT_MS)),
            ("cluster-replica-validity-factor", "0"),  # however long it was without its primary: it may take over
            ("repl-diskless-sync-delay", "0"),
            ("maxmemory", "256mb"),
        ]
        if announced:
            ours.append(("cluster-announce-client-port", str(announced)))
        try:
            valkey = EmbeddedValkey.start(directory, extra_config=(*ours, *config(directory)))
        except EmbeddedValkeyError:
            if not left:
                raise
            continue  # somebody was quicker to take the bus' port
        return Node(valkey, bus, announced or valkey.port)
    raise AssertionError


def _seen(node: Node) -> Iterator[Seen]:
    """What it says of all of them, itself included, but for those that it only shakes hands with."""
    said: dict[str, dict[str, Any]] = node.ask("CLUSTER NODES")
    for address, one in said.items():
        flags = one["flags"].split(",")
        if "handshake" in flags or "noaddr" in flags:
            continue
        yield Seen(
            one["node_id"],
            int(address.rpartition(":")[2]),
            "master" in flags,
            "" if one["master_id"] == "-" else one["master_id"],
            "fail" in flags or "fail?" in flags,
            one["connected"],
            tuple((int(low), int(high or low)) for low, high in (_range(slots) for slots in one["slots"])),
        )


def _range(slots: list[str]) -> tuple[str, str]:
    return slots[0], slots[-1]


def _roles(view: list[Seen]) -> list[tuple[object, ...]]:
    return [(one.id, one.primary, one.of, one.failing, one.slots) for one in view]


def _in_step(node: Node) -> bool:
    replication = node.ask("INFO", "replication")
    return replication["role"] == "master" or replication["master_link_status"] == "up"


def until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"the nodes were not so in time: {what}")
        time.sleep(_BEAT_SECONDS)
