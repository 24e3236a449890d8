"""What a cluster has around its workers: a Valkey with its two users, the simulated Claude, and a front.

Front and workers have just the environment that the manifests give them; what is another thing on one machine is where
the secrets lie, which ports are free, and where the upstream is. Where the cluster's time runs faster, drains do, too.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from redis import Redis

from app.dev.embedded import EmbeddedValkey
from tests.bench.scaling.rule import Pod
from tests.deploy.k8s.build import environment
from tests.deploy.rules import DEPLOY
from tests.harness.network import users
from tests.harness.running import KEEPSTREAM, Running, clean_environment

FOLDER = "/run/secrets/keepstream"
KEY = "a-key-of-the-tests"
PASSWORD = "the-scalers-made-up-password"
LOOPBACK = "127.0.0.1"


class Stage:
    """Up within `with`. `warm`: how long a process takes to start is no matter."""

    def __init__(self, overlay: str, pod: Pod, speed: float, *, warm: bool = False) -> None:
        self._warm = warm
        self._overlay = overlay
        self._pod = pod
        self._speed = speed
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="scaling-")))
            config = users.config(directory / "valkey")
            self.valkey = self._stack.enter_context(EmbeddedValkey.start(directory / "valkey", extra_config=config))
            with Redis.from_url(self.valkey.url) as redis:
                redis.execute_command("ACL", "SETUSER", *scaler(PASSWORD))
            simulator = self._stack.enter_context(self._start("simulate", "--port", "0"))
            self._upstream = simulator.line(r"(http://\S+)")[1]
            self._secrets = directory / "secrets"
            self._secrets.mkdir()
            digest = hashlib.sha256(KEY.encode()).hexdigest()
            self._keep("redis-url", users.as_user(self.valkey.url))
            self._keep("anthropic-api-key", "a-made-up-key")
            self._keep("api-keys", f"tests {digest}\n")
            told = self.told(environment(self._overlay, "front"))
            self.front = self._stack.enter_context(self._start("front", **told))
            self.port = int(self.front.line(r"keepstream front on http://\S+:(\d+)")[1])
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            refused = [*users.refused(self.valkey.url), *users.refused(self.valkey.url, "scaler")]
        finally:
            self._stack.close()
        assert not refused, f"deploy/redis/ lacks {refused}"

    @property
    def scalers_url(self) -> str:
        return self.valkey.url.replace("redis://", f"redis://scaler:{PASSWORD}@")

    def worker(self) -> Running:
        return self._start(*self._pod.arguments, **self.told(self._pod.environment))

    def told(self, said: Mapping[str, str]) -> dict[str, str]:
        """A container's environment, on this machine."""
        told = {name: value.replace(FOLDER, str(self._secrets)) for name, value in said.items()}
        drain = float(told["KEEPSTREAM_DRAIN_SECONDS"]) / self._speed
        told |= {"KEEPSTREAM_DRAIN_SECONDS": f"{drain:g}", "ANTHROPIC_BASE_URL": self._upstream}
        told |= {"KEEPSTREAM_METRICS_HOST": LOOPBACK, "KEEPSTREAM_METRICS_PORT": "0"}
        return told | ({"KEEPSTREAM_HOST": LOOPBACK, "KEEPSTREAM_PORT": "0"} if "KEEPSTREAM_PORT" in told else {})

    def _start(self, *arguments: str, **settings: str) -> Running:
        return Running([*KEEPSTREAM, *arguments], environment=clean_environment(**settings), warm=self._warm)

    def _keep(self, name: str, secret: str) -> None:
        file = self._secrets / name
        file.write_text(secret)
        file.chmod(0o440)


def scaler(password: str) -> list[str]:
    """The user `scaler` as the file has it, in the words of ACL SETUSER."""
    _, *words = (DEPLOY / "redis" / "scaler.acl").read_text().split()
    return [*words, f">{password}"]
