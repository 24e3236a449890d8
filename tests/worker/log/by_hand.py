"""A writer whose log, committer and watcher are the test."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.stream import frames
from app.stream.log import Appended, Claim, Status
from worker.log.writer import Append, Writer

CLAIM = Claim("st_1", 7, "w/1")
LIMIT = 1_000_000


@dataclass
class Redis:
    """One stream's log and meta as `append.lua` treats them, fences aside."""

    log: bytes = b""
    meta: dict[str, object] = field(default_factory=dict)
    ended: bool = False
    cancel: bool = False

    def append(self, append: Append) -> Appended:
        at, data = append.at, append.data
        if at < len(self.log) <= at + len(data):
            stands = self.log[at:]
            if stands == data:
                return Appended(Status.OK, len(self.log), self.cancel)
            if data.startswith(stands):
                at, data = len(self.log), data[len(stands) :]
        if self.ended:
            return Appended(Status.ENDED, len(self.log), self.cancel)
        if len(self.log) < at:
            return Appended(Status.SHORT, len(self.log), self.cancel)
        if len(self.log) > at:
            return Appended(Status.CONFLICT, len(self.log), self.cancel)
        self.log += data
        self.meta |= append.fields
        self.ended = append.life_ms is not None
        return Appended(Status.OK, len(self.log), self.cancel)


@dataclass
class Committer:
    """Carries appends when it is told to; `twice`: the first answer of each is lost."""

    redis: Redis
    waiting: list[Writer] = field(default_factory=list)

    def ready(self, writer: Writer) -> None:
        self.waiting.append(writer)

    def carry(self, *, lose_the_answer: bool = False) -> None:
        waiting, self.waiting = self.waiting, []
        for writer in waiting:
            append = writer.take()
            if append is not None:
                if lose_the_answer:
                    self.redis.append(append)
                writer.settle(self.redis.append(append))

    def carry_all(self) -> None:
        while self.waiting:
            self.carry()


@dataclass
class Watcher:
    refusals: list[Status] = field(default_factory=list)
    cancels: int = 0

    def refused(self, status: Status, _error: str = "") -> None:
        self.refusals.append(status)

    def cancel_seen(self) -> None:
        self.cancels += 1


def made(redis: Redis, limit: int = LIMIT) -> tuple[Writer, Committer, Watcher]:
    committer, watcher = Committer(redis), Watcher()
    position = frames.position_at_end(redis.log[-frames.PROOF_LENGTH :]) or frames.origin("st_1")
    return Writer(CLAIM, position, limit, committer, watcher), committer, watcher


def data_of(log: bytes) -> list[bytes]:
    """The data of the log's frames, whose ids must prove themselves."""
    assert frames.follow(log, *frames.origin("st_1")) is not None
    return [frame.data for frame in frames.split(log)]


def ends(log: bytes) -> list[int]:
    """Where frames end, 0 included."""
    places, at = [0], 0
    for frame in frames.split(log):
        at += len(frame.raw)
        places.append(at)
    return places
