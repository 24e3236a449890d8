"""Who reaches whom, by the NetworkPolicies: Kubernetes' own rules, as far as ours use them.

A connection needs the word of both sides: a pod that some policy is about may do what one of them says, and nothing
else; one that none is about may do all.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from tests.deploy.k8s.build import Thing, of, pods

HOME = "keepstream"


@dataclass(frozen=True)
class End:
    """A pod of ours, one of another namespace, or an address outside."""

    namespace: str = ""
    labels: frozenset[tuple[str, str]] = frozenset()
    address: str = ""
    ports: frozenset[tuple[str, int]] = frozenset()


def ours(overlay: str, component: str) -> End:
    for _, pod in pods(overlay):
        labels = pod["metadata"]["labels"]
        if labels["app.kubernetes.io/component"] == component:
            [said] = pod["spec"]["containers"]
            ports = frozenset((one["name"], one["containerPort"]) for one in said["ports"])
            return End(HOME, frozenset(labels.items()), ports=ports)
    raise LookupError(component)


def matches(selector: Thing, labels: frozenset[tuple[str, str]]) -> bool:
    had = dict(labels)
    for one in selector.get("matchExpressions", ()):
        if one["operator"] != "In":
            raise NotImplementedError(one["operator"])
        if had.get(one["key"]) not in one["values"]:
            return False
    return all(had.get(key) == value for key, value in selector.get("matchLabels", {}).items())


@dataclass(frozen=True)
class Call:
    source: End
    target: End
    port: int
    protocol: str


def may(overlay: str, source: End, target: End, port: int, protocol: str = "TCP") -> bool:
    """Whether the one can open a connection to this port of the other."""
    call = Call(source, target, port, protocol)
    return _allowed(overlay, "Egress", call) and _allowed(overlay, "Ingress", call)


def _allowed(overlay: str, way: str, call: Call) -> bool:
    whose, other, peers = (call.source, call.target, "to") if way == "Egress" else (call.target, call.source, "from")
    about = [
        one["spec"]
        for one in of(overlay, "NetworkPolicy").values()
        if way in one["spec"]["policyTypes"] and matches(one["spec"]["podSelector"], whose.labels)
    ]
    rules = [rule for one in about for rule in one.get(way.lower(), ())]
    return (
        whose.namespace != HOME
        or not about
        or any(
            any(_is(peer, other) for peer in rule[peers]) and any(_at(one, call) for one in rule["ports"])
            for rule in rules
        )
    )


def _is(peer: Thing, end: End) -> bool:
    if "ipBlock" in peer:
        block: Any = peer["ipBlock"]
        inside = [ip_network(block["cidr"]), *map(ip_network, block.get("except", ()))]
        found = [bool(end.address) and ip_address(end.address) in one for one in inside]
        return found[0] and not any(found[1:])
    if "namespaceSelector" in peer:
        space = frozenset({("kubernetes.io/metadata.name", end.namespace)})
        if not end.namespace or not matches(peer["namespaceSelector"], space):
            return False
    elif end.namespace != HOME:
        return False
    return matches(peer.get("podSelector", {}), end.labels)


def _at(said: Thing, call: Call) -> bool:
    known = dict(call.target.ports)
    asked = known.get(said["port"]) if isinstance(said["port"], str) else said["port"]
    return bool(said["protocol"] == call.protocol and asked == call.port)
