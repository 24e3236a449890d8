"""What each event is called in the log, and how grave it is. Pure.

The rule: a name is dotted and in lower case, and says what happened to what. Each event has one (a test compares this
with the vocabulary, and with the table in `app/docs/operating.md`); its fields are the event's own (`fields`). What is
usual and frequent, such as the comings and goings of readers, is `debug`; what changes what a client gets is `info`;
what an operator should know of is a warning; what is ours to mend, or the operator's, is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.stream import observing
from app.stream.observing import Event
from app.stream.redis.refusals import Kind
from app.watch.events import of_fronts, of_processes, of_streams
from app.watch.events.of_streams import TakeOver

DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40
_PASSING = (Kind.AWAY, Kind.FOR_NOW, Kind.ELSEWHERE)
_CLIENTS_FAULT, _OURS = 400, 500


@dataclass(frozen=True, slots=True)
class Line:
    """`name` and `level` may depend on the event; `loudest` is the gravest that it can be. `hint`: what to do."""

    name: str | Callable[[Any], str]
    level: int | Callable[[Any], int]
    loudest: int = ERROR
    hint: str | Callable[[Any], str] = ""

    def name_of(self, event: Event) -> str:
        return self.name if isinstance(self.name, str) else self.name(event)

    def level_of(self, event: Event) -> int:
        return self.level if isinstance(self.level, int) else self.level(event)

    def hint_of(self, event: Event) -> str:
        return self.hint if isinstance(self.hint, str) else self.hint(event)


def _always(name: str, level: int, hint: str = "") -> Line:
    return Line(name, level, level, hint)


def _refused(event: observing.RedisRefused) -> str:
    return "redis.away" if event.kind == Kind.AWAY else "redis.refused"


def _reloaded(event: of_processes.KeysReloaded | of_processes.TokenKeysReloaded) -> int:
    return ERROR if event.why or not event.keys else INFO


def _kept(event: Any) -> str:
    return "what was in force before stays in force" if event.why else ""


def _keys_kept(event: of_processes.KeysReloaded | of_processes.TokenKeysReloaded) -> str:
    return _kept(event) if event.keys else "nobody is let in by one"


def _served(event: of_fronts.RequestServed) -> str:
    if event.status >= _OURS:
        return "request.failed"
    return "request.refused" if event.error_type else "request.served"


def _how_served(event: of_fronts.RequestServed) -> int:
    if event.status >= _OURS:
        return ERROR
    return INFO if event.error_type or event.of.client_request_id else DEBUG


def _draining(event: of_processes.Draining) -> str:
    return "worker.draining" if event.readers is None else "front.draining"


LINES: dict[type[Event], Line] = {
    # Redis, and the channel
    observing.RedisAway: _always("redis.lost", DEBUG),  # who asked says it, with words: `RedisRefused`
    observing.RedisBack: _always("redis.back", INFO),
    observing.RedisRefused: Line(_refused, lambda e: WARNING if e.kind in _PASSING else ERROR),
    observing.RedisAwaited: _always("redis.awaited", WARNING, "it starts when Redis is there"),
    observing.RedisUnbounded: _always(
        "redis.unbounded", WARNING, "Redis has no maxmemory and takes what the machine has: set one"
    ),
    observing.ChannelSilent: _always("channel.silent", WARNING),
    observing.ChannelAstray: _always("channel.astray", WARNING),
    observing.ReceiverFailed: _always("channel.receiver_failed", ERROR),
    observing.TaskFell: _always("task.fell", ERROR, "it starts again"),
    # streams
    of_streams.Submitted: _always("stream.submitted", INFO),
    of_streams.Refused: _always("stream.refused", INFO),
    of_streams.Claimed: _always("stream.claimed", INFO),
    of_streams.TakenOver: Line(
        "stream.taken_over", lambda e: INFO if e.cause == TakeOver.DRAINED else WARNING, WARNING
    ),
    of_streams.Held: _always("stream.held", INFO),
    of_streams.CallStarted: _always("call.started", INFO),
    of_streams.CallEnded: Line("call.ended", lambda e: INFO if e.reason else DEBUG, INFO),
    of_streams.FirstContent: _always("stream.first_content", INFO),
    of_streams.CallPaid: _always("call.paid", DEBUG),
    of_streams.PartialRecovered: _always("stream.partial_recovered", INFO),
    of_streams.Silent: _always("stream.silent", INFO),
    of_streams.Retried: _always("call.retried", INFO),
    of_streams.Restarted: _always("stream.restarted", INFO),
    of_streams.ToolRan: _always("tool.ran", INFO),
    of_streams.PersonAsked: _always("stream.waits_for_person", INFO),
    of_streams.ToolDecided: _always("tool.decided", INFO),
    of_streams.CancelAsked: _always("stream.cancel_asked", INFO),
    of_streams.Ended: Line("stream.ended", lambda e: WARNING if e.error_type else INFO, WARNING),
    of_streams.LeaseLost: _always("stream.lease_lost", INFO),
    of_streams.PutBy: _always("stream.put_by", WARNING, "a worker of a newer version goes on with it"),
    of_streams.AppendRefused: Line("stream.append_refused", lambda e: ERROR if e.error else DEBUG),
    of_streams.EndingUnwritten: _always("stream.ending_unwritten", ERROR, "who takes it next writes its ending"),
    of_streams.LeftToWorker: _always("stream.left_to_worker", WARNING),
    # fronts
    of_fronts.ReaderJoined: _always("reader.joined", DEBUG),
    of_fronts.ReaderLeft: _always("reader.left", DEBUG),
    of_fronts.ReaderTurnedAway: _always("reader.turned_away", INFO, "it is told to come again"),
    of_fronts.ReaderServed: _always("reader.served", DEBUG),
    of_fronts.ReaderReset: Line(
        "reader.reset", lambda e: WARNING if e.reason == of_fronts.HISTORY_LOST else DEBUG, WARNING
    ),
    of_fronts.TailRepaired: _always("tail.repaired", DEBUG),
    of_fronts.ReaderFailed: _always("reader.failed", ERROR),
    of_fronts.AnswerRated: _always("answer.rated", INFO),
    of_fronts.RequestServed: Line(_served, _how_served),
    of_fronts.CallerRefused: _always("caller.refused", INFO),
    of_fronts.UpstreamKeyRefused: _always("upstream.key_refused", WARNING, "look at ANTHROPIC_API_KEY"),
    of_fronts.UpstreamUnreachable: _always("upstream.unreachable", WARNING),
    of_fronts.HistoryUncounted: _always("conversation.uncounted", WARNING),
    of_fronts.WorkUndone: _always("work.undone", ERROR),
    of_fronts.Crowded: _always("front.crowded", WARNING, "who comes now is told to come again"),
    of_fronts.ScreenFailed: _always("screen.failed", ERROR, "the prompt was not accepted"),
    # processes
    of_processes.Draining: Line(_draining, INFO, INFO),
    of_processes.WorkerGone: _always("worker.gone", WARNING, "its streams are taken over"),
    of_processes.LeasesGivenUp: _always("leases.given_up", ERROR, "nothing can be written here; others may take over"),
    of_processes.RenewalsLate: _always("leases.late", WARNING, "the loop, or Redis, is slow"),
    of_processes.CommitsUnanswered: _always("commits.unanswered", WARNING),
    of_processes.KeysReloaded: Line("keys.reloaded", _reloaded, hint=_keys_kept),
    of_processes.TokenKeysReloaded: Line("token_keys.reloaded", _reloaded, hint=_keys_kept),
    of_processes.CertificateRead: Line(
        "certificate.read", lambda e: ERROR if e.why else INFO, hint=lambda e: "" if e.taken else _kept(e)
    ),
    of_processes.LimitsReloaded: Line("limits.reloaded", lambda e: ERROR if e.why else INFO, hint=_kept),
    of_processes.SettingIgnored: _always(
        "setting.ignored", WARNING, "it is no setting of Keepstream's, and changes nothing"
    ),
    of_processes.ToolBlocked: _always("tool.blocked", WARNING, "write it as a plain function: it then has a thread"),
    of_processes.ToolLeftOut: _always("tool.left_out", WARNING, "no stream can ask for it"),
    of_processes.McpServerThere: _always("mcp.there", INFO),
    of_processes.McpServerGone: _always("mcp.gone", WARNING, "its tools are not offered; it is tried again"),
    of_processes.FewDescriptors: _always(
        "descriptors.few", WARNING, "raise ulimit -n or lower KEEPSTREAM_CONNECTIONS_MAX"
    ),
    of_processes.MetricsServed: _always("metrics.served", INFO),
    of_processes.MetricsUnserved: _always("metrics.unserved", ERROR, "it goes on without, and tries again"),
    of_processes.TracesOff: _always("traces.off", WARNING),
    of_processes.TracesAway: _always("traces.away", WARNING, "what was to be traced is lost meanwhile"),
    of_processes.TracesBack: _always("traces.back", WARNING),
    of_processes.SpansLost: _always("traces.spans_lost", DEBUG),
    of_processes.PriceUnknown: _always("price.unknown", WARNING, "name it in KEEPSTREAM_PRICES_FILE"),
    of_processes.Fault: _always("process.fault", ERROR),
}
