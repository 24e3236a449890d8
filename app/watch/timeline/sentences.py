"""What an entry of a timeline says, in plain words.

Pure. The rule: a sentence is made of an entry's fields, which are words and numbers of ours; a word that this version
does not know is shown as it is, and an event that it does not know by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.stream.timeline.entries import Entry

Fields = Mapping[str, Any]

# What went wrong with a call, as the sentence that follows "call 1 failed: ".
OF_CALLS = {
    "rate_limit_error": "the limit of the Claude API is reached",
    "overloaded_error": "the Claude API is overloaded",
    "api_error": "the Claude API reported a fault of its own",
    "timeout_error": "the Claude API took too long",
    "invalid_request_error": "the Claude API did not accept the request",
    "request_too_large": "the request is too large for the Claude API",
    "not_found_error": "the Claude API does not know what was asked for",
    "billing_error": "the Claude API wants to be paid",
    "key_refused": "the Claude API refused the relay's own key",
    "connection_error": "the connection to the Claude API was lost, or there was none",
    "stalled": "the Claude API fell silent in the middle of its answer",
    "silent": "the Claude API sent nothing but pings for too long",
    "incomplete": "the Claude API ended its answer before it was complete",
    "garbled": "the Claude API sent something that cannot be read",
    "wrong_upstream": "what answers is not the Claude API",
    "lost": "the log in Redis has lost what was written",
    "drained": "the worker is shutting down",
    "cancelled": "the stream was cancelled",
    "expired": "the stream's time was up",
    "left": "the stream was no longer this worker's",
    "given_up": "it was given up",
}
# Where the upstream did not say so itself, its status is none that it has sent.
JUDGED = frozenset({"connection_error", "stalled", "silent", "incomplete", "garbled", "wrong_upstream"})
# Such a call was none: it is made again, and counts for nothing.
_REFUSALS = (429,)
_OF_STREAMS = {
    "worker_lost": "the worker that had it was lost",
    "worker_drained": "the worker that had it was shut down",
    "worker_stalled": "the worker that had it stood still",
    "log_lost": "its log was lost",
    "held": "it waited for the Claude API",
    "validation_error": "its answer did not fit its schema",
}
_CANCELLED_BY = {
    "client": "a client asked to cancel it",
    "operator": "an operator asked to cancel it",
    "unread": "nobody reads it any more: it is to be cancelled",
}
_TIMES = ("", "", " twice", " three times", " four times", " five times")
_ORDINALS = {1: "1st", 2: "2nd", 3: "3rd"}


def sentence(entry: Entry, since_submit: float) -> str:
    """`since_submit` in seconds."""
    say = _SAY.get(entry.event)
    return say(entry.fields, since_submit) if say is not None else entry.event.replace(".", " ").replace("_", " ")


def reason(word: str) -> str:
    """Why a call or a stream is begun again, or a call ended."""
    return OF_CALLS.get(word) or _OF_STREAMS.get(word) or word


def times(number: int) -> str:
    """How often, behind what was done; once goes without saying."""
    return _TIMES[number] if number < len(_TIMES) else f" {number} times"


def many(number: int, one: str, more: str = "") -> str:
    return f"{number} {one if number == 1 else more or one + 's'}"


def lasted(seconds: float) -> str:
    """A time as a person says it."""
    if seconds < 0.1:  # noqa: PLR2004
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def of_readers(counts: Mapping[str, int]) -> tuple[str, str]:
    """Who came, and who left; empty where nobody did."""
    came, again = counts.get("came", 0), counts.get("resumed", 0)
    first = many(came, "reader came", "readers came")
    back = many(again, "came back", "came back")
    comers = (
        f"{first}, {back}"
        if came and again
        else first
        if came
        else many(again, "reader came back", "readers came back")
    )
    left = [
        f"{counts[word]} {said}"
        for word, said in (
            ("ended", "with all of it"),
            ("left", "before its end"),
            ("drained", "because the front was shut down"),
            ("lost", "because it was lost"),
        )
        if counts.get(word)
    ]
    total = sum(counts.get(word, 0) for word in ("ended", "left", "drained", "lost"))
    goers = many(total, "reader left", "readers left")
    why = left[0].partition(" ")[2] if len(left) == 1 else ""
    gone = f"{goers} {why}" if why else f"{goers}: {', '.join(left)}"
    return (comers if came or again else "", gone if total else "")


def _submitted(fields: Fields, _: float) -> str:
    waiting = fields.get("waiting")
    before = "" if waiting is None else many(waiting, "other") + " waited" if waiting else "nobody else waited"
    return "submitted" + (f"; {before}" if before else "")


def _claimed(fields: Fields, since: float) -> str:
    number = fields.get("times", 1)
    nth = f", the {_ORDINALS.get(number, f'{number}th')} to have it" if number > 1 else ""
    return f"claimed by worker {fields.get('worker', '?')} after {lasted(since)}{nth}"


def _taken_over(fields: Fields, _: float) -> str:
    begun = fields.get("attempt", 0)
    seen = ", and readers have seen something of it" if fields.get("content") else ""
    calls = many(begun, "call") if begun else "no call"
    return f"taken over: {reason(str(fields.get('cause')))}; {calls} had been begun{seen}"


def _held(fields: Fields, _: float) -> str:
    where = " in the line" if fields.get("parked") else ""
    return f"held{where} for {lasted(fields.get('seconds', 0))}: the limits of the Claude API let no call be made"


def _call_ended(fields: Fields, _: float) -> str:
    why, call = fields.get("reason"), f"call {fields.get('attempt')}"
    named = f", request id {fields['upstream_request_id']}" if fields.get("upstream_request_id") else ""
    seconds = lasted(fields.get("seconds", 0))
    if not why:
        return f"{call} is complete after {seconds}{named}"
    status = fields.get("status", 0)
    if not status:
        return f"{call} was cut after {seconds}: {reason(why)}{named}"
    code = why if why in JUDGED else f"{status} {why}"
    what = "was refused" if status in _REFUSALS else "failed"
    return f"{call} {what} after {seconds}: {reason(why)} ({code}){named}"


def _retried(fields: Fields, _: float) -> str:
    return f"call {fields.get('attempt')} follows{_wait(fields)}: {reason(str(fields.get('reason')))}"


def _restarted(fields: Fields, _: float) -> str:
    begins = f"begins again from scratch with call {fields.get('attempt')}{_wait(fields)}"
    return f"{begins}, and readers forget what they have: {reason(str(fields.get('reason')))}"


def _wait(fields: Fields) -> str:
    return f" in {lasted(wait)}" if (wait := fields.get("wait_seconds")) else ""


def _ended(fields: Fields, since: float) -> str:
    facts = [
        many(fields.get("attempts", 0), "call"),
        f"{fields['output_tokens']} tokens of output" if fields.get("output_tokens") else "",
        f"${fields['cost_usd']:.4f}" if fields.get("cost_usd") else "",
    ]
    why = fields.get("error_type") or fields.get("stop_reason")
    given = f", the answer that {fields['cached_from']} was given" if fields.get("cached_from") else ""
    outcome = f"{fields.get('outcome')} after {lasted(since)}" + (f" ({why})" if why else "")
    return f"{outcome}{given}: " + ", ".join(fact for fact in facts if fact)


_SAY: dict[str, Callable[[Fields, float], str]] = {
    "stream.submitted": _submitted,
    "stream.claimed": _claimed,
    "stream.taken_over": _taken_over,
    "stream.held": _held,
    "call.started": lambda f, _: f"call {f.get('attempt')} begins" + (f" ({f['model']})" if f.get("model") else ""),
    "stream.first_content": lambda f, _: (
        f"first content, {lasted(f.get('since_call_seconds', 0))} after call {f.get('attempt')} began"
    ),
    "stream.silent": lambda f, _: f"silent for {lasted(f.get('seconds', 0))}: the Claude API sent nothing but pings",
    "call.ended": _call_ended,
    "call.retried": _retried,
    "stream.restarted": _restarted,
    "tool.ran": lambda f, _: (
        f"tool {f.get('tool')} {'failed' if f.get('failed') else 'ran'} in {lasted(f.get('seconds', 0))}"
    ),
    "stream.waits_for_person": lambda *_: "waits until a person says whether a tool may be called",
    "tool.decided": lambda f, _: f"a person {'approves' if f.get('approved') else 'refuses'} a call of a tool",
    "stream.cancel_asked": lambda f, _: _CANCELLED_BY.get(str(f.get("by")), "it is to be cancelled"),
    "stream.append_refused": lambda f, _: f"the log in Redis did not take what was written ({f.get('status')})",
    "stream.ended": _ended,
    "timeline.left_out": lambda f, _: f"{many(f.get('entries', 0), 'entry', 'entries')} left out here",
}
