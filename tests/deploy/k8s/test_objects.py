"""Each object is one that the cluster takes, with no field that it would drop without a word."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from jsonschema import Draft202012Validator, ValidationError
from kubernetes_validate import utils
from referencing import Registry, Resource

from tests.deploy.k8s.build import Thing, built, of

SCHEMAS = Path(__file__).parent / "schemas"
# The oldest with all that is said here (a `sleep` before the end), and the newest that there are schemas of.
VERSIONS = ("1.30", utils.latest_version())
# Of KEDA and of the Prometheus operator: their schemas are ours.
OF_OTHERS = {"ScaledObject", "TriggerAuthentication", "PodMonitor", "PrometheusRule"}


@cache
def schema_of(kind: str) -> Draft202012Validator:
    def parts() -> Any:
        for file in SCHEMAS.glob("*.json"):
            found = json.loads(file.read_text())
            yield file.name, Resource.from_contents(found | {"$schema": Draft202012Validator.META_SCHEMA["$id"]})

    registry: Registry[Any] = Registry().with_resources(parts())
    schema = json.loads((SCHEMAS / f"{kind.lower()}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, registry=registry)


def check(thing: Thing) -> None:
    """Raises the `ValidationError` of jsonschema."""
    if thing["kind"] in OF_OTHERS:
        schema_of(thing["kind"]).validate(thing)
    else:
        for version in VERSIONS:
            kubernetes_validate.validate(thing, version, strict=True)


def test_each_object_is_one(overlay: str) -> None:
    for thing in built(overlay):
        try:
            check(thing)
        except ValidationError as error:
            pytest.fail(f"{thing['kind']} {thing['metadata']['name']}: {error.json_path}: {error.message}")


def test_no_two_are_called_the_same(overlay: str) -> None:
    names = [(one["kind"], one["metadata"]["name"]) for one in built(overlay)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("Deployment", "spec.template.spec.containers.0.readinesProbe", {}),
        ("Deployment", "spec.template.spec.terminationGracePeriodSeconds", "long"),
        ("HorizontalPodAutoscaler", "spec.metrics.0.pods.target.averageValu", "1"),
        ("NetworkPolicy", "spec.policyType", []),
        ("ScaledObject", "spec.cooldown", 360),
        ("ScaledObject", "spec.advanced.scalingModifiers.target", 40),
        ("ScaledObject", "spec.triggers.0.metadata.listname", "jobs"),
        ("TriggerAuthentication", "spec.secretTargetRef.0.parameter", "adress"),
        ("PodMonitor", "spec.podMetricsEndpoints.0.port", 9464),
        ("PrometheusRule", "spec.groups.0.rules.0.alert", "Both"),
        ("PodMonitor", "metadata.labels", {"a": "not a label's value"}),
    ],
)
def test_a_slip_of_the_pen_is_found(kind: str, path: str, value: object) -> None:
    thing = copy.deepcopy(next(iter(of("small", kind).values())))
    place: Any = thing
    *way, last = path.split(".")
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    place[last] = value
    with pytest.raises(ValidationError):
        check(thing)
