"""The log: which event is a line in it, how grave, and what the line says.

The rule: a line is made of an event's fields and nothing else. What Redis refuses is said at once where it is new, and
again after `SAID_AGAIN_SECONDS` where it stays: an outage is a line, not one for each who asked. What has no line of
its own is told at `debug`, as it is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from app.settings import NO_SETTING
from app.stream import observing
from app.stream.observing import Event, RedisRefused
from app.stream.redis.refusals import Kind
from app.watch.events import of_fronts, of_processes, of_streams

logger = logging.getLogger("keepstream")

# A trouble that stays is said again this often, in seconds.
SAID_AGAIN_SECONDS = 30.0

_DEBUG, _INFO, _WARNING, _ERROR = logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR
_Line = tuple[int, str]
_OUTAGES = (Kind.AWAY, Kind.FOR_NOW, Kind.ELSEWHERE)


class LogObserver:
    """Writes with the standard library's logging, as `logs` has configured it."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str, str], float] = {}

    def told(self, event: Event) -> None:
        make = _LINES.get(type(event))
        level, line = make(event) if make is not None else (_DEBUG, "")
        if not logger.isEnabledFor(level) or (isinstance(event, RedisRefused) and self._is_said(event)):
            return
        logger.log(level, "%s", line or event)

    def _is_said(self, refused: RedisRefused) -> bool:
        """Whether it was said a moment ago. `asker` is one of a few words: no stream is told of by itself."""
        key, now = (refused.asker, refused.kind, refused.code), time.monotonic()
        if now - self._said.get(key, -SAID_AGAIN_SECONDS) < SAID_AGAIN_SECONDS:
            return True
        self._said[key] = now
        return False


def _refused(event: observing.RedisRefused) -> _Line:
    level = _WARNING if event.kind in _OUTAGES else _ERROR
    return level, f"{event.asker}: Redis: {event.words} ({event.kind}, {event.error})"


def _awaited(event: observing.RedisAwaited) -> _Line:
    begin = "still waiting for Redis" if event.still else "Redis is not there yet; waiting for it"
    return _WARNING, f"{begin}: {event.words} ({event.kind}, {event.error})"


def _task_fell(event: observing.TaskFell) -> _Line:
    at = f" in {event.place}" if event.place else ""
    return _ERROR, f"{event.task}: fell ({event.error}{at}), starts again"


def _append_refused(event: of_streams.AppendRefused) -> _Line:
    if not event.error:
        return _DEBUG, ""
    return _ERROR, f"{event.of.stream_id}: an append cannot be made: {event.error}"


def _cancel_asked(event: of_streams.CancelAsked) -> _Line:
    return (_INFO, f"{event.of.stream_id}: nobody reads it") if event.by == of_streams.UNREAD else (_DEBUG, "")


def _ended(event: of_streams.Ended) -> _Line:
    why = f": {event.why}" if event.why else ""
    level = _WARNING if event.error_type else _INFO
    return level, f"{event.of.stream_id}: {event.outcome}, {event.attempts} attempts{why}"


def _reader_reset(event: of_fronts.ReaderReset) -> _Line:
    if event.reason != of_fronts.HISTORY_LOST:
        return _DEBUG, ""
    return _WARNING, f"stream {event.of.stream_id}: the log lost what readers saw; resetting {event.readers}"


def _reader_failed(event: of_fronts.ReaderFailed) -> _Line:
    what = "cannot even leave" if event.last else "failed and is sent away"
    return _ERROR, f"stream {event.of.stream_id}: a reader {what}: {event.error}"


def _undone(event: of_fronts.WorkUndone) -> _Line:
    return _ERROR, f"{event.task}: left undone{f' ({event.error})' if event.error else ', too much is owed already'}"


def _served(event: of_fronts.RequestServed) -> _Line:
    if not event.of.client_request_id:
        return _DEBUG, ""
    return _INFO, f"{event.method} {event.route or 'no route of ours'}: {event.status}"


def _screen_failed(event: of_fronts.ScreenFailed) -> _Line:
    at = f" in {event.place}" if event.place else ""
    return (
        _ERROR,
        f"a prompt could not be screened and was not accepted: {event.error}{at}, after {event.seconds:.2f} s",
    )


def _fault(event: of_processes.Fault) -> _Line:
    of = f"{event.of.stream_id}: " if event.of.stream_id else ""
    return _ERROR, f"{event.doing}: {of}{event.error} in {event.place}"


def _keys_reloaded(event: of_processes.KeysReloaded) -> _Line:
    if event.why:
        return _ERROR, f"{event.why}: the {event.keys} keys from before stay in force"
    if not event.keys:
        return _ERROR, "the file of keys names none: nobody is let in"
    return _INFO, f"the file of keys has changed: {event.keys} keys are in force"


def _token_keys(event: of_processes.TokenKeysReloaded) -> _Line:
    if not event.why:
        return _INFO, f"tokens are checked with {event.keys} keys"
    left = f"the {event.keys} keys from before stay in force" if event.keys else "no token is known until they are had"
    return _ERROR, f"the keys of tokens: {event.why}: {left}"


def _certificate(event: of_processes.CertificateRead) -> _Line:
    return (
        (_INFO, "the certificate is a new one") if event.taken else (_ERROR, f"the old certificate stays: {event.why}")
    )


def _limits_reloaded(event: of_processes.LimitsReloaded) -> _Line:
    if event.why:
        return _ERROR, f"{event.why}: the limits from before stay in force"
    return _INFO, f"the file of limits has changed: what it says of {event.owners} owners and of others is in force"


def _draining(event: of_processes.Draining) -> _Line:
    what = f"{event.streams} streams" if event.readers is None else f"{event.readers} readers"
    return _INFO, f"draining {what}"


_LINES: dict[type[Event], Callable[[Any], _Line]] = {
    observing.RedisRefused: _refused,
    observing.RedisAwaited: _awaited,
    observing.RedisUnbounded: lambda _: (
        _WARNING,
        "Redis has no maxmemory: it takes what it gets until the machine has no more; set one",
    ),
    observing.ChannelSilent: lambda e: (_WARNING, f"channel: silent for {e.seconds:.1f} s, reconnecting"),
    observing.ChannelAstray: lambda _: (
        _WARNING,
        "the channel listens to another server than the one that is written to: connecting anew",
    ),
    observing.ReceiverFailed: lambda e: (_ERROR, f"channel: a receiver failed: {e.error}"),
    observing.TaskFell: _task_fell,
    of_streams.AppendRefused: _append_refused,
    of_streams.CancelAsked: _cancel_asked,
    of_streams.Ended: _ended,
    of_streams.EndingUnwritten: lambda e: (_ERROR, f"{e.of.stream_id}: its ending cannot be written"),
    of_streams.LeaseLost: lambda e: (_INFO, f"{e.of.stream_id}: left ({e.why or 'its lease is lost'})"),
    of_streams.LeftToWorker: lambda e: (_WARNING, f"{e.of.stream_id}: {e.what} is left to a worker: {e.error}"),
    of_fronts.ReaderReset: _reader_reset,
    of_fronts.ReaderFailed: _reader_failed,
    of_fronts.RequestServed: _served,
    of_fronts.WorkUndone: _undone,
    of_fronts.UpstreamKeyRefused: lambda e: (_WARNING, f"{e.host} refuses our key (status {e.status})"),
    of_fronts.UpstreamUnreachable: lambda e: (_WARNING, f"{e.host} cannot be reached: {e.error}"),
    of_fronts.HistoryUncounted: lambda e: (_WARNING, f"a long conversation could not be counted: {e.error}"),
    of_fronts.ScreenFailed: _screen_failed,
    of_fronts.Crowded: lambda e: (_WARNING, f"there are {e.connections} connections: who comes is told to come again"),
    of_processes.CertificateRead: _certificate,
    of_processes.Draining: _draining,
    of_processes.Fault: _fault,
    of_processes.KeysReloaded: _keys_reloaded,
    of_processes.TokenKeysReloaded: _token_keys,
    of_processes.LimitsReloaded: _limits_reloaded,
    of_processes.WorkerGone: lambda e: (_WARNING, f"worker {e.worker} is gone: {e.streams} streams are taken over"),
    of_processes.LeasesGivenUp: lambda _: (_ERROR, "leases: nothing can be written here, others may take over"),
    of_processes.RenewalsLate: lambda _: (
        _WARNING,
        "renewals are late (the loop, or Redis): leases are renewed over a connection of their own",
    ),
    of_processes.CommitsUnanswered: lambda _: (_WARNING, "commit: Redis does not answer"),
    of_processes.FewDescriptors: lambda e: (
        _WARNING,
        f"file descriptors (ulimit -n) allow {e.connections} connections, not the {e.wanted} of the settings",
    ),
    of_processes.SettingIgnored: lambda e: (_WARNING, NO_SETTING % e.name),
    of_processes.TracesOff: lambda e: (_WARNING, f"no traces are sent: {e.why}"),
    of_processes.TracesAway: lambda e: (_WARNING, f"traces: the OTLP endpoint takes none ({e.error})"),
    of_processes.TracesBack: lambda e: (
        _WARNING,
        f"traces: the OTLP endpoint takes them again, after {e.seconds:.0f} s and {e.spans} lost spans",
    ),
    of_processes.PriceUnknown: lambda e: (_WARNING, f"no price for {e.model}: {e.error}"),
}
