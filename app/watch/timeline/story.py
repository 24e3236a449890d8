"""What happened to an answer: the timeline of a stream as JSON, with the one line that says why it is as it is.

Pure. The rule: what is told is what was kept and what the meta says, and nothing is guessed between; of an upstream's
words none are told, and no text of anybody.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from app.stream.conversations.turns import iso
from app.stream.log import State
from app.stream.timeline.entries import Entry, Gathering
from app.stream.timeline.kept import Kept
from app.watch.events.subjects import word
from app.watch.timeline.sentences import JUDGED, many, of_readers, reason, sentence, times

# Of the lines that are kept, so many are the first ones (scripts/log/story.lua): behind them some may be left out.
FIRST = 50
# Of an attempt without a call.
GIVEN = "first content, of the answer that another stream is or was given"
PUT_BY = "it waits for a worker of a newer version: those that have met it do not know what it asks for"
_TOKENS = ("input_tokens", "output_tokens")


def story(stream_id: str, kept: Kept, place: int | None = None, *, put_by: bool = False) -> dict[str, Any]:
    """The answer to `GET /v1/streams/{id}/timeline`; `place` is that in the line, where it waits there; `put_by`: for a
    worker of a newer version.
    """
    created = _whole(kept.meta, "created_at")
    ended = _ended(kept)
    told = [*_submitted(kept, created), *_with_gap(kept), *ended]
    found = heapq.merge(told, _readers(kept.readers), key=lambda entry: entry.at)
    return {
        "id": stream_id,
        "state": kept.state,
        "why": PUT_BY if put_by else _why(kept, ended, place),
        "data": [_shown(entry, created) for entry in found],
        "left_out": kept.left_out,
    }


def _shown(entry: Entry, created: int) -> dict[str, Any]:
    """With the moment until which it lasts, where it is one that does."""
    said = entry.fields.get("text") or sentence(entry, max(entry.at - created, 0) / 1000)
    shown = {**entry.fields, "at": iso(entry.at), "event": entry.event, "text": said}
    seconds = entry.fields.get("seconds")
    if entry.event == "stream.held" and isinstance(seconds, float | int):
        shown["until"] = iso(entry.at + round(seconds * 1000))
        shown["text"] += f", until {shown['until'][11:19]}"
    return shown


def _submitted(kept: Kept, created: int) -> list[Entry]:
    fields: dict[str, Any] = {"model": word(_text(kept.meta, "model"))}
    if "waiting" in kept.meta:
        fields["waiting"] = _whole(kept.meta, "waiting")
    return [Entry(created, "stream.submitted", fields)]


def _with_gap(kept: Kept) -> Iterator[Entry]:
    called = {entry.fields.get("attempt") for entry in kept.entries if entry.event == "call.started"}
    for number, entry in enumerate(kept.entries):
        if number == FIRST and kept.left_out:
            yield Entry(entry.at, "timeline.left_out", {"entries": kept.left_out})
        if entry.event == "stream.first_content" and entry.fields.get("attempt") not in called and not kept.left_out:
            yield Entry(entry.at, entry.event, {"attempt": entry.fields.get("attempt", 0), "text": GIVEN})
        else:
            yield entry


def _readers(gatherings: list[Gathering]) -> list[Entry]:
    found = []
    for gathered in gatherings:
        came, left = of_readers(gathered.counts)
        reset = gathered.counts.get("reset")
        if came:
            found.append(Entry(gathered.since, "reader.joined", _counted(gathered, "came", "resumed") | {"text": came}))
        if reset:
            said = f"{many(reset, 'reader')} told to forget what they had: the log in Redis had lost it"
            found.append(Entry(gathered.until, "reader.reset", {"readers": reset, "text": said}))
        if left:
            why = _counted(gathered, "ended", "left", "drained", "lost")
            found.append(Entry(gathered.until, "reader.left", why | {"text": left}))
    return sorted(found, key=lambda entry: entry.at)


def _counted(gathered: Gathering, *names: str) -> dict[str, Any]:
    return {name: gathered.counts[name] for name in names if name in gathered.counts}


def _ended(kept: Kept) -> list[Entry]:
    meta = kept.meta
    if kept.state is not State.ENDED or "outcome" not in meta:
        return []
    usage, error = _json(meta, "usage"), _json(meta, "error")
    fields: dict[str, Any] = {"outcome": word(_text(meta, "outcome")), "attempts": _whole(meta, "attempts")}
    more = {
        "stop_reason": word(_text(meta, "stop_reason")),
        "error_type": word(str(error.get("type", ""))),
        "cached_from": word(_text(meta, "cached_from")),
        "shared_with": word(_text(meta, "shared_with")),
    }
    fields |= {name: value for name, value in more.items() if value}
    fields |= {name: usage[name] for name in _TOKENS if isinstance(usage.get(name), int)}
    cost = _value(meta, "cost_usd")
    if isinstance(cost, float | int):
        fields["cost_usd"] = cost
    return [Entry(_whole(meta, "ended_at"), "stream.ended", fields)]


# --- why


def _why(kept: Kept, ended: list[Entry], place: int | None) -> str:
    if not ended:
        return _why_not_yet(kept, place)
    outcome = ended[0].fields["outcome"]
    match outcome:
        case "completed":
            return "completed: the answer is whole"
        case "truncated":
            return f"truncated: the answer was cut at its limit ({ended[0].fields.get('stop_reason', '')})"
        case "refused":
            return "refused: the model did not want to answer"
        case "cancelled":
            asked = [entry for entry in kept.entries if entry.event == "stream.cancel_asked"]
            return f"cancelled: {sentence(asked[-1], 0)}" if asked else "cancelled"
        case _:
            return f"{outcome}: {_fault(kept) or 'nothing is known of why'}"


def _why_not_yet(kept: Kept, place: int | None) -> str:
    if kept.state is State.QUEUED:
        return f"it waits in the line, at place {place}" if place else "it waits in the line"
    if kept.state is State.WAITING:
        return "it waits until a person has said whether a tool may be called"
    last = kept.entries[-1] if kept.entries else None
    if last is not None and last.event in ("stream.held", "stream.silent", "call.retried", "stream.restarted"):
        return f"it runs; {sentence(last, 0)}"
    attempt = _whole(kept.meta, "attempt")
    if kept.meta.get("content") == b"1":
        return f"it runs: {f'call {attempt}' if attempt else 'it'} is being answered"
    return f"it runs: nothing has come from call {attempt} yet" if attempt else "it runs: no call has been made yet"


def _fault(kept: Kept) -> str:
    """What ended it: of the upstream by what it said, of ours in our own words."""
    error = _json(kept.meta, "error")
    if "failure" not in kept.meta:
        return str(error.get("message", ""))
    calls = [entry.fields for entry in kept.entries if entry.event == "call.ended" and entry.fields.get("reason")]
    if not calls:
        failure = _json(kept.meta, "failure")
        calls = [{"status": failure.get("status"), "reason": word(str(failure.get("type")))}]
        calls[0]["upstream_request_id"] = word(str(failure.get("request_id") or ""))
    last = calls[-1]
    alike = 0
    for call in reversed(calls):
        if (call.get("status"), call.get("reason")) != (last.get("status"), last.get("reason")):
            break
        alike += 1
    why = str(last.get("reason"))
    said = f"the Claude API answered {last.get('status')}{times(alike)} ({why})"
    if why in JUDGED or not last.get("status"):
        said = f"{reason(why)}{',' if alike > 1 else ''}{times(alike)} ({why})"
    named = last.get("upstream_request_id")
    return said + (f", {'last ' if alike > 1 else ''}request id {named}" if named else "")


# --- the meta's fields


def _whole(meta: Mapping[str, bytes], name: str) -> int:
    value = meta.get(name, b"")
    return int(value) if value.isdigit() else 0


def _text(meta: Mapping[str, bytes], name: str) -> str:
    return meta.get(name, b"").decode("utf-8", "replace")


def _value(meta: Mapping[str, bytes], name: str) -> Any:
    try:
        return orjson.loads(meta.get(name) or b"null")
    except orjson.JSONDecodeError:
        return None


def _json(meta: Mapping[str, bytes], name: str) -> dict[str, Any]:
    value = _value(meta, name)
    return value if isinstance(value, dict) else {}
