from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "a page that has pointed its own name here reads the metrics",
        "app/watch/metrics/port.py",
        "elif self._names is not None and not is_called(",
        "elif False and not is_called(",
    ),
    Mutation(
        "a call after a take-over is the upstream's failure",
        "app/watch/metrics/parts/worker_metrics.py",
        "        if event.reason not in _TAKEN_OVER:",
        "        if event.reason:",
    ),
    Mutation(
        "whoever names a model makes a series",
        "app/watch/metrics/labels.py",
        "len(self._known) < self._most:",
        "self._most:",
    ),
    Mutation(
        "what Redis said long ago is shown as what is",
        "app/watch/metrics/parts/queue_metrics.py",
        "time.monotonic() - self._heard[0] > FRESH_SECONDS",
        "False",
    ),
    Mutation(
        "who asks for metrics without end is given a new page each time",
        "app/watch/metrics/metrics_observer.py",
        "if page is None or began >= until:",
        "if True:",
    ),
    Mutation(
        "what threads tell at once is counted once",
        "app/watch/metrics/series.py",
        "values.get(labels, 0.0) + by",
        "by",
    ),
    Mutation(
        "a process without its metrics' port is none",
        "app/watch/metrics/port.py",
        "        except (OSError, OverflowError, UnicodeError) as error:",
        "        except ZeroDivisionError as error:",
    ),
    Mutation(
        "any number may hold the metrics' port at once",
        "app/watch/metrics/port.py",
        "if len(self._others) >= CONNECTIONS_MAX:",
        "if False:",
    ),
    Mutation(
        "who says nothing holds the metrics' port for ever",
        "app/watch/metrics/port.py",
        ".call_later(SECONDS, self.abort)",
        ".call_later(3600, self.abort)",
    ),
    Mutation(
        "an answer of Redis that two tell of is two",
        "app/watch/metrics/parts/process_metrics.py",
        "        if not event.again:",
        "        if event:",
    ),
)
