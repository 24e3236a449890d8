"""Processes as the containers of compose.yaml would run them, where there are no containers.

The rule: command, environment, files and scripts are the file's own. What is different stands in one table: a path of
the container's is a folder of ours, and a name or address among the services is one of this machine's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.deploy.compose.composed import ROOT, Service
from tests.harness.running import Running, clean_environment

SCRIPTS = ROOT / "deploy" / "compose"
BIN = Path(sys.executable).parent
EVERYWHERE = "0.0.0.0"  # noqa: S104  # what a container listens on, which is an address of its own here


@dataclass
class Containers:
    """With their folders in `directory`. `names` are further words, and what each is here."""

    directory: Path
    names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.state, self.secrets, scripts = (self.directory / name for name in ("state", "secrets", "scripts"))
        for folder in (self.state, self.secrets, scripts):
            folder.mkdir()
        self._here = {
            "/var/lib/keepstream": str(self.state),
            "/run/secrets": str(self.secrets),
            "/opt/keepstream/compose": str(scripts),
            **self.names,
        }
        for script in SCRIPTS.iterdir():
            if script.is_file():
                copy = scripts / script.name
                copy.write_text(self.here(script.read_text()))
                copy.chmod(script.stat().st_mode)

    def here(self, text: str, address: str = "") -> str:
        """What stands for this here, of a container with this address."""
        for there, ours in self._here.items():
            text = text.replace(there, ours)
        return address if address and text == EVERYWHERE else text

    def command(self, service: Service, address: str = "", *instead: str) -> list[str]:
        """What its process is called with; `instead` of the file's own command, as `docker compose run` has it."""
        words = [*service.declared["entrypoint"], *instead] if instead else service.command
        program, *arguments = (self.here(word, address) for word in words)
        return [str(BIN / program) if (BIN / program).exists() else program, *arguments]

    def environment(self, service: Service, address: str = "") -> dict[str, str]:
        said = {name: self.here(value, address) for name, value in service.environment.items()}
        return clean_environment(PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}") | said

    def start(self, service: Service, address: str = "", *instead: str) -> Running:
        return Running(
            self.command(service, address, *instead),
            cwd=self.state if "working_dir" in service.declared else self.directory,
            environment=self.environment(service, address),
        )

    def run(self, service: Service, *instead: str) -> tuple[int, str]:
        """To its end: its status, and what it said."""
        with self.start(service, "", *instead) as running:
            return running.wait(), running.output
