"""compose.yaml as Compose reads it: with what an `.env` says in its places, and the services of some profiles.

The rule: nothing of it is said here once more. What a container is given is read out of the file, for tests that look
at it and for those that start processes with it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
FILE = ROOT / "compose.yaml"
DECLARED: dict[str, Any] = yaml.safe_load(FILE.read_text())
_PLACE = re.compile(r"\$(?:\$|\{(\w+)(?:(:?-)([^}]*))?\})")


@dataclass(frozen=True)
class Service:
    """One service, with all places filled; `environment` is what its process finds, `.env` included."""

    name: str
    declared: Mapping[str, Any]
    environment: Mapping[str, str]

    @property
    def command(self) -> list[str]:
        """What its process is called with, the entry point first."""
        return [*self.declared.get("entrypoint", ()), *self.declared.get("command", ())]

    @property
    def needs(self) -> dict[str, str]:
        """What is waited for before it starts, whether or not that is among the services."""
        return {name: said["condition"] for name, said in self.declared.get("depends_on", {}).items()}

    @property
    def optional(self) -> set[str]:
        return {name for name, said in self.declared.get("depends_on", {}).items() if not said.get("required", True)}

    def folder(self, volume: str) -> str | None:
        """Where a volume is in the container."""
        mounted = (one.split(":") for one in self.declared.get("volumes", ()))
        return next((one[1] for one in mounted if one[0] == volume), None)


def services(dotenv: Mapping[str, str] | None = None, profiles: Collection[str] = ()) -> dict[str, Service]:
    """The services that start where these profiles are asked for."""
    known = dotenv or {}
    declared = filled(DECLARED, known)["services"]
    return {
        name: Service(name, one, _environment(one, known))
        for name, one in declared.items()
        if not one.get("profiles") or set(one["profiles"]) & set(profiles)
    }


def filled(value: Any, known: Mapping[str, str]) -> Any:
    """A part of the file with `${NAME}`, `${NAME-otherwise}` and `${NAME:-otherwise}` filled."""
    if isinstance(value, str):
        return _PLACE.sub(lambda place: _meant(place, known), value)
    if isinstance(value, list):
        return [filled(one, known) for one in value]
    if isinstance(value, dict):
        return {name: filled(one, known) for name, one in value.items()}
    return value


def _meant(place: re.Match[str], known: Mapping[str, str]) -> str:
    name, how, otherwise = place.groups()
    if name is None:
        return "$"
    value = known.get(name)
    if value or (value is not None and how == "-"):
        return value
    return otherwise or ""


def _environment(service: Mapping[str, Any], dotenv: Mapping[str, str]) -> dict[str, str]:
    """The service's own goes before what stands in `.env`."""
    taken = dotenv if any(one["path"] == ".env" for one in service.get("env_file", ())) else {}
    return {**taken, **{name: str(value) for name, value in service.get("environment", {}).items()}}
