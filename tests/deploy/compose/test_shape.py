"""compose.yaml as it stands: what the world reaches, who runs as whom and within which bounds, what waits for what."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.settings import Settings
from tests.deploy.compose.composed import DECLARED, Service, filled, services

EVERY = services({}, ["keys", "simulate", "watch"])
OURS = ("front", "worker", "setup", "keys", "simulate")
ONE_SHOT = {"setup", "keys"}
every_service = pytest.mark.parametrize("service", EVERY.values(), ids=lambda service: service.name)


def seconds(duration: str) -> float:
    minutes, rest = re.fullmatch(r"(?:(\d+)m)?(?:([\d.]+)s)?", duration).groups()  # type: ignore[union-attr]
    return float(minutes or 0) * 60 + float(rest or 0)


def test_what_is_there_without_a_profile_and_with_each() -> None:
    usual = {"caddy", "front", "worker", "valkey", "setup"}
    assert set(services()) == usual
    assert set(services(profiles=["simulate"])) == usual | {"simulate"}
    assert set(services(profiles=["watch"])) == usual | {"prometheus", "grafana"}


@every_service
def test_nobody_is_root_or_writes_where_nothing_is_named(service: Service) -> None:
    user = str(service.declared["user"])
    assert re.fullmatch(r"[1-9]\d*:\d+", user)
    assert service.declared["read_only"] is True
    assert service.declared["cap_drop"] == ["ALL"]
    assert service.declared["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service.declared


@every_service
def test_it_has_bounds_and_its_log_an_end(service: Service) -> None:
    limits = service.declared["deploy"]["resources"]["limits"]
    assert limits.keys() == {"cpus", "memory", "pids"}
    assert service.declared["logging"]["options"].keys() == {"max-size", "max-file"}


@every_service
def test_it_is_started_again_and_says_whether_it_is_ready(service: Service) -> None:
    if service.name in ONE_SHOT:
        assert service.declared["restart"] == "no"
        assert "healthcheck" not in service.declared
    else:
        assert service.declared["restart"] == "unless-stopped"
        check = service.declared["healthcheck"]
        assert check["test"][0] == "CMD"
        assert seconds(check["timeout"]) < seconds(check["interval"])
        assert seconds(check["start_interval"]) <= 1  # `up --wait` waits no longer than it has to


def test_the_world_reaches_caddy_alone() -> None:
    published = {name: one.declared["ports"] for name, one in EVERY.items() if one.declared.get("ports")}
    assert published.keys() == {"caddy", "prometheus", "grafana"}
    for name in ("prometheus", "grafana"):
        assert all(port.startswith("127.0.0.1:") for port in published[name])
    assert {port["target"] for port in published["caddy"]} == {80, 443}
    assert EVERY["caddy"].declared["networks"] == ["edge"]
    meets = {name for name, one in EVERY.items() if "edge" in one.declared["networks"]}
    assert meets == {"caddy", "front"}  # above all not Valkey, which asks for no password
    assert EVERY["valkey"].declared["networks"] == ["inner"]


@pytest.mark.parametrize("service", ["front", "worker"])
def test_there_may_be_any_number_of(service: str) -> None:
    declared = EVERY[service].declared
    assert not {"container_name", "ports", "hostname", "network_mode"} & declared.keys()


@pytest.mark.parametrize("service", ["front", "worker"])
def test_it_is_killed_later_than_it_has_drained(service: str) -> None:
    one = EVERY[service]
    killed = seconds(one.declared["stop_grace_period"])
    assert killed >= Settings.from_env(one.environment | {"ANTHROPIC_API_KEY": "any"}).drain_seconds + 10
    assert float(EVERY["setup"].environment["STOP_SECONDS"]) == killed


@pytest.mark.parametrize("profiles", [[], ["simulate"], ["watch"], ["simulate", "watch"]], ids="-".join)
def test_what_is_waited_for_is_there_and_says_what_is_waited_for(profiles: list[str]) -> None:
    there = services({}, profiles)
    for one in there.values():
        for name, condition in one.needs.items():
            assert name in there or name in one.optional, f"{one.name} waits for {name}"
            if name in there:
                healthy = "healthcheck" in there[name].declared
                assert condition == ("service_healthy" if healthy else "service_completed_successfully")


def test_before_anybody_asks_claude_it_is_known_which_one() -> None:
    for name in ("front", "worker"):
        assert EVERY[name].needs["setup"] == "service_completed_successfully"
        assert EVERY[name].declared["depends_on"]["setup"]["restart"] is True
    assert EVERY["setup"].needs == {"simulate": "service_healthy"}
    assert EVERY["setup"].optional == {"simulate"}


def test_secrets_are_files() -> None:
    named = {name: f"/host/{name}" for name in ("ANTHROPIC_API_KEY_FILE", "REDIS_URL_FILE", "STREAMS_REDIS_URL_FILE")}
    named |= {name: f"/host/{name}" for name in ("KEEPSTREAM_JWT_SECRET_FILE", "KEEPSTREAM_TICKET_SECRET_FILE")}
    declared: dict[str, Any] = DECLARED["secrets"]
    assert filled(declared, named) == {
        name: {"file": f"/host/{name.upper()}_FILE"} for name in EVERY["front"].declared["secrets"]
    }
    assert all(one == {"file": "/dev/null"} for one in filled(declared, {}).values())
    for name in ("front", "worker", "setup"):
        assert set(EVERY[name].declared["secrets"]) == set(declared)


def test_nothing_is_required_of_the_environment_by_the_file_itself() -> None:
    """A place that demands its value does so whatever profile is asked for: `setup` judges instead."""
    assert not re.search(r"\$\{\w+:?\?", str(DECLARED))


@pytest.mark.parametrize("service", OURS)
def test_images_of_ours_are_made_here_and_never_fetched(service: str) -> None:
    made = {EVERY["setup"].declared["image"]: "keepstream", EVERY["caddy"].declared["image"]: "edge"}
    assert made[EVERY[service].declared["image"]] == "keepstream"
    assert {
        one.declared["image"]: one.declared["build"]["target"] for one in EVERY.values() if "build" in one.declared
    } == made
    assert EVERY[service].declared["pull_policy"] == EVERY["caddy"].declared["pull_policy"] == "never"


def test_no_two_services_make_one_image() -> None:
    """Compose makes them at the same time, and on a machine that has none all but the first fail: it exists already."""
    images = [one.declared["image"] for one in EVERY.values() if "build" in one.declared]
    assert len(set(images)) == len(images)


@pytest.mark.parametrize(("service", "setting"), [("front", "KEEPSTREAM_FRONTS"), ("worker", "KEEPSTREAM_WORKERS")])
def test_how_many_there_are_is_known_without_being_said_again(service: str, setting: str) -> None:
    """Each `up` makes as many as the file says, also one that is for another key or version."""
    assert EVERY[service].declared["scale"] == "1"
    assert services({setting: "3"})[service].declared["scale"] == "3"


@every_service
def test_a_machine_of_one_processor_does(service: Service) -> None:
    small = services({"KEEPSTREAM_CPUS": "1"}, ["keys", "simulate", "watch"])[service.name]
    assert small.declared["deploy"]["resources"]["limits"]["cpus"] == "1"


def test_what_measures_finds_what_is_measured() -> None:
    for name in ("front", "worker"):
        assert EVERY[name].environment["KEEPSTREAM_METRICS_PORT"] == "9464"  # prometheus.yml has it, too
        assert "watch" in EVERY[name].declared["networks"]
    assert "./deploy/prometheus:/etc/prometheus:ro" in EVERY["prometheus"].declared["volumes"]
    mounted = EVERY["grafana"].declared["volumes"]
    assert "./deploy/grafana/provisioning:/etc/grafana/provisioning:ro" in mounted
    assert "./deploy/grafana/dashboards:/etc/grafana/dashboards:ro" in mounted
