"""The metrics as an observer, and who asks for them."""

from __future__ import annotations

from threading import Thread

import pytest

from app.watch.events import of_fronts
from app.watch.metrics.table import Of
from tests.app.watch.metrics.made import metrics_of, shown


def test_who_asks_without_end_is_given_the_same_page_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    metrics = metrics_of(Of.FRONT)
    monkeypatch.setattr("app.watch.metrics.metrics_observer.time.perf_counter", lambda: now[0])
    real = metrics._exposition.page

    def slow(form: str) -> object:
        now[0] += 0.01  # it takes so long to make one
        return real(form)

    monkeypatch.setattr(metrics._exposition, "page", slow)
    first = metrics.page()
    now[0] += 0.05
    assert metrics.page() is first
    now[0] += 0.05
    assert metrics.page() is not first


def test_what_threads_tell_at_once_is_all_counted() -> None:
    metrics = metrics_of(Of.FRONT)

    def tell_much() -> None:
        for number in range(2000):
            metrics.told(of_fronts.CallerRefused(f"word-{number % 40}"))

    threads = [Thread(target=tell_much) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        metrics.page()
    counted = {name: count for name, count in shown(metrics).items() if name.startswith("refused_total{reason=word")}
    assert sum(counted.values()) == 8000
