"""Who listens for the log: which events are said, and of whom.

The rule: what is not loud enough costs a look into a table. Who tells of a stream often knows its id alone; in a
worker the rest is what was told when it was claimed, so that a line can be found by what the client calls its request.
"""

from __future__ import annotations

from typing import Any, Protocol

from app.stream.observing import Event, RedisAwaited, RedisBack, RedisRefused
from app.watch.events.of_streams import Claimed, Ended, LeaseLost
from app.watch.events.subjects import Subject, request_ids
from app.watch.logs.fields import add, fields_of
from app.watch.logs.floods import FOR_THE_ASKING, SHORTENED, Floods
from app.watch.logs.lines import DEBUG, LINES, WARNING, Line
from app.watch.logs.outages import Outages

# Streams of which more is known than an id: as many as no worker has.
SUBJECTS_MAX = 20_000
_OF_REDIS = (RedisAwaited, RedisBack, RedisRefused)
# Of what has no name here yet: a test sees to it that there is none.
_UNNAMED = Line("process.told", DEBUG, DEBUG)


class Log(Protocol):
    """Where lines are written: structlog's, or another's."""

    def is_enabled_for(self, level: int) -> bool: ...

    def log(self, level: int, event: str, **fields: Any) -> None: ...


class LogObserver:
    """Writes to `log` what it says is worth a line."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._outages = Outages()
        self._floods = Floods()
        self._subjects: dict[str, Subject] = {}
        self._threshold = next((level for level in (10, 20, 30, 40, 50) if log.is_enabled_for(level)), 60)

    def told(self, event: Event) -> None:
        kind = type(event)
        if kind is Claimed:
            self._remember(event.of)  # type: ignore[attr-defined]  # of such an event
        line = LINES.get(kind, _UNNAMED)
        if line.loudest >= self._threshold:
            self._say(event, line)
        if kind in (Ended, LeaseLost):
            self._subjects.pop(event.of.stream_id, None)  # type: ignore[attr-defined]  # as above

    def _say(self, event: Event, line: Line) -> None:
        level = line.level_of(event)
        if level >= self._threshold and not (isinstance(event, _OF_REDIS) and self._outages.keeps_quiet(event)):
            name = line.name_of(event)
            if level > DEBUG and isinstance(event, FOR_THE_ASKING) and self._floods.is_one_too_many(name):
                return
            self._log.log(level, name, **self._fields(event, line))
            for what, lines in self._floods.left_out():
                self._log.log(WARNING, SHORTENED, what=what, lines=lines, hint="the metrics have counted them")

    def _fields(self, event: Event, line: Line) -> dict[str, Any]:
        fields = fields_of(event)
        of = self._subjects.get(fields.get("stream_id", ""))
        if of is not None and "owner" not in fields:
            add(fields, of)
        if "request_id" not in fields and "client_request_id" not in fields:
            add(fields, Subject("", "", *request_ids.get()))
        if hint := line.hint_of(event):
            fields["hint"] = hint
        return fields

    def _remember(self, of: Subject) -> None:
        if len(self._subjects) >= SUBJECTS_MAX:
            self._subjects.pop(next(iter(self._subjects)), None)
        self._subjects[of.stream_id] = of
