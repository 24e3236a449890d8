"""The metrics of a process while it runs: what is measured by a timer or a beat of its own, and the port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from app.settings import Settings
from app.stream.concurrency.tasks import Supervised
from app.stream.workers.standing import Standing
from app.watch.metrics.metrics_observer import Metrics
from app.watch.metrics.parts.queue_metrics import QueueMetrics
from app.watch.metrics.series import Shown


@asynccontextmanager
async def running(
    metrics: Metrics | None,
    settings: Settings,
    read: Callable[[], Iterable[Shown]],
    look: Callable[[], Awaitable[Standing]] | None = None,
    missing: Callable[[], str | None] | None = None,
) -> AsyncIterator[str | None]:
    """Within, `read` is asked for what is sampled, and `look` for what stands in Redis; `missing` as of `MetricsPort`.

    Gives the address of the metrics' own port; None where there is none, or it cannot be had.
    """
    if metrics is None:
        yield None
        return
    async with AsyncExitStack() as stack:
        metrics.samples(read)
        if look is not None:
            queue = QueueMetrics(look)
            metrics.samples(queue.counted)
            await stack.enter_async_context(Supervised("queue-metrics", queue.watch))
        metrics.loop_lag.start()
        stack.callback(metrics.loop_lag.stop)
        if settings.metrics_port is None:
            yield None
            return
        from app.watch.metrics.port import MetricsPort  # noqa: PLC0415  # its parser is for who has such a port

        host = settings.metrics_host or settings.host
        made = MetricsPort(host, settings.metrics_port, metrics.page, missing, settings.hosts)
        port = await stack.enter_async_context(made)
        metrics.unserved = lambda: port.tries
        yield port.address
