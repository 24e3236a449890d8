"""What a worker counts, and what is read of it."""

from __future__ import annotations

from collections.abc import Iterator

from app.watch.events import of_streams
from app.watch.events.subjects import word
from app.watch.metrics import table
from app.watch.metrics.labels import NAMES_MAX, OUTCOMES, STOP_REASONS, TOKEN_KINDS, FirstFew, one_of, status
from app.watch.metrics.numbers import WorkerNumbers
from app.watch.metrics.series import Hears, Shown, Spread, Sum, by_label, now

COMPLETED = "completed"
# Another call for one of these was not the upstream's fault: `takeovers` counts it.
_TAKEN_OVER = frozenset(of_streams.TakeOver)


class WorkerMetrics:
    """Counted by what is told: `hears` says what each event counts."""

    def __init__(self) -> None:
        self._ended = Sum(table.STREAMS_ENDED)
        self._seconds = Spread(table.STREAM_SECONDS)
        self._dispatch = Spread(table.DISPATCH_SECONDS)
        self._first_content = Spread(table.FIRST_CONTENT_SECONDS)
        self._speed = Spread(table.TOKENS_PER_SECOND)
        self._calls = Sum(table.CALLS)
        self._retries = Sum(table.RETRIES)
        self._tool_calls = Sum(table.TOOL_CALLS)
        self._tool_seconds = Spread(table.TOOL_SECONDS)
        self._takeovers = Sum(table.TAKEOVERS)
        self._recovered = Sum(table.PARTIALS_RECOVERED)
        self._refused = Sum(table.APPENDS_REFUSED)
        self._tokens = Sum(table.TOKENS)
        self._cost = Sum(table.COST_USD)
        self._reasons, self._causes, self._statuses = FirstFew(), FirstFew(), FirstFew()
        self._models, self._tools = FirstFew(NAMES_MAX), FirstFew(NAMES_MAX)

        self.hears: Hears = {
            of_streams.Claimed: self._claimed,
            of_streams.FirstContent: self._first_content_came,
            of_streams.CallEnded: self._call_ended,
            of_streams.CallPaid: self._call_paid,
            of_streams.Retried: self._called_again,
            of_streams.Restarted: self._called_again,
            of_streams.ToolRan: self._tool_ran,
            of_streams.TakenOver: self._taken_over,
            of_streams.PartialRecovered: self._partial_recovered,
            of_streams.AppendRefused: self._append_refused,
            of_streams.Ended: self._stream_ended,
        }

    def _claimed(self, event: of_streams.Claimed) -> None:
        if event.times == 1 and not event.attempt and not event.from_gate:  # nobody had it before
            self._dispatch.add(event.waited_seconds)

    def _first_content_came(self, event: of_streams.FirstContent) -> None:
        self._first_content.add(event.since_submit_seconds, "submit")
        self._first_content.add(event.since_claim_seconds, "claim")
        self._first_content.add(event.since_call_seconds, "call")

    def _call_ended(self, event: of_streams.CallEnded) -> None:
        self._calls.add(status(event.status))

    def _call_paid(self, event: of_streams.CallPaid) -> None:
        model = self._models(event.model)
        used = (event.input_tokens, event.output_tokens, event.cache_read_tokens, event.cache_write_tokens)
        for kind, count in zip(TOKEN_KINDS, used, strict=True):
            self._tokens.add(model, kind, by=count)
        if event.cost_usd is not None:
            self._cost.add(model, by=event.cost_usd)

    def _called_again(self, event: of_streams.Retried | of_streams.Restarted) -> None:
        if event.reason not in _TAKEN_OVER:
            self._retries.add(self._reasons(event.reason))

    def _tool_ran(self, event: of_streams.ToolRan) -> None:
        self._tool_calls.add(self._tools(event.tool), "fault" if event.failed else "result")
        self._tool_seconds.add(event.seconds)

    def _taken_over(self, event: of_streams.TakenOver) -> None:
        self._takeovers.add(self._causes(event.cause))

    def _partial_recovered(self, _: of_streams.PartialRecovered) -> None:
        self._recovered.add()

    def _append_refused(self, event: of_streams.AppendRefused) -> None:
        self._refused.add(self._statuses(event.status))

    def _stream_ended(self, event: of_streams.Ended) -> None:
        self._ended.add(one_of(OUTCOMES, event.outcome), one_of(STOP_REASONS, event.stop_reason))
        if event.seconds is not None:
            self._seconds.add(event.seconds)
        # An answer that was given without a call was written as fast as Redis takes it.
        if event.outcome == COMPLETED and event.attempts and event.output_tokens and event.writing_seconds:
            self._speed.add(event.output_tokens / event.writing_seconds)

    def counted(self) -> Iterator[Shown]:
        sums = (self._ended, self._calls, self._retries, self._takeovers, self._recovered, self._refused)
        for one in (*sums, self._tokens, self._cost, self._tool_calls):
            yield one.shown()
        for spread in (self._seconds, self._dispatch, self._first_content, self._speed, self._tool_seconds):
            yield spread.shown()


def read(numbers: WorkerNumbers) -> Iterator[Shown]:
    yield now(table.STREAMS_RUNNING, numbers.running)
    yield now(table.STREAMS_CAPACITY, numbers.capacity)
    yield now(table.DRAINING, numbers.draining)
    yield now(table.APPEND_BATCH_FRAMES, numbers.batch_frames)
    limits = {word(name): limit for name, limit in numbers.limits.items()}
    yield by_label(table.UPSTREAM_REMAINING, {name: limit.left for name, limit in limits.items()})
    yield by_label(table.UPSTREAM_LIMIT, {name: limit.most for name, limit in limits.items()})
