"""What happens to a process, or in it and to no stream in particular."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from app.stream.errors import place_of
from app.stream.observing import Event
from app.watch.events.subjects import NOBODY, Subject


@dataclass(frozen=True, slots=True)
class Draining(Event):
    """A process was told to end, with so many streams (a worker) or readers (a front) under way."""

    streams: int | None = None
    readers: int | None = None


@dataclass(frozen=True, slots=True)
class WorkerGone(Event):
    """Another worker is dead; so many of its streams are free to be taken over."""

    worker: str
    streams: int


@dataclass(frozen=True, slots=True)
class LeasesGivenUp(Event):
    """A worker that can write nothing lets others take over."""


@dataclass(frozen=True, slots=True)
class RenewalsLate(Event):
    """A worker's loop, or Redis, is late with its leases; they are renewed over a connection of their own."""


@dataclass(frozen=True, slots=True)
class CommitsUnanswered(Event):
    """Redis has taken appends and says nothing; the connection is replaced."""


@dataclass(frozen=True, slots=True)
class KeysReloaded(Event):
    """The file of keys has changed; so many `keys` are in force now.

    `outcome` as `app.access.reloading` has it; `why` says what is wrong where the ones from before stay in force.
    """

    outcome: str
    keys: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class TokenKeysReloaded(Event):
    """The keys that tokens are checked with were read or asked for; the fields as of `KeysReloaded`."""

    outcome: str
    keys: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class CertificateRead(Event):
    """A front's certificate or its key has changed. Where it is not `taken` the one before goes on; `why` not. One that
    is `taken` and has a `why` has expired.
    """

    taken: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class LimitsReloaded(Event):
    """The file of limits has changed; it names so many `owners` now. As with keys."""

    outcome: str
    owners: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class SettingIgnored(Event):
    """A variable looks like one of ours and is none."""

    name: str


@dataclass(frozen=True, slots=True)
class ToolBlocked(Event):
    """An async tool held a worker's loop for so many seconds, in which none of its streams got anything."""

    tool: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ToolLeftOut(Event):
    """A tool that this worker has cannot be offered: `why`, in our words."""

    tool: str
    why: str


@dataclass(frozen=True, slots=True)
class McpServerThere(Event):
    """An MCP server answers, and has so many `tools` that are offered."""

    server: str
    tools: int


@dataclass(frozen=True, slots=True)
class McpServerGone(Event):
    """An MCP server does not answer, or has ended: it is tried again. Told once. `error` is a class, '' where none."""

    server: str
    error: str


@dataclass(frozen=True, slots=True)
class FewDescriptors(Event):
    """A process may open fewer files than its settings need: so many connections, and not those `wanted`."""

    connections: int
    wanted: int


@dataclass(frozen=True, slots=True)
class MetricsServed(Event):
    """The port of the metrics could be had after all."""

    address: str


@dataclass(frozen=True, slots=True)
class MetricsUnserved(Event):
    """The port of the metrics cannot be had: the process goes on without, and tries again. Told once."""

    host: str
    port: int
    error: str


@dataclass(frozen=True, slots=True)
class PriceUnknown(Event):
    """The list of prices fails for this model."""

    model: str
    error: str


@dataclass(frozen=True, slots=True)
class Fault(Event):
    """An exception that is ours to mend, met where everything goes on. `doing` is a word for what was being done.

    `error` is its class and `place` the line: never its words, which may quote a prompt.
    """

    doing: str
    error: str
    place: str
    of: Subject = NOBODY

    @classmethod
    def met(cls, doing: str, error: BaseException, of: Subject = NOBODY) -> Self:
        return cls(doing, type(error).__name__, place_of(error), of)


@dataclass(frozen=True, slots=True)
class TracesOff(Event):
    """An OTLP endpoint is set, and this process sends no traces: `why`, and what to do."""

    why: str


@dataclass(frozen=True, slots=True)
class TracesAway(Event):
    """The OTLP endpoint took no spans, for the first time since it did: `error` is a class, or its status."""

    error: str


@dataclass(frozen=True, slots=True)
class TracesBack(Event):
    """It takes them again, after so many seconds in which so many `spans` were lost."""

    seconds: float
    spans: int


@dataclass(frozen=True, slots=True)
class SpansLost(Event):
    """So many `spans` of this process were not taken, or found no room to wait."""

    spans: int
