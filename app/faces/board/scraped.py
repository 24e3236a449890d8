"""The metrics of a front: what is sampled of it, and `GET /metrics` on its own port, for operators.

The rule: with a port of their own for the metrics they are not here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager

from redis.asyncio import Redis
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.fanout.hub import Hub
from app.http.health import Readiness
from app.http.operators import check_operator
from app.http.who import Who
from app.settings import Settings
from app.stream.counts.distribution import Distribution
from app.stream.redis.accord import Accord
from app.stream.redis.known import server_of
from app.stream.workers.standing import standing
from app.watch.metrics.exposition import Page
from app.watch.metrics.metrics_observer import Metrics
from app.watch.metrics.numbers import FrontNumbers
from app.watch.metrics.parts import front_metrics
from app.watch.metrics.running import running
from app.watch.metrics.series import Shown


def page_of(metrics: Metrics | None, settings: Settings) -> Callable[[str], Page] | None:
    """What makes the page that a front's own port serves; None where it serves none."""
    return None if metrics is None or settings.metrics_port is not None else metrics.page


def routes(who: Who, page: Callable[[str], Page] | None) -> list[Route]:
    """Of a front whose metrics `page` shows."""
    if page is None:
        return []

    async def metrics(request: Request) -> Response:
        await check_operator(request, who)
        shown = page(",".join(request.headers.getlist("accept")))
        return Response(shown.body, headers={"content-type": shown.content_type})

    return [Route("/metrics", metrics, methods=["GET"])]


def measuring(
    metrics: Metrics | None,
    settings: Settings,
    redis: Redis,
    *,
    hub: Hub,
    accord: Accord,
    ready: Readiness,
    logs: Redis | None = None,
) -> AbstractAsyncContextManager[str | None]:
    """Within, all of a front is measured. Gives the address of the metrics' own port, where there is one."""
    elsewhere = None if logs is redis else logs
    servers = [server_of(client) for client in (redis, elsewhere) if client is not None]

    def read() -> Iterable[Shown]:
        away = any(server.is_away for server in servers)
        is_ready = ready.fallen is None and not hub.draining and not away
        return front_metrics.read(sampled(hub, accord.lag, ready=is_ready))

    return running(metrics, settings, read, lambda: standing(redis, settings.lease_seconds, elsewhere))


def sampled(hub: Hub, lag: Distribution, *, ready: bool) -> FrontNumbers:
    """What a front has now. `lag`: of its channel."""
    tails = hub.tails
    return FrontNumbers(
        readers=sum([len(tail.readers) for tail in tails]),
        tails=len(tails),
        sent_bytes=hub.sent.bytes,
        catchup_reads=hub.log.reads,
        channel_lag=lag,
        ready=ready,
        draining=hub.draining,
    )
