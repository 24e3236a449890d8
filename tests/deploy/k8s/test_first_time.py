"""What the page says to type makes secrets that open what they are for."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError

from app.dev.embedded import EmbeddedValkey
from app.settings import variables
from app.stream import keys
from tests.app.docs.shelf import Document
from tests.bench.scaling.keda import LENGTH
from tests.deploy.k8s.build import K8S, OVERLAYS, built, environment, made, of
from tests.deploy.rules import DEPLOY
from tests.harness.running import Running, clean_environment
from tests.patience import PATIENCE

# Keeps what a secret is made of in a folder called after it, and does nothing else.
KUBECTL = """#!/bin/sh
[ "$1" = create ] || exit 0
mkdir -p "secrets/$4"
folder="secrets/$4"
for argument; do
    said=${argument#--from-*=}
    case $argument in
        --from-literal=*) printf %s "${said#*=}" > "$folder/${said%%=*}" ;;
        --from-file=*) cp "${said#*=}" "$folder/${said%%=*}" ;;
    esac
done
"""


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each secret."""
    home = tmp_path_factory.mktemp("first-time")
    (home / "deploy").symlink_to(DEPLOY)
    (home / "kubectl").write_text(KUBECTL)
    (home / "kubectl").chmod(0o755)
    [block] = [
        one for one in re.findall(r"```sh\n(.*?)```", (K8S / "README.md").read_text(), re.DOTALL) if "sed" in one
    ]
    path = f"{home}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    told = clean_environment(ANTHROPIC_API_KEY="a-made-up-key", PATH=path)
    with Running(["bash", "-euc", block], cwd=home, environment=told) as shell:
        assert shell.wait() == 0, shell.output
    return home / "secrets"


@pytest.fixture(scope="module")
def valkey(secrets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """Has taken the file as it is, `default` locked out."""
    file = tmp_path_factory.mktemp("users") / "users.acl"
    file.write_text("user default on nopass ~* &* +@all\n")  # to be seen starting
    directory = tmp_path_factory.mktemp("valkey")
    with EmbeddedValkey.start(directory, extra_config=(("aclfile", str(file)),)) as server:
        with Redis.from_url(server.url) as redis:
            file.write_text((secrets / "valkey" / "users.acl").read_text())
            assert redis.acl_load()
        with Redis.from_url(server.url) as redis, pytest.raises(AuthenticationError):
            redis.ping()
        yield server


def said(secrets: Path, secret: str, key: str) -> str:
    return (secrets / secret / key).read_text()


def test_the_scaler_counts_who_waits_and_does_nothing_else(secrets: Path, valkey: EmbeddedValkey) -> None:
    user = {name: said(secrets, "scaler", name) for name in ("username", "password")}
    with Redis(port=valkey.port, socket_timeout=PATIENCE, **user) as scaler:
        assert [scaler.eval(LENGTH, 1, key) for key in (keys.JOBS, keys.LEASES)] == [0, 0]
        for refused in (("DEL", keys.JOBS), ("ZRANGE", keys.JOBS, "0", "-1"), ("KEYS", "*"), ("GET", keys.SAVED)):
            with pytest.raises(NoPermissionError):
                scaler.execute_command(*refused)
        with pytest.raises(NoPermissionError):
            scaler.eval(LENGTH, 1, keys.APPROVALS)


def test_the_processes_own_user_is_let_in(secrets: Path, valkey: EmbeddedValkey) -> None:
    url = said(secrets, "keepstream", "redis-url").replace("@valkey:6379", f"@127.0.0.1:{valkey.port}")
    with Redis.from_url(url) as redis:
        assert redis.ping()
        redis.zadd(keys.JOBS, {"st_1": 1})
        assert redis.zcard(keys.JOBS) == 1
        redis.delete(keys.JOBS)


def test_the_rest_is_what_was_typed(secrets: Path) -> None:
    assert said(secrets, "keepstream", "anthropic-api-key") == "a-made-up-key"
    assert re.fullmatch(
        r"alice [0-9a-f]{64}( .*)?\n", said(secrets, "keepstream", "api-keys").splitlines(keepends=True)[-1]
    )
    assert said(secrets, "scaler", "address").endswith(":6379")


def test_an_overlay_of_ones_own_is_made_as_the_page_says(tmp_path: Path) -> None:
    [block] = re.findall(r"```yaml\n(.*?)```", (K8S / "README.md").read_text(), re.DOTALL)
    here = os.path.relpath(DEPLOY, tmp_path)
    own = yaml.safe_load(block.replace("../deploy", here)) | {"components": [f"{here}/k8s/components/tools"]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(own))
    things = {(one["kind"], one["metadata"]["name"]): one for one in made(tmp_path)}
    ingress = things["Ingress", "keepstream"]["spec"]
    assert ingress["rules"][0]["host"] == ingress["tls"][0]["hosts"][0] == "relay.mine.example"
    [worker] = things["Deployment", "worker"]["spec"]["template"]["spec"]["containers"]
    assert worker["image"].startswith("registry.mine.example/keepstream:")
    scaled = things["ScaledObject", "worker"]["spec"]  # with tools
    assert "idleReplicaCount" not in scaled
    assert scaled["minReplicaCount"] > 0
    assert things.keys() == {(one["kind"], one["metadata"]["name"]) for one in built("small")}


def test_the_page_names_what_there_is() -> None:
    page = Document(K8S / "README.md")
    assert set(re.findall(r"\b(?:KEEPSTREAM|STREAMS|REDIS)_\w+", page.text)) <= {*variables()}
    files = {span for span in page.spans if re.fullmatch(r"(deploy|base|overlays)/[\w./-]+", span)}
    assert len(files) > 5
    assert [span for span in files if not ((K8S / span).exists() or (K8S.parents[1] / span).exists())] == []
    for overlay in OVERLAYS:
        row = next(line for line in page.text.splitlines() if line.startswith(f"| `overlays/{overlay}` |"))
        spec, streams = of(overlay, "ScaledObject")["worker"]["spec"], environment(overlay, "worker")
        most = spec["maxReplicaCount"]
        said = f"{spec['idleReplicaCount']}, {spec['minReplicaCount']} to {most}"
        said += f" ({most * int(streams['KEEPSTREAM_WORKER_STREAMS']):,} streams)"
        fronts = of(overlay, "HorizontalPodAutoscaler")["front"]["spec"]
        assert row.endswith(f"| {said} | {fronts['minReplicas']} to {fronts['maxReplicas']} |")
