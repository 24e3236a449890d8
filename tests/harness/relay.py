"""A whole Keepstream as real processes, for tests that use it from outside: a Valkey, a Claude, workers and a front."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from app.dev.embedded import EmbeddedValkey
from tests.harness.network import users
from tests.harness.running import Running, keepstream


class Relay:
    """Up within `with`. `claude` is the upstream's address: the simulator's unless another one is given."""

    def __init__(self, claude: str | None = None, *, workers: int = 1, **settings: str) -> None:
        self.claude = claude or ""
        self._workers = workers
        self._settings = settings
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="relay-")))
            valkey = self._stack.enter_context(EmbeddedValkey.start(directory, extra_config=users.config(directory)))
            if not self.claude:
                simulator = self._start("simulate", "--port", "0", "--rate", "0", "--first", "0")
                self.claude = simulator.line(r"(http://\S+)")[1]
            self._environment = {
                "REDIS_URL": users.as_user(valkey.url),
                "ANTHROPIC_BASE_URL": self.claude,
                "ANTHROPIC_API_KEY": "the-key-of-the-relay",
                **self._settings,
            }
            self._valkey = valkey
            self.workers = [self.worker() for _ in range(self._workers)]
            for worker in self.workers:
                worker.line(r"^ready$")
            self.front, self.url = self.another_front()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            refused = users.refused(self._valkey.url)
        finally:
            self._stack.close()
        assert not refused, f"deploy/redis/users.acl lacks {refused}"

    @property
    def redis_pid(self) -> int:
        return self._valkey.pid

    def worker(self) -> Running:
        return self._start("worker", **self._environment)

    def another_front(self, port: int = 0, **settings: str) -> tuple[Running, str]:
        """A front, and its address."""
        front = self._start("front", "--port", str(port), **{**self._environment, **settings})
        return front, front.line(r"keepstream front on (https?://\S+)")[1]

    def _start(self, *arguments: str, **settings: str) -> Running:
        return self._stack.enter_context(keepstream(*arguments, warm=True, **settings))
