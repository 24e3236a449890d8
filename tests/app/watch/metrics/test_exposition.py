"""The page of metrics: what is on it, in both forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from prometheus_client import REGISTRY
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families as families

from app.stream.workers.standing import Standing
from app.watch.metrics.exposition import OPENMETRICS
from app.watch.metrics.parts.queue_metrics import QueueMetrics
from app.watch.metrics.table import TABLE, Of, names
from tests.app.watch.metrics.made import STANDING, metrics_of
from tests.app.watch.vocabulary import example, kinds


@pytest.mark.parametrize("of", [Of.FRONT, Of.WORKER])
@pytest.mark.parametrize(("accept", "read"), [("", families), (f"{OPENMETRICS};version=1.0.0,*/*", open_families)])
def test_the_page_is_read_by_the_library_and_has_only_what_is_in_the_table(
    of: Of, accept: str, read: Callable[[str], Iterator[object]]
) -> None:
    metrics = metrics_of(of)
    for kind in kinds():
        metrics.told(example(kind))
    page = metrics.page(accept)
    assert page.content_type.startswith(OPENMETRICS if accept else "text/plain")
    found = {
        sample.name: set(sample.labels)
        for family in read(page.body.decode())
        for sample in family.samples  # type: ignore[attr-defined]
        if not sample.name.startswith("process_")
    }
    assert {name: labels for name, labels in found.items() if labels != set(names().get(name, ("not there",)))} == {}
    assert not any(name.endswith("_created") for name in found)


async def test_all_of_the_table_is_shown_by_the_process_that_has_it() -> None:
    async def look() -> Standing:
        return STANDING

    front, worker, queue = metrics_of(Of.FRONT), metrics_of(Of.WORKER), QueueMetrics(look)
    front.samples(queue.counted)
    await queue.look()
    pages = {one: one.page().body.decode() for one in (front, worker)}
    whose = {Of.FRONT: (front,), Of.QUEUE: (front,), Of.WORKER: (worker,), Of.BOTH: (front, worker)}
    missing = {one.shown for one in TABLE for process in whose[one.of] if f"# TYPE {one.shown} " not in pages[process]}
    assert missing == set()


def test_nothing_of_it_is_in_the_librarys_own_registry() -> None:
    metrics_of(Of.FRONT).page()
    assert not any("keepstream" in family.name for family in REGISTRY.collect())
