"""What `kubectl apply -k` would send of `deploy/k8s/`: built by the kustomize that kubectl has in it, offline."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.rules import DEPLOY

K8S = DEPLOY / "k8s"
OVERLAYS = ("small", "large")
_KUBECTL = shutil.which("kubectl") or ""
# Older ones know neither `labels` nor patches as they are written here.
_KUSTOMIZE = 5

Thing = dict[str, Any]


@cache
def lacks() -> str:
    """Why nothing can be built here; '' where it can."""
    if not _KUBECTL:
        return "kubectl is not here"
    asked = [_KUBECTL, "version", "--client", "--output=json"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout or "{}"
    found = re.match(r"v(\d+)", json.loads(told).get("kustomizeVersion", ""))
    return "" if found and int(found[1]) >= _KUSTOMIZE else f"kubectl's kustomize is older than {_KUSTOMIZE}"


@cache
def built(overlay: str) -> tuple[Thing, ...]:
    """All objects, in the order in which they are applied."""
    return tuple(made(K8S / "overlays" / overlay))


def made(folder: Path) -> list[Thing]:
    """Fails, with kustomize's words, where nothing can be made."""
    done = subprocess.run([_KUBECTL, "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr  # no warning either
    return list(yaml.safe_load_all(done.stdout))


def of(overlay: str, kind: str) -> dict[str, Thing]:
    """Those of a kind, by their names."""
    return {one["metadata"]["name"]: one for one in built(overlay) if one["kind"] == kind}


def pods(overlay: str) -> Iterator[tuple[str, Thing]]:
    """What runs: the name of a Deployment or StatefulSet, and its pods' template."""
    for one in built(overlay):
        if one["kind"] in ("Deployment", "StatefulSet"):
            yield one["metadata"]["name"], one["spec"]["template"]


def container(overlay: str, name: str) -> Thing:
    """The one container of a Deployment or StatefulSet."""
    [only] = dict(pods(overlay))[name]["spec"]["containers"]
    return dict(only)


def environment(overlay: str, name: str) -> dict[str, str]:
    """What a container's process is told; its own word goes before the one that all are told."""
    said = container(overlay, name)
    told: dict[str, str] = {}
    for source in said.get("envFrom", ()):
        told |= of(overlay, "ConfigMap")[source["configMapRef"]["name"]]["data"]
    return told | {one["name"]: one["value"] for one in said.get("env", ())}
