"""What the nodes of a Valkey Cluster have counted: where clients were sent, and what was published to whom."""

from __future__ import annotations

from tests.harness.sharded.nodes import Node, Nodes

# What a node answers to who has come to the wrong one, or at a bad time.
REDIRECTIONS = ("MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN")


def redirections(nodes: Nodes) -> dict[str, int]:
    """How often those that run have sent a client away or put it off since they started, by the word for it."""
    counted = dict.fromkeys(REDIRECTIONS, 0)
    for node in nodes.running:
        stats = node.ask("INFO", "errorstats")
        for word in REDIRECTIONS:
            counted[word] += int(stats.get(f"errorstat_{word}", {}).get("count", 0))
    return counted


def calls(node: Node, command: str) -> int:
    """How often it has run this command, also inside of scripts."""
    return int(node.ask("INFO", "commandstats").get(f"cmdstat_{command.lower()}", {}).get("calls", 0))


def told_each_other(nodes: Nodes, kind: str) -> int:
    """How many messages of a kind (`publish`, `publishshard`) have gone from node to node."""
    name = f"cluster_stats_messages_{kind}_sent"
    return sum(int(node.ask("CLUSTER INFO").get(name, 0)) for node in nodes.running)


def heard_channels(nodes: Nodes) -> list[str]:
    """All that somebody listens to, of either kind."""
    found: list[str] = []
    for node in nodes.running:
        found += node.ask("PUBSUB", "SHARDCHANNELS") + node.ask("PUBSUB", "CHANNELS")
    return found
