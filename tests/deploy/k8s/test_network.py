"""Who has to reach somebody does, and nobody else."""

from __future__ import annotations

import pytest

from tests.deploy.k8s.network import End, may, ours

INGRESS, PROMETHEUS, KEDA = (End(name) for name in ("ingress-nginx", "monitoring", "keda"))
DNS, STRANGER = End("kube-system"), End("default")
CLAUDE, CLOUD, NODE = End(address="203.0.113.7"), End(address="169.254.169.254"), End(address="10.1.2.3")
HTTP, METRICS, REDIS = 8000, 9464, 6379


@pytest.mark.parametrize("component", ["front", "worker"])
def test_they_reach_names_and_the_upstream_and_nothing_of_the_clusters(overlay: str, component: str) -> None:
    pod = ours(overlay, component)
    assert may(overlay, pod, DNS, 53, "UDP")
    assert may(overlay, pod, CLAUDE, 443)
    for other in (CLOUD, NODE, STRANGER):
        assert not may(overlay, pod, other, 443)
    assert not may(overlay, pod, CLAUDE, 80)


def test_people_reach_fronts_and_those_alone(overlay: str) -> None:
    assert may(overlay, INGRESS, ours(overlay, "front"), HTTP)
    assert not may(overlay, INGRESS, ours(overlay, "front"), METRICS)
    assert not may(overlay, INGRESS, ours(overlay, "worker"), METRICS)
    assert not may(overlay, STRANGER, ours(overlay, "front"), HTTP)


def test_prometheus_reaches_the_metrics_and_nothing_else(overlay: str) -> None:
    for component in ("front", "worker"):
        assert may(overlay, PROMETHEUS, ours(overlay, component), METRICS)
    assert not may(overlay, PROMETHEUS, ours(overlay, "front"), HTTP)


def test_the_valkey_is_reached_by_who_needs_it_and_reaches_nobody() -> None:
    valkey = ours("small", "redis")
    for one in (ours("small", "front"), ours("small", "worker"), KEDA):
        assert may("small", one, valkey, REDIS)
    for other in (INGRESS, PROMETHEUS, STRANGER):
        assert not may("small", other, valkey, REDIS)
    for target in (CLAUDE, CLOUD, ours("small", "front")):
        assert not may("small", valkey, target, 443)


def test_a_redis_elsewhere_is_reached_in_its_networks() -> None:
    for component in ("front", "worker"):
        assert may("large", ours("large", component), NODE, REDIS)
        assert not may("large", ours("large", component), CLAUDE, REDIS)


def test_pods_of_ours_have_nothing_to_say_to_each_other(overlay: str) -> None:
    front, worker = ours(overlay, "front"), ours(overlay, "worker")
    assert not may(overlay, front, worker, METRICS)
    assert not may(overlay, worker, front, HTTP)
