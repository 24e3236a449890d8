"""What the image is made of: its Dockerfile's steps, carried out in an empty folder on each Python that it may have.

`make image` carries them out; they fetch what is locked, and take a while.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tomllib
from pathlib import Path

import httpx
import pytest

from tests.deploy.compose.composed import ROOT
from tests.deploy.compose.dockerfile import build, let_through, stages
from tests.harness.running import Running, clean_environment

EVERYWHERE = os.environ.get("IMAGE") == "all"
PYTHONS = ("3.12", "3.13")
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
STAGES = stages()


def python(version: str) -> Path | None:
    """One of this machine's that runs: a name on the PATH may only print that it is not set up."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for one in (f"python{version}", *sorted(root.glob(f"{version}.*/bin/python"))):
        try:
            said = subprocess.run(
                [one, "-c", "import sys, ensurepip; print(sys.executable)"], capture_output=True, text=True, check=True
            ).stdout
        except (OSError, subprocess.CalledProcessError):
            continue
        return Path(said.strip())
    return None


def test_what_is_copied_is_let_through_and_nothing_else() -> None:
    copied = {
        source.rstrip("/")
        for steps in STAGES.values()
        for step in steps
        if step.word == "COPY" and not step.rest.startswith("--from")
        for source in step.rest.split()[:-1]
    }
    assert copied == set(let_through())
    assert [path for path in copied if not (ROOT / path).exists()] == []


def test_every_stage_is_one_that_is_known() -> None:
    assert list(STAGES) == ["", "build", "edge", "keepstream"]  # without a target the last one is made
    words = {step.word for steps in STAGES.values() for step in steps}
    assert words <= {"ARG", "FROM", "ENV", "RUN", "WORKDIR", "COPY", "LABEL", "USER", "EXPOSE", "STOPSIGNAL"} | {
        "ENTRYPOINT",
        "CMD",
    }


def test_everything_that_is_fetched_is_locked() -> None:
    installed = [step.rest for step in STAGES["build"] if step.word == "RUN" and "pip install" in step.rest]
    assert installed
    for line in installed:
        assert "--no-deps" in line
        assert "--require-hashes" in line or "--no-build-isolation ." in line
    locks = {path.stem for path in (ROOT / "deploy" / "locks").iterdir()}
    assert locks == set(EXTRAS)


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_an_extra_s_lock_has_what_it_asks_for(extra: str) -> None:
    locked = set(
        re.findall(r"^([a-z0-9-]+)==", (ROOT / "deploy" / "locks" / f"{extra}.lock").read_text(), re.MULTILINE)
    )
    assert {re.split(r"[<>=\[]", one)[0] for one in EXTRAS[extra]} <= locked


def test_the_image_says_what_it_is() -> None:
    said = " ".join(step.rest for step in STAGES["keepstream"] if step.word == "LABEL")
    for label in ("title", "description", "version", "licenses", "vendor", "base.name"):
        assert f"org.opencontainers.image.{label}=" in said


@pytest.mark.skipif(not EVERYWHERE, reason="make image carries out the steps of the Dockerfile")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("extras", ["", "otel,mcp"], ids=["bare", "extras"])
@pytest.mark.parametrize("version", PYTHONS)
def test_its_steps_make_something_that_runs(version: str, extras: str, tmp_path: Path) -> None:
    one = python(version)
    if one is None:
        pytest.skip(f"no Python {version} is found")
    made = build(tmp_path, one, {"EXTRAS": extras})
    environment = clean_environment(PATH=f"{made}/bin:/usr/bin:/bin", HOME=str(tmp_path))

    def says(*command: str) -> tuple[int, str]:
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    assert says("python", "--version")[1].startswith(f"Python {version}.")
    assert says("python", "-c", "import pip")[0] != 0
    for module in ("opentelemetry.sdk", "mcp"):
        assert (says("python", "-c", f"import {module}")[0] == 0) == bool(extras)
    status, said = says("keepstream", "worker")
    assert (status, "ANTHROPIC_API_KEY" in said) == (2, True)
    # All of it, with the embedded Valkey and the simulated Claude.
    with Running(["keepstream", "dev", "--ephemeral", "--port", "0"], cwd=tmp_path, environment=environment) as running:
        address = running.line(r"http://[\w.:]+")[0]
        assert httpx.get(f"{address}/readyz", trust_env=False).status_code == httpx.codes.OK
        running.send(signal.SIGTERM)
        assert running.wait() in (0, 130)
