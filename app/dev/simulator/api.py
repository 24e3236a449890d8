"""A request to its reply: the routes of the Messages API, and of the test hook.

Here it is decided what happens; nothing here writes, waits or looks at a clock.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from math import ceil
from secrets import token_hex
from typing import Any

import orjson

from app.dev.simulator.answer.events import dumps, frames, message
from app.dev.simulator.answer.formats import schema_of
from app.dev.simulator.answer.hearing import demanding_text, directive_text
from app.dev.simulator.answer.plan import Plan, input_tokens, plan
from app.dev.simulator.answer.titling import title_for
from app.dev.simulator.calls import Calls, Metered
from app.dev.simulator.directives import Directives
from app.dev.simulator.faults import Ending, steps
from app.dev.simulator.prompts import DirectiveError, parse
from app.dev.simulator.replaying.replay import Replay
from app.dev.simulator.reply import Headers, Nothing, Pace, Reply, Request, Stream, Whole
from app.dev.simulator.rules import models
from app.dev.simulator.rules.buckets import Buckets, Rates, rates_of
from app.dev.simulator.rules.caching import Caches
from app.dev.simulator.rules.checks import check_count_request, check_key, check_message_request, check_version
from app.dev.simulator.rules.errors import ApiError, default_message, error_body, status_of, type_of
from app.dev.simulator.rules.holding import Threads
from app.dev.simulator.rules.limits import Limits

OK = 200
ORGANIZATION = "00000000-51ed-4c1a-8000-000000000000"
# On every answer, so that whoever shows one can say that nobody thought of it.
SIMULATED = "x-keepstream-simulated"
# What `echo` shows of a request's headers. Never a key, and nothing that differs between two like calls.
ECHOED = ("accept", "content-type", "idempotency-key", "last-event-id", "user-agent")

Route = Callable[[Request, str], Reply]


class Api:
    def __init__(self, pace: Pace, rates: Rates | None = None, replay: Replay | None = None) -> None:
        self._pace = pace
        self._replay = replay
        self._limits = Limits()
        self._buckets = Buckets(rates or Rates())
        self._caches = Caches()
        self._threads = Threads()
        self.calls = Calls()
        self._routes: dict[tuple[str, str], Route] = {
            ("GET", "/"): self._alive,
            ("HEAD", "/"): self._alive,
            ("POST", "/v1/messages"): self._messages,
            ("POST", "/v1/messages/count_tokens"): self._count_tokens,
            ("GET", "/v1/models"): self._models,
            ("GET", "/_sim/calls"): self._show_calls,
            ("GET", "/_sim/meter"): self._show_meter,
            ("POST", "/_sim/reset"): self._reset,
            ("POST", "/_sim/rates"): self._set_rates,
        }

    def reply(self, request: Request) -> Reply:
        request_id = f"req_011C{token_hex(10)}"
        try:
            return self._route(request)(request, request_id)
        except ApiError as error:
            call = self.calls.begin(None, str(error.status)) if request.path == "/v1/messages" else None
            return replace(_failure(error, request_id), call=call)

    def _route(self, request: Request) -> Route:
        if request.too_large:
            raise ApiError(413, default_message("request_too_large"))
        if request.method == "GET" and request.path.startswith("/v1/models/"):
            return self._model
        if route := self._routes.get((request.method, request.path)):
            return route
        if any(path == request.path for _, path in self._routes):
            raise ApiError(405, "Method Not Allowed")
        raise ApiError(404, "Not Found")

    def _alive(self, _request: Request, request_id: str) -> Reply:
        return _json({"status": "ok", "service": "simulated Claude"}, request_id)

    def _messages(self, request: Request, request_id: str) -> Reply:
        check_key(request.headers)
        check_version(request.headers)
        body = check_message_request(request.body, self._threads.whole)
        model = body["model"]
        if wait := self._buckets.take(model, input_tokens(body)):
            return self._over_the_limit(body, wait, request_id)
        if self._replay is not None:
            return self._replayed(self._replay, body, request_id)
        title = title_for(body)
        asked = self._directives(body) if title is None else Directives(text=title)
        if asked.echo:
            asked = replace(asked, text=_echo(request, body))
        planned, message_id = plan(body, asked), _message_id()
        if "thread" in body:
            self._threads.hold(body, message(planned, message_id))
        self._buckets.spend(model, planned.output_tokens)
        headers = [
            *_common_headers(request_id),
            *(self._buckets.headers(model) if self._buckets.rates.of else self._limits.spend(planned, asked)),
        ]
        if asked.status is None and not asked.cut_head:
            planned = replace(planned, cached=self._caches.use(body))
        metered = self.calls.meter[request_id] = Metered(
            model, planned.plain_input_tokens, asked.tag, free=planned.declined, cached=planned.cached
        )
        if asked.cut_head:
            return Nothing(Ending.CLEAN, asked.slow_head or 0.0, self.calls.begin(asked.tag, "none"))
        if asked.status is not None:
            return self._refused(asked, headers, request_id)
        if body.get("stream"):
            return Stream(
                steps=steps(frames(planned, message_id), planned.output_tokens, asked, request_id),
                pace=self._pace.asked(asked),
                asked=asked,
                headers=[*headers, *_EVENTS],
                delay=asked.slow_head or 0.0,
                call=self.calls.begin(asked.tag, "200"),
                metered=metered,
            )
        reply = self._whole(planned, asked, headers, request_id, message_id)
        if isinstance(reply, Whole) and reply.status == OK:
            metered.says(planned.output_tokens)
        return reply

    def _replayed(self, replay: Replay, body: dict[str, Any], request_id: str) -> Reply:
        if not body.get("stream"):
            raise ApiError(400, "stream: what is replayed is a stream; send true")
        played, pace = replay.answer(body["messages"], self._pace)
        headers = [*_common_headers(request_id), *_EVENTS]
        return Stream(played, pace, Directives(), headers, 0.0, self.calls.begin(None, "200"))

    def _over_the_limit(self, body: dict[str, Any], wait: float, request_id: str) -> Reply:
        """A refusal says how long to wait in whole seconds, as the API does. It is no call for `times=`."""
        headers = [*_common_headers(request_id), *self._buckets.headers(body["model"])]
        asked = Directives(
            tag=self._directives(body, counted=False).tag,
            status=429,
            retry_after=float(ceil(wait)),
            slow_head=self._buckets.rates.refusal_delay,
        )
        return self._refused(asked, headers, request_id)

    def _directives(self, body: dict[str, Any], *, counted: bool = True) -> Directives:
        """What was asked for last, as far as it holds in this turn of a loop of tools."""
        look = directive_text if schema_of(body) is None else demanding_text
        text, turn = look(body["messages"])
        if "[[sim:" not in text:
            return Directives()
        try:
            return parse(text, self.calls.times(text if turn == 1 else f"{text}\0{turn}") if counted else 1, turn)
        except DirectiveError as error:
            raise ApiError(400, str(error)) from error

    def _refused(self, asked: Directives, headers: Headers, request_id: str) -> Reply:
        status = asked.status or 500
        kind = asked.error_type or type_of(status)
        optional = {
            "retry-after": None if asked.retry_after is None else f"{asked.retry_after:g}",
            "retry-after-ms": None if asked.retry_after_ms is None else str(asked.retry_after_ms),
            "x-should-retry": None if asked.should_retry is None else str(asked.should_retry).lower(),
        }
        headers = [*headers, *((name, value) for name, value in optional.items() if value is not None)]
        error = error_body(kind, asked.message or default_message(kind), request_id)
        self.calls.meter[request_id] = Metered(tag=asked.tag)
        call = self.calls.begin(asked.tag, str(status))
        return Whole(status, orjson.dumps(error), [*headers, _JSON], asked.slow_head or 0.0, call)

    def _whole(self, planned: Plan, asked: Directives, headers: Headers, request_id: str, message_id: str) -> Reply:
        """Not streaming: the same faults, as far as they can show without a stream."""
        delay = (asked.slow_head or 0.0) + self._pace.asked(asked).due(max(planned.output_tokens - 1, 0))
        delay += (asked.think or 0.0) + (asked.mute or 0.0) + (asked.buffer_tool or 0.0)
        if asked.error_after is not None:
            kind = asked.error_type or "overloaded_error"
            return self._refused(replace(asked, status=status_of(kind), error_type=kind), headers, request_id)
        if asked.stall_after is not None or asked.pings_after is not None:
            return Nothing(Ending.STALL, delay, self.calls.begin(asked.tag, "200"))
        if asked.end_after is not None or asked.cut_after is not None:
            return Nothing(Ending.RESET, delay, self.calls.begin(asked.tag, "200"))
        body = dumps(message(planned, message_id))
        if asked.bad_json_after is not None:
            body = body[: len(body) // 2]
        if asked.bad_utf8_after is not None:
            body = body.replace(b'"text":"', b'"text":"\xff\xfe')
        return Whole(200, body, [*headers, _JSON], delay, self.calls.begin(asked.tag, "200"))

    def _count_tokens(self, request: Request, request_id: str) -> Reply:
        check_key(request.headers)
        check_version(request.headers)
        return _json({"input_tokens": input_tokens(check_count_request(request.body))}, request_id)

    def _models(self, request: Request, request_id: str) -> Reply:
        check_key(request.headers)
        check_version(request.headers)
        return _json(models.page(request.query), request_id)

    def _model(self, request: Request, request_id: str) -> Reply:
        check_key(request.headers)
        check_version(request.headers)
        return _json(models.retrieve(request.path.removeprefix("/v1/models/")), request_id)

    def _show_calls(self, _request: Request, request_id: str) -> Reply:
        return _json(self.calls.as_json(), request_id)

    def _show_meter(self, _request: Request, request_id: str) -> Reply:
        return _json(self.calls.metered(), request_id)

    def _reset(self, _request: Request, request_id: str) -> Reply:
        self.calls.clear()
        self._caches.clear()
        return _json(self.calls.as_json(), request_id)

    def _set_rates(self, request: Request, request_id: str) -> Reply:
        """A rate limit from now on, all buckets full; without one in the query there is none any more."""
        try:
            self._buckets = Buckets(rates_of(request.query))
        except ValueError as error:
            raise ApiError(400, str(error)) from error
        return _json(self._buckets.rates.of, request_id)


_JSON = ("content-type", "application/json")
_EVENTS = [("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache")]


def _common_headers(request_id: str) -> Headers:
    return [("request-id", request_id), ("anthropic-organization-id", ORGANIZATION), (SIMULATED, "1")]


def _json(value: Any, request_id: str) -> Whole:
    return Whole(200, orjson.dumps(value), [*_common_headers(request_id), _JSON])


def _failure(error: ApiError, request_id: str) -> Whole:
    body = orjson.dumps(error_body(error.kind, error.message, request_id, error.details))
    return Whole(error.status, body, [*_common_headers(request_id), _JSON])


def _message_id() -> str:
    return f"msg_01{token_hex(11)}"


def _echo(request: Request, body: dict[str, Any]) -> str:
    shown = {name: value for name, value in request.headers.items() if name.startswith("anthropic-") or name in ECHOED}
    seen = {"headers": shown, "query": dict(request.query), "body": body}
    return f"```json\n{json.dumps(seen, indent=2, ensure_ascii=False)}\n```\n"
