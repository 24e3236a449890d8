"""Node in tests: the clients of `tests/clients/`, installed from their lock file, and scripts that drive them."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.harness.running import PATIENCE, clean_environment

CLIENTS = Path(__file__).parents[1] / "clients"
INSTALL_SECONDS = 300
# Node comes with the development dependencies, at an exact version, whatever the machine has.
BIN = Path(sys.executable).parent


def install() -> None:
    """Installs what the lock file names, unless that is what is installed."""
    lock, made = CLIENTS / "package-lock.json", CLIENTS / "node_modules" / ".package-lock.json"
    with (CLIENTS / "package.json").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # tests may run in several processes
        if made.exists() and made.stat().st_mtime >= lock.stat().st_mtime:
            return
        environment = clean_environment(PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}")  # npm starts the node it finds
        subprocess.run(
            [BIN / "npm", "ci", "--silent"], cwd=CLIENTS, env=environment, check=True, timeout=INSTALL_SECONDS
        )
        made.touch()


async def run(script: str, *arguments: str) -> Any:
    """What `tests/clients/<script>` prints on its last line, as JSON; fails with all of its output if it fails."""
    install()
    process = await asyncio.create_subprocess_exec(
        BIN / "node",
        script,
        *arguments,
        cwd=CLIENTS,
        env=clean_environment(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, f"{script} {arguments}:\n{out.decode()}\n{err.decode()}"
    return json.loads(out.decode().rstrip().rsplit("\n", 1)[-1])
