"""A server that plays made-up boards: the page and the terminal see moments that a real deployment is rarely in.

The rule: it says what a front says, byte for byte where a client could tell; and nothing moves but by a test's hand.
"""

from __future__ import annotations

import asyncio
import copy
import socket
from collections.abc import AsyncIterator
from typing import Any, Self

import orjson
import uvicorn
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.http import static
from tests.harness.boards import made_up

KEY = "ks_of-an-operator"
BEAT_SECONDS = 1.0
STORY = (
    (0.0, "submitted by ada for claude-sonnet-5, 2 before it"),
    (0.31, "claimed by worker-1:7:11b2c3d4"),
    (0.35, "call 1 was made"),
    (0.82, "call 1 was answered, request id req_011CSHoEeqs5C35K2UUqR7Fy"),
    (1.2, "first content"),
    (21.4, "the worker that had it was lost; worker-2:7:22b2c3d4 took it over"),
    (21.9, "3 readers came"),
)


class Playing:
    """`shown` is sent at once and then each second; `held` sends nothing; `away` closes what is open, and refuses."""

    def __init__(self, shown: made_up.Shown | None = None) -> None:
        self.shown = shown or made_up.calm()
        self.streams: list[made_up.Shown] | None = None
        self.wants_key = False
        self.may = True
        self.held = False
        self.away = False
        self._closings = 0
        self.cancelled: list[str] = []
        self.heard: list[str] = []
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        routes = [
            Route("/ops", self._page),
            Route("/ops/events", self._events),
            Route("/ops/streams", self._list),
            Route("/ops/streams/{id}/timeline", self._timeline),
            Route("/ops/streams/{id}/cancel", self._cancel, methods=["POST"]),
            Route("/session", self._session, methods=["POST"]),
            *static.routes("", {}),
        ]
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(Starlette(routes=routes), log_config=None, lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._running = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started:
            await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.should_exit = True
        await self.change(away=True)
        await self._running

    async def show(self, shown: made_up.Shown, streams: list[made_up.Shown] | None = None) -> None:
        """What everybody sees from now on."""
        self.streams = streams
        await self.change(shown=shown)

    async def change(self, **what: Any) -> None:
        for name, value in what.items():
            setattr(self, name, value)
        self._closings += self.away  # also for who looks only when it is back
        async with self._changed:
            self._changed.notify_all()

    def _refusal(self, request: Request) -> Response | None:
        self.heard.append(f"{request.method} {request.url.path} {request.headers.get('origin', '-')}")
        key = request.headers.get("x-api-key") or request.cookies.get("keepstream")
        if self.wants_key and key is None:
            return refused(401, "this is for operators: send a key that has the right admin")
        return None if self.may else refused(403, "only a key or token with the right admin may see this")

    async def _page(self, request: Request) -> Response:
        no = self._refusal(request)
        return static.board(request, "", no.status_code if no else 200)

    async def _events(self, request: Request) -> Response:
        if no := self._refusal(request):
            return no
        if self.away:
            return refused(503, "this front is shutting down; try again")
        return EventSourceResponse(self._snapshots(), ping=3600)

    async def _snapshots(self) -> AsyncIterator[dict[str, Any]]:
        yield {"retry": 1000}
        beat, opened = 0, self._closings
        while self._closings == opened:
            if not self.held:
                now = copy.deepcopy(self.shown)
                now["time"] = now["time"] and now["time"] + beat
                yield {"data": orjson.dumps(made_up.judged(now)).decode()}
                beat += 1
            async with self._changed:
                try:
                    await asyncio.wait_for(self._changed.wait(), BEAT_SECONDS)
                except TimeoutError:
                    continue

    async def _list(self, request: Request) -> Response:
        if no := self._refusal(request):
            return no
        return JSONResponse({"data": made_up.streams_of(self.shown) if self.streams is None else self.streams})

    async def _timeline(self, request: Request) -> Response:
        if no := self._refusal(request):
            return no
        stream_id = request.path_params["id"]
        rows = {row["id"]: row for row in made_up.streams_of(self.shown)}
        if stream_id not in rows:
            return refused(404, "there is no such stream")
        ended = stream_id in self.cancelled or rows[stream_id]["state"] == "ended"
        story = [*STORY, (24.0, "an operator asked to cancel it"), (24.1, "cancelled")] if ended else STORY
        told = [{"at": at(seconds), "event": "stream.claimed", "text": text} for seconds, text in story]
        why = "cancelled: an operator asked to cancel it" if ended else "it runs: call 1 is being answered"
        state = "ended" if ended else rows[stream_id]["state"]
        return JSONResponse({"id": stream_id, "state": state, "why": why, "data": told, "left_out": 0})

    async def _cancel(self, request: Request) -> Response:
        if no := self._refusal(request):
            return no
        self.cancelled.append(request.path_params["id"])
        return JSONResponse({"id": request.path_params["id"], "state": "running"}, 202)

    async def _session(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return refused(401, "this key is not known")
        return Response(status_code=204, headers={"set-cookie": "keepstream=opened; Path=/; HttpOnly; SameSite=Strict"})


def refused(status: int, message: str) -> Response:
    kind = {401: "authentication_error", 403: "permission_error", 404: "not_found_error"}.get(status, "api_error")
    return JSONResponse({"type": "error", "error": {"type": kind, "message": message}}, status)


def at(seconds: float) -> str:
    return f"2026-11-27T18:40:{seconds:06.3f}Z"
