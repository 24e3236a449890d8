"""How the parts of a deployment are reached: by docker compose, by kubectl, or by their process ids.

The rule: what is looked up is looked up without changing anything; what cannot be found is told, not guessed.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from app.terminal.drill.actions import Command, NotDoneError, Signal, do
from app.terminal.drill.deeds import REDIS_SECONDS, Deed, Part

# What another command says is not taken for an option.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)
_POD = re.compile(r"pod/[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)
# Others' workers have their component's name as well.
OURS = "app.kubernetes.io/name=keepstream"
COMPONENT = "app.kubernetes.io/component"


@dataclass(frozen=True, slots=True)
class Holder:
    """A worker that has streams of ours, as it calls itself: its machine, container or pod, and its process there."""

    host: str
    pid: int


class Means(Protocol):
    async def deed(self, part: Part, holders: Sequence[Holder] = ()) -> Deed:
        """What is to be done to this part, if there is a choice to one of `holders`, the first of them first.

        Raises `NotDoneError` where it cannot be reached.
        """

    def outline(self, part: Part) -> list[str]:
        """The same in words, with nothing looked up."""


@dataclass(frozen=True, slots=True)
class Pids:
    """Processes of this machine, several of a kind to choose from. Whatever supervises them starts them again, or
    nobody does.
    """

    pids: Mapping[Part, Sequence[int]]

    async def deed(self, part: Part, holders: Sequence[Holder] = ()) -> Deed:
        if part not in self.pids:
            raise NotDoneError(f"--pids says none: {part}=PID")
        here = socket.gethostname()
        held = [one.pid for one in holders if one.host == here and one.pid in self.pids[part]]
        return self._deed(part, (held or self.pids[part])[0])

    def outline(self, part: Part) -> list[str]:
        return self._deed(part, self.pids[part][0]).steps() if part in self.pids else []

    def _deed(self, part: Part, pid: int) -> Deed:
        match part:
            case Part.WORKER:
                return Deed(part, Signal(pid, "KILL"), returns=False)
            case Part.FRONT:
                return Deed(part, Signal(pid, "TERM"), returns=False)
            case Part.REDIS:
                return Deed(part, Signal(pid, "STOP"), REDIS_SECONDS, undo=Signal(pid, "CONT"))


@dataclass(frozen=True, slots=True)
class Compose:
    """Containers of a project of docker compose, by the names of its services."""

    file: str = ""
    services: Mapping[Part, str] = field(default_factory=dict)

    async def deed(self, part: Part, holders: Sequence[Holder] = ()) -> Deed:
        said = await do(self._listing(part))
        containers = [word for word in said.split() if _NAME.fullmatch(word)]
        if not containers:
            raise NotDoneError(f"no container of the service {self._service(part)} runs")
        # A container's host name is how its id begins.
        held = [one for holder in holders for one in containers if holder.host and one.startswith(holder.host)]
        return self._deed(part, (held or containers)[0])

    def outline(self, part: Part) -> list[str]:
        return [str(self._listing(part)), *self._deed(part, f"CONTAINER_OF_{self._service(part).upper()}").steps()]

    def _service(self, part: Part) -> str:
        return self.services.get(part, "valkey" if part is Part.REDIS else part)

    def _listing(self, part: Part) -> Command:
        named = ("--file", self.file) if self.file else ()
        return Command(("docker", "compose", *named, "ps", "--quiet", "--status", "running", self._service(part)))

    def _deed(self, part: Part, container: str) -> Deed:
        start = Command(("docker", "start", container))
        match part:
            case Part.WORKER:
                return Deed(part, Command(("docker", "kill", "--signal", "KILL", container)), undo=start)
            case Part.FRONT:
                return Deed(part, Command(("docker", "stop", container)), undo=start)
            case Part.REDIS:
                undo = Command(("docker", "unpause", container))
                return Deed(part, Command(("docker", "pause", container)), REDIS_SECONDS, undo=undo)


@dataclass(frozen=True, slots=True)
class Kubectl:
    """Pods of a namespace, by their labels; their controllers bring them back."""

    namespace: str = ""
    selectors: Mapping[Part, str] = field(default_factory=dict)

    async def deed(self, part: Part, holders: Sequence[Holder] = ()) -> Deed:
        said = await do(self._listing(part))
        pods = [word for word in said.split() if _POD.fullmatch(word)]
        if not pods:
            raise NotDoneError(f"no pod with {self._selector(part)} runs")
        held = [f"pod/{holder.host}" for holder in holders if f"pod/{holder.host}" in pods]
        return self._deed(part, (held or pods)[0])

    def outline(self, part: Part) -> list[str]:
        return [str(self._listing(part)), *self._deed(part, f"pod/{part.upper()}").steps()]

    def _selector(self, part: Part) -> str:
        return self.selectors.get(part, f"{OURS},{COMPONENT}={part}")

    def _kubectl(self, *words: str) -> Command:
        named = ("--namespace", self.namespace) if self.namespace else ()
        return Command(("kubectl", *named, *words))

    def _listing(self, part: Part) -> Command:
        running = "--field-selector=status.phase=Running"
        return self._kubectl("get", "pods", "--selector", self._selector(part), running, "--output", "name")

    def _deed(self, part: Part, pod: str) -> Deed:
        match part:
            case Part.WORKER:
                return Deed(part, self._kubectl("delete", pod, "--grace-period=0", "--force", "--wait=false"))
            case Part.FRONT:
                return Deed(part, self._kubectl("delete", pod, "--wait=false"))
            case Part.REDIS:
                # It goes on by itself. Where that takes a password its pod is told to end, and comes back with all that
                # it acknowledged.
                pause = ("valkey-cli", "-e", "CLIENT", "PAUSE", f"{REDIS_SECONDS * 1000:.0f}", "ALL")
                instead = self._kubectl("delete", pod, "--wait=false")
                return Deed(part, self._kubectl("exec", pod, "--", *pause), REDIS_SECONDS, instead=instead)
