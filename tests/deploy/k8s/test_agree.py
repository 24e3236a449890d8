"""What one part names, another has: ports, paths, settings, secrets, labels, numbers."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.cli import COMMANDS
from app.openapi import describe
from app.settings import SECRET_FILES, Settings, unknown, variable_of, variables
from app.stream import keys
from app.watch.metrics import names
from app.watch.metrics.port import HEALTHZ, READYZ
from app.watch.metrics.table import PREFIX, READERS, Kind
from tests.app.docs.shelf import ROOT
from tests.deploy.k8s.build import K8S, Thing, built, container, environment, of, pods
from tests.deploy.k8s.network import matches
from tests.deploy.known import JOBS
from worker.drain import HAND_OVER_SECONDS, LEAVE_SECONDS

FOLDER = "/run/secrets/keepstream"
# Between the last word of a process and its end, on a node that is busy.
MARGIN = 10


def files(overlay: str, name: str) -> dict[str, str]:
    """The files that a pod has of Secrets, and of which Secret and key each is."""
    pod = dict(pods(overlay))[name]["spec"]
    mounted = {one["name"]: one["mountPath"] for one in container(overlay, name)["volumeMounts"]}
    return {
        f"{mounted[one['name']]}/{item['path']}": f"{one['secret']['secretName']}/{item['key']}"
        for one in pod["volumes"]
        for item in one.get("secret", {}).get("items", ())
    }


def settings_of(overlay: str, name: str, secrets: Path, more: dict[str, str] | None = None) -> Settings:
    """As the process reads them, with its secrets in another folder."""
    told = (more or {}) | environment(overlay, name)
    return Settings.from_env({key: value.replace(FOLDER, str(secrets)) for key, value in told.items()})


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    (tmp_path / "redis-url").write_text("redis://keepstream:secret@queue.example:6379/0\n")
    (tmp_path / "streams-redis-url").write_text("redis+cluster://keepstream:secret@a.example:6379,b.example:6379\n")
    (tmp_path / "anthropic-api-key").write_text("a-made-up-key\n")
    return tmp_path


def probes(overlay: str, name: str) -> Iterator[tuple[str, Thing]]:
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        yield kind, container(overlay, name)[kind]


def test_what_they_are_told_are_settings_that_can_be_used(overlay: str, secrets: Path) -> None:
    for name in ("front", "worker"):
        told = environment(overlay, name)
        known = {*variables(), *SECRET_FILES} | {
            f"{one}_FILE" for one in variables() if one.endswith(("_URL", "_API_KEY"))
        }
        assert told.keys() <= known
        assert unknown(told) == ()
        settings = settings_of(overlay, name, secrets)
        assert settings.anthropic_api_key == "a-made-up-key"
        assert not settings.asks_nobody or name == "worker"


def test_the_words_of_services_are_no_settings(overlay: str, secrets: Path) -> None:
    """`enableServiceLinks: false` keeps them away; whoever puts a pod of his own beside ours has them all the same."""
    links: dict[str, str] = {}
    for name, service in of(overlay, "Service").items():
        word = name.upper().replace("-", "_")
        links |= {f"{word}_SERVICE_HOST": "10.96.0.7", f"{word}_PORT": "tcp://10.96.0.7:80"}
        for port in service["spec"]["ports"]:
            number, at = port["port"], f"{word}_PORT_{port['port']}_TCP"
            links |= {f"{word}_SERVICE_PORT": str(number), f"{word}_SERVICE_PORT_{port['name'].upper()}": str(number)}
            links |= {at: f"tcp://10.96.0.7:{number}", f"{at}_PROTO": "tcp", f"{at}_PORT": str(number)}
            links |= {f"{at}_ADDR": "10.96.0.7"}
    assert "KEEPSTREAM_PORT" in links
    for name in ("front", "worker"):
        told = environment(overlay, name)
        assert unknown(links | told) == ()
        assert settings_of(overlay, name, secrets, links) == settings_of(overlay, name, secrets)


def test_each_file_that_is_named_is_there_and_each_that_is_there_is_named(overlay: str) -> None:
    for name in ("front", "worker"):
        named = {value for value in environment(overlay, name).values() if value.startswith("/run/")}
        assert named == set(files(overlay, name))


def test_each_secret_is_made_as_the_page_says(overlay: str) -> None:
    """`kubectl create secret generic NAME … --from-file=KEY=…` or `--from-literal=KEY=…`."""
    made: set[str] = set()
    for command in re.findall(
        r"kubectl create secret generic (.+?[^\\])\n", (K8S / "README.md").read_text(), re.DOTALL
    ):
        secret = command.split()[0]
        made |= {f"{secret}/{key}" for key in re.findall(r"--from-(?:file|literal)=([\w.-]+)=", command)}
    asked = {key for name in ("front", "worker") for key in files(overlay, name).values()}
    [authentication] = of(overlay, "TriggerAuthentication").values()
    asked |= {f"{one['name']}/{one['key']}" for one in authentication["spec"]["secretTargetRef"]}
    if overlay == "small":
        [users] = [argument for argument in container(overlay, "valkey")["args"] if argument.startswith("/run/")]
        mount = next(one for one in container(overlay, "valkey")["volumeMounts"] if users.startswith(one["mountPath"]))
        volumes = {one["name"]: one for one in dict(pods(overlay))["valkey"]["spec"]["volumes"]}
        asked.add(f"{volumes[mount['name']]['secret']['secretName']}/{Path(users).name}")
    assert asked <= made


def test_ports_are_those_that_they_listen_on(overlay: str, secrets: Path) -> None:
    for name in ("front", "worker"):
        ports = {one["name"]: one["containerPort"] for one in container(overlay, name)["ports"]}
        settings = settings_of(overlay, name, secrets)
        assert ports.pop("metrics") == settings.metrics_port
        assert ports == ({"http": settings.port} if name == "front" else {})
        for address in (settings.metrics_host, settings.host if name == "front" else settings.metrics_host):
            assert address == "0.0.0.0"  # noqa: S104  # or no kubelet and no ingress would reach it


def test_probes_ask_what_there_is(overlay: str) -> None:
    served = {path for path in describe()["paths"] if path.endswith("z")}
    assert served == {HEALTHZ.decode(), READYZ.decode()}
    for name, port in (("front", "http"), ("worker", "metrics")):
        asked = {kind: (probe["httpGet"]["path"], probe["httpGet"]["port"]) for kind, probe in probes(overlay, name)}
        assert asked == {
            "startupProbe": ("/healthz", port),
            "readinessProbe": ("/readyz", port),
            "livenessProbe": ("/healthz", port),
        }


def test_readiness_is_fast_and_liveness_slow(overlay: str) -> None:
    for name in ("front", "worker"):
        found = dict(probes(overlay, name))
        ready, alive = found["readinessProbe"], found["livenessProbe"]
        assert ready["periodSeconds"] <= 2
        assert ready["timeoutSeconds"] > 1  # a front says within a second that its Redis says nothing
        assert alive["periodSeconds"] >= 5 * ready["periodSeconds"]
        assert alive["periodSeconds"] * alive["failureThreshold"] >= 60


def test_whoever_is_told_to_end_has_the_time_for_it(overlay: str, secrets: Path) -> None:
    for name in ("front", "worker"):
        pod = dict(pods(overlay))[name]["spec"]
        pause = container(overlay, name).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        needs = pause + settings_of(overlay, name, secrets).drain_seconds + HAND_OVER_SECONDS + LEAVE_SECONDS
        assert pod["terminationGracePeriodSeconds"] >= needs + MARGIN
        assert pause > 0 or name == "worker"  # nobody is sent to a worker


def test_the_scaler_counts_what_there_is(overlay: str, secrets: Path) -> None:
    [scaled] = of(overlay, "ScaledObject").values()
    spec, modifiers = scaled["spec"], scaled["spec"]["advanced"]["scalingModifiers"]
    assert {one["name"]: one["metadata"]["listName"] for one in spec["triggers"]} == {
        "waiting": keys.JOBS,
        "running": keys.LEASES,
    }
    assert modifiers["formula"] == "waiting + running"
    settings = settings_of(overlay, "worker", secrets)
    assert float(modifiers["target"]) == 0.8 * settings.worker_streams
    assert modifiers["metricType"] == "AverageValue"
    assert spec["cooldownPeriod"] > settings.drain_seconds
    assert spec["idleReplicaCount"] < spec["minReplicaCount"] < spec["maxReplicaCount"]
    assert spec["scaleTargetRef"]["name"] in of(overlay, "Deployment")
    for one in spec["triggers"]:
        assert one["authenticationRef"]["name"] in of(overlay, "TriggerAuthentication")


def test_how_many_there_are_is_left_to_who_counts(overlay: str) -> None:
    assert [name for name, one in of(overlay, "Deployment").items() if "replicas" in one["spec"]] == []
    for one in of(overlay, "HorizontalPodAutoscaler").values():
        assert one["spec"]["scaleTargetRef"]["name"] == "front"


def test_fronts_are_counted_by_a_metric_that_they_have(overlay: str) -> None:
    spec = of(overlay, "HorizontalPodAutoscaler")["front"]["spec"]
    [metric] = [one["pods"]["metric"]["name"] for one in spec["metrics"] if one["type"] == "Pods"]
    assert metric == READERS.shown
    assert READERS.kind is Kind.GAUGE
    adapter: Any = yaml.safe_load((K8S / "prometheus-adapter.yaml").read_text())
    [rule] = adapter["rules"]["custom"]
    assert re.match(r"(\w+)\{", rule["seriesQuery"])[1] == metric  # type: ignore[index]  # or the test fails
    assert "name" not in rule
    assert names()[metric] == ()
    assert metric.startswith(PREFIX)


def test_each_selector_finds_the_pods_it_is_about(overlay: str) -> None:
    found = {name: frozenset(pod["metadata"]["labels"].items()) for name, pod in pods(overlay)}

    def selected(selector: Thing) -> set[str]:
        return {name for name, labels in found.items() if matches(selector, labels)}

    for one in built(overlay):
        name, spec = one["metadata"]["name"], one.get("spec", {})
        match one["kind"]:
            case "Deployment" | "StatefulSet":
                assert selected(spec["selector"]) == {name}
                spread = spec["template"]["spec"].get("topologySpreadConstraints", ())
                assert all(selected(constraint["labelSelector"]) == {name} for constraint in spread)
            case "PodDisruptionBudget" | "PodMonitor":
                assert selected(spec["selector"]) == {name}
            case "Service":
                assert selected({"matchLabels": spec["selector"]}) == {"valkey" if name == "valkey" else "front"}
            case "NetworkPolicy":
                assert selected(spec["podSelector"])


def test_ports_are_called_as_those_who_have_them_call_them(overlay: str) -> None:
    for name in dict(pods(overlay)):
        called = {one["name"] for one in container(overlay, name)["ports"]}
        asked = {probe["httpGet"]["port"] for _, probe in probes(overlay, name) if "httpGet" in probe}
        assert asked <= called
    for name, monitor in of(overlay, "PodMonitor").items():
        [endpoint] = monitor["spec"]["podMetricsEndpoints"]
        assert endpoint["port"] in {one["name"] for one in container(overlay, name)["ports"]}
    for name, service in of(overlay, "Service").items():
        behind = "valkey" if name == "valkey" else "front"
        [port] = service["spec"]["ports"]
        assert port["targetPort"] in {one["name"] for one in container(overlay, behind)["ports"]}


def test_people_are_sent_to_the_fronts(overlay: str) -> None:
    [ingress] = of(overlay, "Ingress").values()
    [rule] = ingress["spec"]["rules"]
    [path] = rule["http"]["paths"]
    asked = path["backend"]["service"]
    [port] = of(overlay, "Service")[asked["name"]]["spec"]["ports"]
    assert asked["port"]["name"] == port["name"]
    assert [one["hosts"] for one in ingress["spec"]["tls"]] == [[rule["host"]]]
    told = ingress["metadata"]["annotations"]
    largest = int(told["nginx.ingress.kubernetes.io/proxy-body-size"].removesuffix("m")) * 1024 * 1024
    assert largest > Settings().max_prompt_bytes


def test_prometheus_calls_its_targets_as_the_rules_do(overlay: str) -> None:
    called = {
        rule["replacement"]
        for monitor in of(overlay, "PodMonitor").values()
        for rule in monitor["spec"]["podMetricsEndpoints"][0]["relabelings"]
        if rule["targetLabel"] == "job"
    }
    assert called == JOBS


def test_they_run_commands_of_this_version(overlay: str) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for name in ("front", "worker"):
        said = container(overlay, name)
        assert said["args"] == [name]
        assert name in COMMANDS
        assert said["image"].endswith(f"/keepstream:{version}")
        assert variable_of("host") == "KEEPSTREAM_HOST"


def test_the_ingress_is_as_patient_with_an_answer_that_is_waited_for_as_nginx() -> None:
    """Such a call is silent for as long as it takes, and is paid in any case."""
    [minutes] = re.findall(
        r"^\s*proxy_read_timeout (\d+)m;$", (ROOT / "deploy" / "nginx.conf").read_text(), re.MULTILINE
    )
    told = of("small", "Ingress")["keepstream"]["metadata"]["annotations"]
    assert told["nginx.ingress.kubernetes.io/proxy-read-timeout"] == str(60 * int(minutes))
    assert told["nginx.org/proxy-read-timeout"] == f"{60 * int(minutes)}s"
