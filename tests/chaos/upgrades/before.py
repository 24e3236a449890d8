"""The version before this one: its wheel, built from its commit, and run with the libraries that are installed here.

The rule: its commit is named here and nowhere else; a release moves it. Where the history does not reach so far (a
shallow checkout, an archive) there is nothing to build: `why_not` says so.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# The last state that was handed out. What a deployment is upgraded from, and rolled back to.
COMMIT = "ba56d7e959514a55acf03947ca16446d54df52a1"
ROOT = Path(__file__).parents[3]
GIT = shutil.which("git")


@dataclass(frozen=True)
class Release:
    """A version as processes are started of it: `environment` is what makes them its own; `clients` has those that it
    came with.
    """

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)
    clients: Path = ROOT / "app" / "clients"


OURS = Release("new")


def why_not() -> str:
    """Why there is no version before, or nothing."""
    if GIT is None:
        return "there is no git here"
    ask = [GIT, "cat-file", "-e", f"{COMMIT}^{{commit}}"]
    if subprocess.run(ask, cwd=ROOT, capture_output=True, check=False).returncode:
        return f"the history here does not reach back to {COMMIT[:8]}: git fetch --unshallow"
    return ""


def built(folder: Path) -> Release:
    """Builds it in `folder`, from its commit alone and from nothing that is not installed."""
    assert GIT is not None
    archive = subprocess.run([GIT, "archive", COMMIT], cwd=ROOT, capture_output=True, check=True).stdout
    source, wheels, installed = folder / "source", folder / "wheels", folder / "installed"
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(source, filter="data")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    [wheel] = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(installed)  # noqa: S202  # built a moment ago
    # Before what is installed here; and the folder that a process is started in is not looked into.
    old = Release("old", {"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}, source / "app" / "clients")
    ask = [sys.executable, "-c", "import app, worker; print(app.__file__, worker.__file__)"]
    found = subprocess.run(ask, env=os.environ | old.environment, check=True, capture_output=True, text=True).stdout
    assert found.count(str(installed)) == len(("app", "worker")), found
    return old
