"""Each event has a line, and the page that describes them has each line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.stream.observing import Event, RedisRefused
from app.stream.redis.refusals import Kind
from app.watch.events import of_fronts, of_processes, of_streams
from app.watch.events.subjects import Subject
from app.watch.logs.fields import fields_of
from app.watch.logs.floods import SHORTENED
from app.watch.logs.foreign import SAID
from app.watch.logs.lines import DEBUG, ERROR, INFO, LINES, WARNING
from app.watch.logs.opening import LOST
from app.watch.observers import FAILED
from tests.app.watch.vocabulary import example, kinds

ROOT = Path(__file__).resolve().parents[4]
OF = Subject("st_1")
ENDED = of_streams.Ended(OF, "claude", "completed", "", "", "end_turn", 1)
SERVED = of_fronts.RequestServed(OF, "GET", "/v1", 200, 0.1)
# Those whose name or level is told by what they say.
CASES: list[tuple[Event, str, int]] = [
    (ENDED, "stream.ended", INFO),
    (of_streams.Ended(OF, "claude", "failed", "api_error", "", "", 5), "stream.ended", WARNING),
    (of_streams.TakenOver(OF, 1, of_streams.TakeOver.DRAINED, content=True), "stream.taken_over", INFO),
    (of_streams.TakenOver(OF, 1, of_streams.TakeOver.LOST, content=True), "stream.taken_over", WARNING),
    (of_streams.CallEnded(OF, 1, "claude", 200, "", 1.0, "req_1"), "call.ended", DEBUG),
    (of_streams.CallEnded(OF, 1, "claude", 529, "overloaded_error", 1.0, "req_1"), "call.ended", INFO),
    (of_streams.AppendRefused(OF, "fenced"), "stream.append_refused", DEBUG),
    (of_streams.AppendRefused(OF, "", "DataError"), "stream.append_refused", ERROR),
    (of_fronts.ReaderReset(OF, 1, "overloaded_error", 2), "reader.reset", DEBUG),
    (of_fronts.ReaderReset(OF, 1, of_fronts.HISTORY_LOST, 2), "reader.reset", WARNING),
    (SERVED, "request.served", DEBUG),
    (of_fronts.RequestServed(Subject(client_request_id="x"), "GET", "/v1", 200, 0.1), "request.served", INFO),
    (of_fronts.RequestServed(OF, "GET", "/v1", 404, 0.1, "not_found_error"), "request.refused", INFO),
    (of_fronts.RequestServed(OF, "GET", "/v1", 200, 0.1, "rate_limit_error"), "request.refused", INFO),
    (of_fronts.RequestServed(OF, "GET", "/v1", 503, 0.1, "api_error", "E", "f"), "request.failed", ERROR),
    (of_processes.Draining(streams=3), "worker.draining", INFO),
    (of_processes.Draining(readers=0), "front.draining", INFO),
    (of_processes.KeysReloaded("taken", 2), "keys.reloaded", INFO),
    (of_processes.KeysReloaded("taken", 0), "keys.reloaded", ERROR),
    (of_processes.KeysReloaded("malformed", 2, "line 1 is none"), "keys.reloaded", ERROR),
    (of_processes.TokenKeysReloaded("unreadable", 0, "idp: no answer"), "token_keys.reloaded", ERROR),
    (of_processes.LimitsReloaded("taken", 2), "limits.reloaded", INFO),
    (of_processes.LimitsReloaded("malformed", 2, "rpm"), "limits.reloaded", ERROR),
    (of_processes.CertificateRead(taken=True), "certificate.read", INFO),
    (of_processes.CertificateRead(taken=False, why="no key"), "certificate.read", ERROR),
    (RedisRefused("claims", Kind.AWAY, "E", "E", "E"), "redis.away", WARNING),
    (RedisRefused("claims", Kind.ELSEWHERE, "READONLY", "E", "E"), "redis.refused", WARNING),
    (RedisRefused("claims", Kind.BUG, "ERR", "E", "E"), "redis.refused", ERROR),
]


def test_each_event_has_its_line() -> None:
    assert set(LINES) == set(kinds())


@pytest.mark.parametrize("kind", kinds())
def test_a_name_is_dotted_and_no_line_is_louder_than_it_may_be(kind: type[Event]) -> None:
    line, event = LINES[kind], example(kind)
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*", line.name_of(event))
    assert line.level_of(event) in {DEBUG, INFO, WARNING, ERROR}
    assert line.hint_of(event).isprintable()


@pytest.mark.parametrize(("event", "name", "level"), CASES)
def test_what_an_event_is_called_and_how_grave_it_is(event: Event, name: str, level: int) -> None:
    line = LINES[type(event)]
    assert (line.name_of(event), line.level_of(event)) == (name, level)
    assert level <= line.loudest


def test_who_is_let_in_is_said_where_a_file_makes_no_sense() -> None:
    keys, reloaded = LINES[of_processes.KeysReloaded], of_processes.KeysReloaded
    assert "stays in force" in keys.hint_of(reloaded("malformed", 2, "line 1"))
    assert "nobody" in keys.hint_of(reloaded("taken", 0))
    assert keys.hint_of(reloaded("taken", 2)) == ""


def test_the_page_has_each_line_and_its_fields_and_no_other() -> None:
    page = (ROOT / "app/docs/operating.md").read_text()
    rows = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| ([a-z, ]+) \| (.*?) \| (.*) \|$", page, re.MULTILINE)
    described = {name: set(re.findall(r"`(\w+)`", fields)) for name, _, fields, _ in rows}
    cases = [(line.name_of(event), kind) for kind, line in LINES.items() for event in [example(kind)]]
    cases += [(name, type(event)) for event, name, _ in CASES]
    written: dict[str, set[str]] = {SAID: {"logger", "place", "text", "error"}, LOST: {"lines", "error"}}
    written[SHORTENED] = {"what", "lines"}
    written[FAILED] = {"observer", "error", "place"}
    for name, kind in cases:
        of_kind = set(fields_of(example(kind))) - {"stream_id", "owner", "request_id", "client_request_id"}
        written[name] = written.get(name, set()) | of_kind
    assert described == written


def test_what_the_runbook_looks_for_is_said() -> None:
    book = (ROOT / "deploy/runbook.md").read_text()
    names = {line.name_of(example(kind)) for kind, line in LINES.items()} | {name for _, name, _ in CASES}
    rooms = {name.partition(".")[0] for name in names}
    looked_for = {one for one in re.findall(r"`([a-z_]+\.[a-z_]+)`", book) if one.partition(".")[0] in rooms}
    assert looked_for
    assert looked_for - names == set()
