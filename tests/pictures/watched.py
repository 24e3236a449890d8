"""A Keepstream that a real Prometheus reads, with the configuration and rules of `deploy/`."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Self

import httpx
import yaml

from app.dev.ports import free_port
from tests.deploy.rules import PROMETHEUS
from tests.harness.cluster import Cluster

PATIENCE_SECONDS = 60.0


class Watched(Cluster):
    """A cluster whose processes show their numbers, each on a port of its own, and `prometheus`, who reads them."""

    def __init__(self, *, workers: int, fronts: int, **settings: object) -> None:
        super().__init__(workers=workers, fronts=fronts, **settings)
        self.prometheus = Prometheus(self.directory / "prometheus")
        self._ports: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._stack.callback(self.prometheus.stop)
        await self.prometheus.start()
        return self

    async def _environment(self, name: str) -> dict[str, str]:
        self._ports[name] = free_port()
        for kind in ("front", "worker"):
            self.prometheus.read(kind, [port for of, port in self._ports.items() if of.startswith(kind)])
        own = {"KEEPSTREAM_METRICS_HOST": "127.0.0.1", "KEEPSTREAM_METRICS_PORT": str(self._ports[name])}
        return await super()._environment(name) | own


class Prometheus:
    """Debian's, in a directory of its own, on this machine alone."""

    def __init__(self, directory: Path) -> None:
        self.address = f"http://127.0.0.1:{free_port()}"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        (directory / "targets").mkdir(parents=True)
        shutil.copy(PROMETHEUS / "rules.yml", directory)
        whole = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
        for scraped in whole["scrape_configs"]:
            del scraped["dns_sd_configs"]  # there are no names here
        (directory / "prometheus.yml").write_text(yaml.safe_dump(whole))

    def read(self, kind: str, ports: list[int]) -> None:
        """Lists whom it reads; it looks there again by itself."""
        listed = [{"targets": [f"127.0.0.1:{port}" for port in ports]}]
        whole = self._directory / "targets" / f"{kind}s.new"
        whole.write_text(yaml.safe_dump(listed))
        whole.replace(whole.with_suffix(".yml"))

    async def start(self) -> None:
        listen, errors = self.address.removeprefix("http://"), self._directory / "prometheus.log"
        command = ["prometheus", f"--config.file={self._directory}/prometheus.yml", f"--web.listen-address={listen}"]
        with errors.open("wb") as said:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - it is there at once
                [*command, f"--storage.tsdb.path={self._directory}/data"], stderr=said, stdout=said
            )
        async with asyncio.timeout(PATIENCE_SECONDS), httpx.AsyncClient() as http:
            while True:
                try:
                    if (await http.get(f"{self.address}/-/ready")).is_success:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def ask(self, path: str, **parameters: str) -> Any:
        """An answer of its HTTP API; fails, with its words, where it is none."""
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http:
            answer = await http.post(f"{self.address}/api/v1/{path}", data=parameters)
        found = json.loads(answer.content)
        assert found["status"] == "success", found
        return found["data"]

    async def firing(self) -> set[str]:
        """The alerts that fire now."""
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http:
            told = (await http.get(f"{self.address}/api/v1/alerts")).json()["data"]["alerts"]
        return {one["labels"]["alertname"] for one in told if one["state"] == "firing"}
