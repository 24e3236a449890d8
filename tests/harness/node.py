"""Node in tests: the clients of `tests/clients/`, installed from their lock file, and scripts that drive them."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.harness.running import clean_environment, to_its_end

CLIENTS = Path(__file__).parents[1] / "clients"
INSTALL_SECONDS = 300
PACKAGE = CLIENTS.parents[1] / "app" / "clients" / "js"
OURS = CLIENTS / "node_modules" / "keepstream"
# Node comes with the development dependencies, at an exact version, whatever the machine has.
BIN = Path(sys.executable).parent


def install() -> None:
    """Installs what the lock file names, unless that is what is installed, and our own package as it stands."""
    lock, made = CLIENTS / "package-lock.json", CLIENTS / "node_modules" / ".package-lock.json"
    with (CLIENTS / "package.json").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # tests may run in several processes
        if not made.exists() or made.stat().st_mtime < lock.stat().st_mtime:
            environment = clean_environment(
                PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}"
            )  # npm starts the node it finds
            subprocess.run(
                [BIN / "npm", "ci", "--silent"], cwd=CLIENTS, env=environment, check=True, timeout=INSTALL_SECONDS
            )
            made.touch()
        if not (OURS.is_symlink() and OURS.resolve() == PACKAGE):
            OURS.unlink(missing_ok=True)
            OURS.symlink_to(PACKAGE)


async def run(script: str, *arguments: str) -> Any:
    """What `tests/clients/<script>` prints on its last line, as JSON; fails with all of its output if it fails."""
    install()
    done = await to_its_end(BIN / "node", script, *arguments, cwd=CLIENTS)
    assert done.status == 0, f"{script} {arguments}:\n{done.out}\n{done.err}"
    return json.loads(done.out.rstrip().rsplit("\n", 1)[-1])


def bundle(page: Path, directory: Path) -> bytes:
    """What the module `page` becomes, with our package beside those that are installed."""
    install()
    made = directory / "page.js"
    subprocess.run(
        [
            *("node_modules/.bin/esbuild", str(page), "--bundle", "--format=esm", "--jsx=automatic"),
            *(f"--outfile={made}", "--log-level=warning"),
            '--define:process.env.NODE_ENV="development"',  # in which React's strict mode does each effect twice
        ],
        cwd=CLIENTS,
        env=clean_environment(
            PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}",
            NODE_PATH=str(CLIENTS / "node_modules"),  # for what stands elsewhere
        ),
        check=True,
        timeout=INSTALL_SECONDS,
    )
    return made.read_bytes()
