"""What a stream's life tells to whoever watches, and the moments that it is told with.

The rule: everything that is told of a stream in a worker is told here, so that its life says in a word what happened.
Seconds are this worker's; of a moment that lies before its claim only the submit is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.stream.accounts import NANO
from app.stream.ledger.lines import Sums
from app.stream.log import Claim, Status
from app.stream.observing import tell
from app.watch.events import of_processes, of_streams
from app.watch.events.subjects import Subject, word
from worker.life.checkpoint import Checkpoint
from worker.life.steps import End, Restart, Retry

# A call that was given up by us has no status.
GIVEN_UP = 0


class Chronicle:
    """One stream's, under one claim. `clock` is the loop's."""

    def __init__(self, claim: Claim, found: Checkpoint, clock: Callable[[], float]) -> None:
        self.of = Subject(claim.stream_id, found.owner, client_request_id=found.client_request_id, trace=found.trace)
        self._model = word(found.model)
        self._clock = clock
        self._claimed_at = clock()
        self._born = self._claimed_at - found.elapsed
        self._attempt = found.progress.attempts
        self._status = GIVEN_UP
        self._call_at = self._claimed_at
        self._first_call_at: float | None = None
        self._first_at: float | None = None
        self._turns = len(found.turns.finished)  # that are over

    def claimed(self, claim: Claim, found: Checkpoint) -> None:
        held = found.held_seconds if found.held else 0.0
        tell(of_streams.Claimed(self.of, self._attempt, self._model, found.elapsed, claim.times, found.held, held))
        cause = of_streams.TakeOver.STALLED if claim.stalled else found.reason
        if not found.held and (claim.stalled or found.handed_over or claim.times > 1):
            tell(of_streams.TakenOver(self.of, self._attempt, cause, found.progress.content))

    def held(self, seconds: float, *, parked: bool) -> None:
        tell(of_streams.Held(self.of, self._attempt + 1, self._model, seconds, parked))

    def goes_on(self, attempt: int, step: Retry | Restart) -> None:
        kind = of_streams.Retried if isinstance(step, Retry) else of_streams.Restarted
        tell(kind(self.of, attempt, word(step.reason), step.wait, self._status))

    def call_started(self, attempt: int) -> None:
        self._attempt, self._status = attempt, GIVEN_UP
        if not self._turns:  # people have waited for the first one's
            self._first_at = None
        self._call_at = self._clock()
        if attempt == 1 and self._first_call_at is None:  # one that was refused comes again as the first
            self._first_call_at = self._call_at
        tell(of_streams.CallStarted(self.of, attempt, self._model))

    def call_ended(self, status: int, reason: str, upstream_request_id: str) -> None:
        """`reason` is empty for a message that is whole."""
        self._status = status
        seconds = self._clock() - self._call_at
        ids = word(upstream_request_id)
        tell(of_streams.CallEnded(self.of, self._attempt, self._model, status, word(reason), seconds, ids))

    def call_paid(self, model: str, before: Sums, after: Sums) -> None:
        """The sums over all calls, before this one and with it."""
        told = of_streams.CallPaid(
            self.of,
            word(model),
            input_tokens=after.input - before.input,
            output_tokens=after.output - before.output,
            cache_read_tokens=after.cache_read - before.cache_read,
            cache_write_tokens=after.cache_write - before.cache_write,
            cost_usd=None if after.unpriced > before.unpriced else (after.nano - before.nano) / NANO,
        )
        tell(told)

    def turn_over(self) -> None:
        """Its Message is whole, and something of ours follows."""
        self._turns += 1

    def tool_ran(self, name: str, seconds: float, *, failed: bool) -> None:
        tell(of_streams.ToolRan(self.of, self._attempt, word(name), seconds, failed))

    def person_asked(self) -> None:
        tell(of_streams.PersonAsked(self.of, self._attempt))

    def first_content(self) -> None:
        if self._turns:
            return
        self._first_at = now = self._clock()
        since = (now - self._born, now - self._claimed_at, now - self._call_at)
        tell(of_streams.FirstContent(self.of, self._attempt, self._model, *since))

    def silent(self, seconds: float) -> None:
        tell(of_streams.Silent(self.of, self._attempt, seconds))

    def append_refused(self, status: Status, error: str = "") -> None:
        tell(of_streams.AppendRefused(self.of, status, error))

    def ended(
        self,
        end: End,
        attempts: int,
        stop_reason: str | None,
        usage: Mapping[str, Any],
        cost_usd: float | None,
        *,
        output_bytes: int = 0,
    ) -> None:
        """`usage` in the Messages API's shape; `output_bytes` are what the newest call has said in."""
        now = self._clock()
        tell(
            of_streams.Ended(
                self.of,
                self._model,
                end.outcome,
                error_type=word(end.error.type) if end.error is not None else "",
                why=end.why,
                stop_reason=word(stop_reason or ""),
                attempts=attempts,
                input_tokens=_count(usage, "input_tokens"),
                output_tokens=_count(usage, "output_tokens"),
                cache_read_tokens=_count(usage, "cache_read_input_tokens"),
                cache_write_tokens=_count(usage, "cache_creation_input_tokens"),
                cost_usd=cost_usd,
                seconds=now - self._born,
                waited_seconds=None if self._first_call_at is None else self._first_call_at - self._born,
                first_content_seconds=None if self._first_at is None else self._first_at - self._born,
                writing_seconds=None if self._first_at is None or self._turns else now - self._first_at,
                output_bytes=output_bytes,
            )
        )

    def partial_recovered(self) -> None:
        tell(of_streams.PartialRecovered(self.of))

    def ending_unwritten(self) -> None:
        tell(of_streams.EndingUnwritten(self.of))

    def fault(self, error: BaseException) -> None:
        tell(of_processes.Fault.met("stream", error, self.of))


def _count(usage: Mapping[str, Any], name: str) -> int | None:
    value = usage.get(name)
    return value if isinstance(value, int) else None
