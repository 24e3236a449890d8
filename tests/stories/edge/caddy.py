"""A real Caddy with the repository's own Caddyfile and what compose.yaml says to it.

What is different is told in one place: where it listens, whom it asks for names, and where it keeps its certificates.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from app.dev.ports import free_port
from tests.deploy.compose.composed import ROOT, services
from tests.harness.running import Running, clean_environment
from tests.patience import PATIENCE

CADDY = Path(sys.executable).with_name("caddy")
CADDYFILE = ROOT / "deploy" / "Caddyfile"


@dataclass(frozen=True)
class Edge:
    """Where it is, and the authority that it has made itself."""

    port: int
    trusted: ssl.SSLContext
    host: str = "localhost"

    async def shaken(self) -> None:
        """Returns once it has its certificate at hand: that it was obtained is said a moment before."""
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(ssl.SSLError, OSError):
                    _, writer = await asyncio.open_connection(self.host, self.port, ssl=self.trusted)
                    return writer.close()
                await asyncio.sleep(0.02)

    def client(self) -> httpx.AsyncClient:
        """All that it asks goes over one connection of HTTP/2."""
        return httpx.AsyncClient(
            http1=False, http2=True, verify=self.trusted, base_url=f"https://{self.host}:{self.port}", timeout=PATIENCE
        )


@asynccontextmanager
async def caddy(directory: Path, names: int, *, tries: float | None = None) -> AsyncIterator[Edge]:
    """Names are asked for at the port `names`; `tries`: for how many seconds it looks for a front, if not its own."""
    port = free_port()
    command = [str(CADDY), "run", "--config", _written(directory, port, names, tries)]
    with Running(command, environment=_environment(directory)) as running:
        await asyncio.to_thread(running.line, "certificate obtained successfully")
        root = directory / "pki" / "authorities" / "local" / "root.crt"
        edge = Edge(port, ssl.create_default_context(cafile=str(root)))
        await edge.shaken()
        yield edge


def _written(directory: Path, port: int, names: int, tries: float | None) -> str:
    directory.mkdir()
    config = _placed(_adapted(directory), directory, port, names)
    if tries is not None:
        for proxy in _every(config, "load_balancing"):
            proxy["try_duration"] = int(tries * 1e9)
    (directory / "caddy.json").write_text(json.dumps(config))
    return str(directory / "caddy.json")


def _environment(directory: Path) -> dict[str, str]:
    said = services()["caddy"].environment
    return clean_environment(HOME=str(directory)) | said


def _adapted(directory: Path) -> dict[str, Any]:
    command = [str(CADDY), "adapt", "--config", str(CADDYFILE), "--adapter", "caddyfile"]
    done = subprocess.run(command, env=_environment(directory), capture_output=True, check=True)
    config: dict[str, Any] = json.loads(done.stdout)
    return config


def _placed(config: dict[str, Any], directory: Path, port: int, names: int) -> dict[str, Any]:
    [server] = config["apps"]["http"]["servers"].values()
    assert server["listen"] == [":443"]
    server["listen"] = [f"127.0.0.1:{port}"]
    server["automatic_https"] = {"disable_redirects": True}  # which would take the port 80
    server["protocols"] = ["h1", "h2"]
    [found] = _every(config, "dynamic_upstreams")
    found["resolver"] = {"addresses": [f"udp/127.0.0.1:{names}"]}
    config["admin"] = {"disabled": True}
    config["storage"] = {"module": "file_system", "root": str(directory)}
    # The machine that tests is not to trust it.
    config["apps"]["pki"] = {"certificate_authorities": {"local": {"install_trust": False}}}
    return config


def _every(value: Any, name: str) -> list[dict[str, Any]]:
    """All that is called so, however deep."""
    if isinstance(value, list):
        return [found for one in value for found in _every(one, name)]
    if not isinstance(value, dict):
        return []
    own = [value[name]] if name in value else []
    return own + [found for one in value.values() for found in _every(one, name)]
