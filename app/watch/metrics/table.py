"""All metrics: their names, their labels, and what they say. Pure.

The rule: what is not in this table is not counted, and a label has no values but those that `labels` lets through. Who
shows a metric elsewhere (the documentation, a dashboard, an alert) is held against `names`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.stream.counts.distribution import LAGS
from app.stream.redis.refusals import Kind as RedisKind
from app.watch.events.of_streams import TakeOver

PREFIX = "keepstream_"
FIRST_CONTENT = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0)
STREAM = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
SPEED = (5.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0, 150.0, 200.0, 300.0, 500.0, 1000.0)


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Of(StrEnum):
    """Which process has it. `QUEUE`: each front, from Redis."""

    FRONT = "front"
    QUEUE = "queue"
    WORKER = "worker"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Metric:
    """`name` is without prefix and ending. `first`: what is there from the start, at zero, so that one is a rise."""

    of: Of
    kind: Kind
    name: str
    says: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    first: tuple[tuple[str, ...], ...] = ()

    @property
    def shown(self) -> str:
        """As it stands on the page and in queries; of a histogram without the ending of its series."""
        return f"{PREFIX}{self.name}{'_total' if self.kind is Kind.COUNTER else ''}"


def _counter(of: Of, name: str, says: str, *labels: str, first: tuple[str, ...] = ()) -> Metric:
    """`first`: values of the last label, each beside the same ones of those before, apart by a comma."""
    return Metric(of, Kind.COUNTER, name, says, labels, first=tuple(tuple(one.split(",")) for one in first))


def _gauge(of: Of, name: str, says: str, *labels: str) -> Metric:
    return Metric(of, Kind.GAUGE, name, says, labels)


def _histogram(of: Of, name: str, says: str, buckets: tuple[float, ...], *labels: str) -> Metric:
    return Metric(of, Kind.HISTOGRAM, name, says, labels, buckets)


READERS = _gauge(Of.FRONT, "readers", "Readers that follow a stream on this front now")
READER_OPENS = _counter(
    Of.FRONT,
    "reader_opens",
    "Readers that came: new, with a place to resume at, or refused",
    "face",
    "kind",
    first=tuple(f"native,{kind}" for kind in ("new", "resume", "refused")),
)
READER_CLOSED = _counter(
    Of.FRONT,
    "reader_closed",
    "Readers that went: they have all of it, left by themselves, were sent to another front, or Redis lost the stream",
    "reason",
    first=("ended", "left", "drained", "lost"),
)
READER_RESETS = _counter(
    Of.FRONT,
    "reader_resets",
    "Readers that a front told to forget what they have",
    "reason",
    first=("history_lost", "unknown_id"),
)
TAILS = _gauge(Of.FRONT, "tails", "Streams that somebody reads on this front now")
REPAIRS = _counter(
    Of.FRONT,
    "repairs",
    "Times that a tail had to read its log because the channel did not tell all of it",
    "cause",
    first=("gap", "unplaced", "beat", "reader", "stranger"),
)
CATCHUP_READS = _counter(
    Of.FRONT,
    "catchup_reads",
    "Reads of readers that were behind: from the front's window, from the log, or shared with another's",
    "source",
    first=("window", "log", "shared"),
)
CHANNEL_LAG = _histogram(Of.FRONT, "channel_lag_seconds", "From a message's sending to its arrival here", LAGS)
SENT_BYTES = _counter(Of.FRONT, "sent_bytes", "Bytes of streams handed to readers' connections")
HTTP_REQUESTS = _counter(Of.FRONT, "http_requests", "Requests that were answered", "route", "status")
SUBMIT_SECONDS = _histogram(Of.FRONT, "submit_seconds", "From a prompt's reading to its place in the line", LAGS)
REFUSED = _counter(
    Of.FRONT,
    "refused",
    "Prompts and callers that were not let in",
    "reason",
    first=("queue_full", "limited"),
)
FEEDBACK = _counter(
    Of.FRONT,
    "feedback",
    "Ratings of answers, 1 or -1, by who wrote them and how they were shown; one that was changed counts again",
    "model",
    "delivery",
    "rating",
)
READY = _gauge(Of.FRONT, "ready", "1 where Redis is there, all tasks live, and the front does not drain")

WAITING = _gauge(Of.QUEUE, "waiting", "Streams that wait in the line")
OLDEST_WAITING = _gauge(Of.QUEUE, "oldest_waiting_seconds", "For how long the first of the line has waited")
ASKING = _gauge(Of.QUEUE, "waiting_for_person", "Streams that wait for a word of a person on a call of a tool")
PUT_BY = _gauge(
    Of.QUEUE, "waiting_for_newer", "Streams that wait for a worker of a newer version than those that have met them"
)
LEASES = _gauge(Of.QUEUE, "leases", "Streams that a worker holds")
WORKERS = _gauge(Of.QUEUE, "workers", "Workers that have renewed in time")
CAPACITY = _gauge(Of.QUEUE, "capacity", "Streams that these workers may run together")
HELD_MODELS = _gauge(Of.QUEUE, "held_models", "Models of which streams wait for the upstream's limits")
REDIS_USED = _gauge(Of.QUEUE, "redis_used_bytes", "Memory that Redis uses; of several servers, the fullest")
REDIS_MAX = _gauge(Of.QUEUE, "redis_max_bytes", "Memory that that Redis may use; 0 where it has no maxmemory")

STREAMS_RUNNING = _gauge(Of.WORKER, "streams_running", "Streams that this worker runs now")
STREAMS_CAPACITY = _gauge(Of.WORKER, "streams_capacity", "Streams that this worker may run at once; 0 while it drains")
STREAMS_ENDED = _counter(
    Of.WORKER,
    "streams_ended",
    "Streams that have their ending; on a front those that it ended itself, for they still waited",
    "outcome",
    "stop_reason",
    first=("completed,end_turn", "truncated,max_tokens", "failed,none", "cancelled,none", "expired,none"),
)
STREAM_SECONDS = _histogram(Of.WORKER, "stream_seconds", "From submit to ending", STREAM)
DISPATCH_SECONDS = _histogram(Of.WORKER, "dispatch_seconds", "From submit to the first claim", LAGS)
FIRST_CONTENT_SECONDS = _histogram(
    Of.WORKER,
    "first_content_seconds",
    "To the first content that people read, since submit, claim and call",
    FIRST_CONTENT,
    "since",
)
TOKENS_PER_SECOND = _histogram(
    Of.WORKER,
    "tokens_per_second",
    "Output tokens of a completed answer, by the seconds from its first content",
    SPEED,
)
CALLS = _counter(
    Of.WORKER,
    "calls",
    "Calls of the upstream that are over, by their status; none where there was no answer, or it was given up",
    "status",
    first=("200", "429", "500", "529", "none"),
)
RETRIES = _counter(
    Of.WORKER,
    "retries",
    "Further calls for a stream because the one before failed",
    "reason",
    first=("overloaded_error", "api_error", "connection_error"),
)
TOOL_CALLS = _counter(
    Of.WORKER,
    "tool_calls",
    "Calls of tools that were run, by what the model was told of them: a result, or a fault",
    "tool",
    "told",
)
TOOL_SECONDS = _histogram(Of.WORKER, "tool_seconds", "From a tool's call to its result", STREAM)
TAKEOVERS = _counter(
    Of.WORKER,
    "takeovers",
    "Streams that were another worker's before",
    "cause",
    first=tuple(TakeOver),
)
PARTIALS_RECOVERED = _counter(
    Of.WORKER, "partials_recovered", "Endings of streams whose text was read back from the log, for its worker was lost"
)
APPENDS_REFUSED = _counter(
    Of.WORKER,
    "appends_refused",
    "Streams whose log took no more from this worker",
    "status",
    first=("fenced", "ended", "gone", "short", "conflict", "refused"),
)
APPEND_BATCH_FRAMES = _histogram(Of.WORKER, "append_batch_frames", "Frames that went to Redis together", ())
TOKENS = _counter(Of.WORKER, "tokens", "Tokens of all calls, as the upstream counts them", "model", "kind")
COST_USD = _counter(Of.WORKER, "cost_usd", "What all calls did cost, where the price is known", "model")
UPSTREAM_REMAINING = _gauge(
    Of.WORKER,
    "upstream_remaining",
    "What its newest answer said is left of a limit of the upstream's, until all of it is back",
    "limit",
)
UPSTREAM_LIMIT = _gauge(Of.WORKER, "upstream_limit", "Of how much that is the rest", "limit")

REDIS_SECONDS = _histogram(Of.BOTH, "redis_seconds", "From a script's sending to its answer", (), "script")
REDIS_ERRORS = _counter(
    Of.BOTH,
    "redis_errors",
    "Questions that Redis did not answer: nobody there, refused for now (full, loading), another server is to be "
    "asked, unfit until the operator mends it, a bug",
    "kind",
    first=tuple(str(kind) for kind in RedisKind),
)
LOOP_LAG = _histogram(Of.BOTH, "loop_lag_seconds", "By how much the process' loop was late for a timer", LAGS)
BUILD_INFO = _gauge(Of.BOTH, "build_info", "1, with the version that runs", "version")
DRAINING = _gauge(Of.BOTH, "draining", "1 where the process was told to end")
FAULTS = _counter(Of.BOTH, "faults", "Exceptions of ours that were met, and went no further", "doing")
TASK_FALLS = _counter(Of.BOTH, "task_falls", "Background tasks that fell, and were begun again", "task")
OBSERVER_FAILURES = _counter(
    Of.BOTH, "observer_failures", "Times that an observer (log, metrics, traces, timeline) could not hear what was told"
)
SPANS_LOST = _counter(Of.BOTH, "spans_lost", "Spans that the OTLP endpoint did not take, or that found no room to wait")
METRICS_UNSERVED = _counter(Of.BOTH, "metrics_unserved", "Times that the port of the metrics could not be had")

TABLE: tuple[Metric, ...] = tuple(one for one in tuple(globals().values()) if isinstance(one, Metric))


def names() -> Mapping[str, tuple[str, ...]]:
    """Every series by the name that queries give it, with its labels; of a histogram its three."""
    found: dict[str, tuple[str, ...]] = {}
    for one in TABLE:
        if one.kind is not Kind.HISTOGRAM:
            found[one.shown] = one.labels
            continue
        found |= dict.fromkeys((f"{one.shown}_sum", f"{one.shown}_count"), one.labels)
        found[f"{one.shown}_bucket"] = (*one.labels, "le")
    return found
