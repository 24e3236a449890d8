"""All mutations. The rule: a row stands in the module of its file's folder, or in `elsewhere` where it has none."""

from __future__ import annotations

from pathlib import PurePosixPath

from tests.mutations import elsewhere, k8s, stream_cluster, terminal, web
from tests.mutations.app import (
    access,
    faces,
    fanout,
    http,
    http_connection,
    intake,
    limits,
    stream,
    stream_queue,
    stream_scripts,
    watch,
    watch_metrics,
)
from tests.mutations.clients import js, python
from tests.mutations.faces import chat, conversations, durable
from tests.mutations.mutation import Mutation
from tests.mutations.scripts import log_scripts, newer_scripts
from tests.mutations.worker import claims, life, life_asking, life_saving, log, schemas, tooling, tools, upstream

ROOMS = {
    "app/access": access.ROWS,
    "app/access/limits": limits.ROWS,
    "app/clients/js": js.ROWS,
    "app/clients/python": python.ROWS,
    "app/http": http.ROWS,
    "app/http/connection": http_connection.ROWS,
    "app/intake": intake.ROWS,
    "app/fanout": fanout.ROWS,
    "app/faces": faces.ROWS,
    "app/faces/chat": chat.ROWS,
    "app/faces/conversations": conversations.ROWS,
    "app/faces/durable": durable.ROWS,
    "app/watch": watch.ROWS,
    "app/watch/metrics": watch_metrics.ROWS,
    "app/stream": stream.ROWS,
    "app/stream/redis/cluster": stream_cluster.ROWS,
    "app/stream/scripts": stream_scripts.ROWS,
    "app/stream/scripts/log": log_scripts.ROWS,
    "app/stream/scripts/queue": (*stream_queue.ROWS, *newer_scripts.ROWS),
    "app/terminal/drill": terminal.DRILL,
    "app/terminal/probe": terminal.PROBE,
    "app/web": web.ROWS,
    "worker/claims": claims.ROWS,
    "worker/life": life.ROWS,
    "worker/life/asking": life_asking.ROWS,
    "worker/life/saving": life_saving.ROWS,
    "worker/schemas": schemas.ROWS,
    "worker/life/tooling": tooling.ROWS,
    "worker/tools": tools.ROWS,
    "worker/upstream": upstream.ROWS,
    "worker/log": log.ROWS,
    "deploy/k8s": k8s.ROWS,
    "elsewhere": elsewhere.ROWS,
}
MUTATIONS: tuple[Mutation, ...] = tuple(row for rows in ROOMS.values() for row in rows)


def room_of(file: str) -> str:
    """Where a mutation of this file is told."""
    return next((str(folder) for folder in PurePosixPath(file).parents if str(folder) in ROOMS), "elsewhere")
