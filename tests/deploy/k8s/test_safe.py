"""What runs may do to its node and to others: nothing that it does not need."""

from __future__ import annotations

import re

import yaml

from app.settings import Settings
from tests.app.docs.shelf import ROOT
from tests.deploy.k8s.build import built, container, environment, of, pods
from tests.deploy.rules import DEPLOY

MIB = 1024 * 1024
# What a process takes before it has anything to do, and what one needs besides what its settings bound.
ITSELF = 256 * MIB
_UNITS = {"Ki": 1024, "Mi": MIB, "Gi": 1024 * MIB, "kb": 1024, "mb": MIB, "gb": 1024 * MIB}


def size(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(\w+)", text).groups()  # type: ignore[union-attr]  # or the test fails
    return int(number) * _UNITS[unit]


def memory(overlay: str, name: str) -> int:
    return size(container(overlay, name)["resources"]["limits"]["memory"])


def arguments(text: list[str]) -> dict[str, str]:
    return {name.removeprefix("--"): value for name, value in zip(text[::2], text[1::2], strict=True)}


def test_nobody_is_root_or_can_become_it(overlay: str) -> None:
    for name, pod in pods(overlay):
        spec, said = pod["spec"], container(overlay, name)
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert said["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "hostNetwork" not in spec


def test_they_run_as_the_user_of_the_image(overlay: str) -> None:
    [user] = re.findall(r"--uid (\d+)", (DEPLOY / "Dockerfile").read_text())
    for name in ("front", "worker"):
        assert dict(pods(overlay))[name]["spec"]["securityContext"]["runAsUser"] == int(user)


def test_the_cluster_holds_them_to_it(overlay: str) -> None:
    [space] = of(overlay, "Namespace").values()
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {one["metadata"].get("namespace", space["metadata"]["name"]) for one in built(overlay)} == {"keepstream"}


def test_who_is_told_to_end_while_it_starts_hears_it(overlay: str) -> None:
    """The first process of a container has no signals but those that it listens for."""
    for name in ("front", "worker"):
        assert dict(pods(overlay))[name]["spec"]["shareProcessNamespace"] is True


def test_nobody_is_given_the_cluster_or_its_services(overlay: str) -> None:
    for _, pod in pods(overlay):
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["spec"]["enableServiceLinks"] is False


def test_secrets_come_as_files_that_nobody_else_reads(overlay: str) -> None:
    for name, pod in pods(overlay):
        said = container(overlay, name)
        assert all("value" in one for one in said.get("env", ()))
        assert all("secretRef" not in one for one in said.get("envFrom", ()))
        secret = [one for one in pod["spec"]["volumes"] if "secret" in one]
        assert all(one["secret"]["defaultMode"] == 0o440 for one in secret)
        mounts = {one["name"]: one for one in said["volumeMounts"]}
        assert all(mounts[one["name"]]["readOnly"] and "subPath" not in mounts[one["name"]] for one in secret)
    for one in of(overlay, "ConfigMap").values():
        assert not [key for key in one["data"] if re.search(r"(KEY|SECRET|URL|PASSWORD)$", key)]


def test_what_they_may_take_is_bounded_above_what_their_settings_bound(overlay: str) -> None:
    for name, _ in pods(overlay):
        assert container(overlay, name)["resources"]["requests"].keys() == {"cpu", "memory"}
    told = {name: environment(overlay, name) for name in ("front", "worker")}
    usual = Settings()
    streams = int(told["worker"].get("KEEPSTREAM_WORKER_BYTES", usual.worker_bytes))
    bodies = int(told["front"].get("KEEPSTREAM_BODIES_BYTES", usual.bodies_bytes))
    assert memory(overlay, "worker") >= streams + ITSELF
    assert memory(overlay, "front") >= bodies + ITSELF


def test_the_valkey_is_as_that_of_compose_and_as_one_has_to_be() -> None:
    said = arguments(container("small", "valkey")["args"])
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["valkey"]
    of_compose = arguments(service["command"][1:])
    assert {name: said.get(name) for name in of_compose} == of_compose
    most = size(said["maxmemory"])
    queue = int(environment("small", "front").get("KEEPSTREAM_QUEUE_BYTES", Settings().queue_bytes))
    assert most >= 2 * queue
    assert memory("small", "valkey") >= most * 3 // 2
    assert container("small", "valkey")["image"] == service["image"]


def test_a_disruption_leaves_somebody() -> None:
    for overlay in ("small", "large"):
        budget = of(overlay, "PodDisruptionBudget")["front"]["spec"]
        assert budget["maxUnavailable"] < of(overlay, "HorizontalPodAutoscaler")["front"]["spec"]["minReplicas"]
