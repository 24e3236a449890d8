"""The rule by which workers are scaled, out of the manifests: every number that is in them, and none that is not.

Two are the cluster's: how often its autoscaler looks, and what difference it overlooks. Those are Kubernetes' defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tests.deploy.k8s.build import Thing, container, environment, of, pods

SYNC_SECONDS = 15.0  # --horizontal-pod-autoscaler-sync-period
TOLERANCE = 0.1  # --horizontal-pod-autoscaler-tolerance


@dataclass(frozen=True, slots=True)
class Policy:
    """How many pods, or per cent of them, may come or go within so long."""

    is_percent: bool
    value: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Way:
    """Up or down: for how long what was said counts, and how fast it goes: by the policy that lets most through."""

    window: float
    policies: tuple[Policy, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """`lists` are the keys whose lengths the formula adds up. Times are seconds."""

    lists: Mapping[str, str]
    target: float
    activation: float
    idle: int
    least: int
    most: int
    polling: float
    cooldown: float
    up: Way
    down: Way

    def value(self, lengths: Mapping[str, float]) -> float:
        return sum(lengths[name] for name in self.lists)


@dataclass(frozen=True, slots=True)
class Pod:
    """What a worker's container is started with, where it is asked whether it is ready, and what it is given to end."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    readiness: str
    grace: float

    @property
    def streams(self) -> int:
        return int(self.environment["KEEPSTREAM_WORKER_STREAMS"])

    @property
    def drain(self) -> float:
        return float(self.environment["KEEPSTREAM_DRAIN_SECONDS"])


def rule_of(overlay: str) -> Rule:
    spec = of(overlay, "ScaledObject")["worker"]["spec"]
    modifiers = spec["advanced"]["scalingModifiers"]
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    lists = {one["name"]: one["metadata"]["listName"] for one in spec["triggers"]}
    named = [name.strip() for name in modifiers["formula"].split("+")]
    assert sorted(named) == sorted(lists), "what adds up something else is not known here"
    return Rule(
        lists={name: lists[name] for name in named},
        target=float(modifiers["target"]),
        activation=float(modifiers["activationTarget"]),
        idle=spec["idleReplicaCount"],
        least=spec["minReplicaCount"],
        most=spec["maxReplicaCount"],
        polling=spec["pollingInterval"],
        cooldown=spec["cooldownPeriod"],
        up=_way(behavior["scaleUp"]),
        down=_way(behavior["scaleDown"]),
    )


def pod_of(overlay: str) -> Pod:
    grace = dict(pods(overlay))["worker"]["spec"]["terminationGracePeriodSeconds"]
    said = container(overlay, "worker")
    readiness = said["readinessProbe"]["httpGet"]["path"]
    return Pod(tuple(said["args"]), environment(overlay, "worker"), readiness, grace)


def smaller(rule: Rule, pod: Pod, share: float) -> tuple[Rule, Pod]:
    """The same with workers that take fewer streams."""
    told = {**pod.environment, "KEEPSTREAM_WORKER_STREAMS": f"{pod.streams * share:.0f}"}
    return replace(rule, target=rule.target * share), replace(pod, environment=told)


def _way(said: Thing) -> Way:
    assert said["selectPolicy"] == "Max"
    policies = (Policy(one["type"] == "Percent", one["value"], one["periodSeconds"]) for one in said["policies"])
    return Way(said["stabilizationWindowSeconds"], tuple(policies))
