"""What a front counts, and what is read of it."""

from __future__ import annotations

from collections.abc import Iterator

from app.watch.events import of_fronts, of_streams
from app.watch.events.subjects import OTHER
from app.watch.metrics import table
from app.watch.metrics.labels import (
    DELIVERIES,
    NAMES_MAX,
    OUTCOMES,
    RATINGS,
    STOP_REASONS,
    FirstFew,
    class_word,
    one_of,
    status,
)
from app.watch.metrics.numbers import FrontNumbers
from app.watch.metrics.series import Hears, Shown, Spread, Sum, by_label, now

# Of a tail's reads these are no repairs: the first one, and the last.
USUAL = frozenset({"opened", "ending"})
# Routes are paths of ours, with names in braces for what clients put there: more than there are.
ROUTES_MAX = 100


class FrontMetrics:
    """Counted by what is told: `hears` says what each event counts."""

    def __init__(self) -> None:
        self._opens = Sum(table.READER_OPENS)
        self._closed = Sum(table.READER_CLOSED)
        self._resets = Sum(table.READER_RESETS)
        self._repairs = Sum(table.REPAIRS)
        self._requests = Sum(table.HTTP_REQUESTS)
        self._submits = Spread(table.SUBMIT_SECONDS)
        self._refused = Sum(table.REFUSED)
        self._feedback = Sum(table.FEEDBACK)
        self._ended = Sum(table.STREAMS_ENDED)
        self._faces, self._closings, self._reset_words = FirstFew(), FirstFew(), FirstFew()
        self._causes, self._refusals = FirstFew(), FirstFew()
        self._models = FirstFew(NAMES_MAX)
        self._routes = FirstFew(ROUTES_MAX, str)

        self.hears: Hears = {
            of_fronts.RequestServed: self._request_served,
            of_fronts.ReaderJoined: self._reader_joined,
            of_fronts.ReaderServed: self._reader_served,
            of_fronts.ReaderTurnedAway: self._reader_turned_away,
            of_fronts.ReaderLeft: self._reader_left,
            of_fronts.ReaderReset: self._reader_reset,
            of_fronts.TailRepaired: self._tail_repaired,
            of_fronts.CallerRefused: self._caller_refused,
            of_fronts.AnswerRated: self._answer_rated,
            of_streams.Submitted: self._submitted,
            of_streams.Refused: self._prompt_refused,
            of_streams.Ended: self._stream_ended,
        }

    def _request_served(self, event: of_fronts.RequestServed) -> None:
        self._requests.add(self._routes(event.route or OTHER), status(event.status))

    def _reader_joined(self, event: of_fronts.ReaderJoined) -> None:
        self._opens.add(self._faces(event.face), "resume" if event.resumed else "new")

    def _reader_served(self, event: of_fronts.ReaderServed) -> None:
        self._opens.add(self._faces(event.face), "resume" if event.resumed else "new")
        self._closed.add("ended")

    def _reader_turned_away(self, event: of_fronts.ReaderTurnedAway) -> None:
        self._opens.add(self._faces(event.face), "refused")

    def _reader_left(self, event: of_fronts.ReaderLeft) -> None:
        self._closed.add(self._closings(event.reason))

    def _reader_reset(self, event: of_fronts.ReaderReset) -> None:
        self._resets.add(self._reset_words(event.reason), by=event.readers)

    def _tail_repaired(self, event: of_fronts.TailRepaired) -> None:
        if event.cause not in USUAL:
            self._repairs.add(self._causes(event.cause))

    def _submitted(self, event: of_streams.Submitted) -> None:
        self._submits.add(event.seconds)

    def _prompt_refused(self, event: of_streams.Refused) -> None:
        self._refused.add(self._refusals(class_word(event.reason)))

    def _caller_refused(self, event: of_fronts.CallerRefused) -> None:
        self._refused.add(self._refusals(event.reason))

    def _answer_rated(self, event: of_fronts.AnswerRated) -> None:
        if event.kind != "noted":  # other words for the rating that was counted
            rating = one_of(RATINGS, str(event.rating))
            self._feedback.add(self._models(event.model), one_of(DELIVERIES, event.delivery), rating)

    def _stream_ended(self, event: of_streams.Ended) -> None:
        self._ended.add(one_of(OUTCOMES, event.outcome), one_of(STOP_REASONS, event.stop_reason))

    def counted(self) -> Iterator[Shown]:
        sums = (self._opens, self._closed, self._resets, self._repairs, self._requests, self._refused, self._ended)
        for one in (*sums, self._feedback):
            yield one.shown()
        yield self._submits.shown()


def read(numbers: FrontNumbers) -> Iterator[Shown]:
    yield now(table.READERS, numbers.readers)
    yield now(table.TAILS, numbers.tails)
    yield now(table.SENT_BYTES, numbers.sent_bytes)
    yield by_label(table.CATCHUP_READS, numbers.catchup_reads)
    yield now(table.CHANNEL_LAG, numbers.channel_lag)
    yield now(table.READY, numbers.ready)
    yield now(table.DRAINING, numbers.draining)
