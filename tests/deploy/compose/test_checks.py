"""What others' tools say of the files: the schema of Compose, dclint, hadolint, and Caddy of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.deploy.compose.composed import FILE, ROOT, services
from tests.harness import node
from tests.harness.running import clean_environment

BIN = Path(sys.executable).parent
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
CADDYFILE = ROOT / "deploy" / "Caddyfile"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def says(*command: str | Path) -> str:
    """What a tool says of something that is in order; fails, with its words, where it is not."""
    environment = clean_environment(PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_compose_yaml_is_what_compose_takes() -> None:
    says(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", FILE)


def test_dclint_has_nothing_to_say() -> None:
    node.install()
    lint = node.CLIENTS / "node_modules" / ".bin" / "dclint"
    config = Path(__file__).with_name("dclint.yaml")
    says(BIN / "node", lint, "--config", config, "--max-warnings", "0", FILE)


def test_hadolint_has_nothing_to_say() -> None:
    says(BIN / "hadolint", DOCKERFILE)


def test_the_caddyfile_is_as_caddy_writes_it() -> None:
    says(BIN / "caddy", "fmt", "--diff", CADDYFILE)


@pytest.mark.parametrize("script", ["start"])
def test_scripts_are_those_of_a_plain_shell(script: str) -> None:
    path = ROOT / "deploy" / "compose" / script
    assert path.stat().st_mode & 0o111 == 0o111
    says("sh", "-n", path)


def test_the_version_is_the_same_wherever_it_stands() -> None:
    assert re.findall(r'image\.version="(.*)"', DOCKERFILE.read_text()) == [VERSION]
    every = services({}, ["keys", "simulate"])
    made = {one.declared["image"] for one in every.values() if "build" in one.declared}
    assert made == {f"keepstream:{VERSION}", f"keepstream-edge:{VERSION}"}


def test_what_stops_an_image_lets_it_drain() -> None:
    said = DOCKERFILE.read_text()
    assert "STOPSIGNAL SIGTERM" in said
    assert re.search(r"^ENTRYPOINT \[", said, re.MULTILINE)  # not a shell, which would keep the signal to itself
    assert set(re.findall(r"^USER (.*)$", said, re.MULTILINE)) == {"10001:10001"}
