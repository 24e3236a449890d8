"""A project of somebody who installed our package: from the tarball that npm makes of it, with nothing of this tree."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.harness import node
from tests.harness.running import clean_environment, to_its_end
from tests.patience import PATIENCE

PACKAGE = Path(__file__).parents[4] / "app" / "clients" / "js"
SCRIPTS = Path(__file__).parent / "project"
ENVIRONMENT = clean_environment(PATH=f"{node.BIN}{os.pathsep}{os.environ['PATH']}")


@dataclass(frozen=True)
class Project:
    """`at` is its folder; `packed` names the files of the tarball that was installed there."""

    at: Path
    packed: dict[str, int]

    async def run(self, *command: str, status: int = 0) -> str:
        """What a command of a project's own `node_modules/.bin`, or of Node's, prints in it."""
        own = self.at / "node_modules" / ".bin" / command[0]
        program = own if own.exists() else node.BIN / command[0] if (node.BIN / command[0]).exists() else command[0]
        done = await to_its_end(program, *command[1:], cwd=self.at, environment=ENVIRONMENT)
        printed = done.err + done.out
        assert done.status == status, f"{command}:\n{printed}"
        return printed

    async def ask(self, script: str, *arguments: str, with_node: str = "node") -> Any:
        """What a script prints on its last line, as JSON."""
        return json.loads((await self.run(with_node, script, *arguments)).rstrip().rsplit("\n", 1)[-1])


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """With React and the tools of its time beside the package, and the scripts of `project/`."""
    node.install()
    at = tmp_path_factory.mktemp("project")
    packed = json.loads(npm("pack", "--json", "--pack-destination", str(at), at=PACKAGE))[0]
    (at / "package.json").write_text(json.dumps({"name": "theirs", "private": True, "type": "module"}))
    npm("install", "--offline", "--no-audit", "--no-fund", f"./{packed['filename']}", at=at)
    modules = at / "node_modules"
    assert {one.name for one in modules.iterdir()} == {".package-lock.json", "keepstream"}, "it depends on nothing"
    for one in (node.CLIENTS / "node_modules").iterdir():
        if one.name not in (".package-lock.json", "keepstream"):
            (modules / one.name).symlink_to(one)
    for script in SCRIPTS.iterdir():
        (at / script.name).write_bytes(script.read_bytes())
    return Project(at, {file["path"]: file["size"] for file in packed["files"]})


def npm(*arguments: str, at: Path) -> str:
    done = subprocess.run(
        [node.BIN / "npm", *arguments],
        cwd=at,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"npm {arguments}:\n{done.stdout}{done.stderr}"
    return done.stdout
