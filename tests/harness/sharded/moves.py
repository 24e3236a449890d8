"""What happens to a Valkey Cluster in its life: a replica takes over, a node dies or hangs, a slot moves on.

The rule: each returns when it has happened, by what the nodes themselves say. Blocking: from a loop, in a thread.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from app.dev.ports import LOOPBACK
from tests.harness.sharded.nodes import Node, Nodes, until

KEYS_AT_ONCE = 10
MIGRATE_MS = 5000
# Writes wait for a primary that is about to die or hang, for longer than any hangs.
PAUSE_MS = 600_000


def fail_over(nodes: Nodes, primary: Node) -> Node:
    """Its replica takes over, by agreement: nothing that was acknowledged is lost. Returns it."""
    replica, slot = nodes.replica_of(primary), nodes.slot_of(primary)
    replica.ask("CLUSTER", "FAILOVER")
    return successor(nodes, primary, slot)


def successor(nodes: Nodes, primary: Node, slot: int) -> Node:
    """Who has this slot, as soon as that is not this primary any more."""

    def taken_over() -> bool:
        holder = nodes.holder(slot)
        return holder is not None and holder is not primary and holder.valkey.is_running

    until(taken_over, "somebody takes over")
    found = nodes.holder(slot)
    assert found is not None
    return found


def kill(nodes: Nodes, primary: Node, *, keeping: bool) -> None:
    """It dies as in a crash. `keeping`: once its replica has all that it ever acknowledged, and before any more."""
    if keeping:
        keep(nodes, primary)
    primary.valkey.kill()


def keep(nodes: Nodes, primary: Node) -> None:
    """Its writes wait, and its replica has all of those before: whatever becomes of it now, nothing is lost."""
    replica = nodes.replica_of(primary)
    primary.ask("CLIENT", "PAUSE", PAUSE_MS, "WRITE")
    until(lambda: _offset(replica) == _offset(primary), "the replica has everything")


def _offset(node: Node) -> int:
    replication = node.ask("INFO", "replication")
    return int(replication["master_repl_offset"])


@contextmanager
def hanging(node: Node) -> Iterator[None]:
    """Alive, and silent on every connection, to clients and to the others; but for one that is killed meanwhile."""
    os.kill(node.valkey.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        if node.valkey.is_running:
            os.kill(node.valkey.pid, signal.SIGCONT)


@contextmanager
def hanging_without_loss(nodes: Nodes, primaries: Sequence[Node], also: Sequence[Node] = ()) -> Iterator[None]:
    """These primaries, and whom else, are silent. None of them takes a write once it is back, before all agree on who
    is a primary: those that come back may take one another for dead, and a replica take over from one that is alive.
    """
    for primary in primaries:
        keep(nodes, primary)
    with ExitStack() as stack:
        for node in (*primaries, *also):
            stack.enter_context(hanging(node))
        yield
    back = [primary for primary in primaries if primary.valkey.is_running]
    nodes.until_whole()
    for primary in back:
        primary.ask("CLIENT", "UNPAUSE")


def migrate(nodes: Nodes, slot: int, target: Node, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Key by key, as it is done since there are clusters: who asks is sent on, and on again, until it is over.

    `meanwhile` is called with the slot open and nothing moved, and after each few keys.
    """
    source = nodes.holder(slot)
    assert source is not None
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
    meanwhile()
    while names := source.ask("CLUSTER", "GETKEYSINSLOT", slot, KEYS_AT_ONCE):
        source.ask("MIGRATE", LOOPBACK, target.valkey.port, "", 0, MIGRATE_MS, "KEYS", *names)
        meanwhile()
    for node in (target, source, *(one for one in nodes.primaries() if one not in (target, source))):
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", target.id)


def migrate_at_once(nodes: Nodes, slot: int, target: Node) -> None:
    """As Valkey does it by itself since 9.0: all of a slot changes hands in one moment."""
    source = nodes.holder(slot)
    assert source is not None
    source.ask("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", target.id)
    until(lambda: nodes.holder(slot) is target, "the slot has moved")


def heal(nodes: Nodes) -> None:
    """Whoever has died is begun again, and all are whole."""
    for node in nodes.nodes:
        if not node.valkey.is_running:
            node.valkey.restart()
    nodes.until_whole()
