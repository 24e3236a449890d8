"""A verdict, in lines for people and as JSON for programs; and the exit code. Pure.

The rule: nothing in it steers a terminal, and none of what opens the server is ever in it, whoever says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import orjson

from app.terminal.answer import clean, clean_json
from app.terminal.exits import Exit
from app.terminal.probe.promises import KEPT, SAID_MAX, Promise, Verdict

HIDDEN = "\N{HORIZONTAL ELLIPSIS}"
# What is shorter is nobody's secret, and stands in every second word.
SECRET_CHARS_MIN = 6
# Without these nothing was shown at all.
_ESSENTIAL = (Promise.GAP, Promise.ENDING)

HELP = """\
exit codes:
  0    every promise was kept
  1    a promise was broken, or the server refused to be read (stderr says why)
  2    wrong options
  3    nothing was broken, and not enough was seen: nothing was resumed, or the ending never came
  6    the server cannot be reached
  130  Ctrl-C
"""


def code_of(verdict: Verdict) -> Exit:
    if verdict.breaches:
        return Exit.FAILED
    return Exit.TRUNCATED if any(promise in verdict.unshown for promise in _ESSENTIAL) else Exit.COMPLETED


def summary(verdict: Verdict) -> str:
    match code_of(verdict):
        case Exit.FAILED:
            return f"broken: {', '.join(verdict.broken)}"
        case Exit.TRUNCATED:
            return "not shown: nothing was broken, and not enough was seen"
        case _:
            return "kept: all of them"


def lines(verdict: Verdict, secrets: Iterable[str]) -> Iterator[str]:
    """The last line says it in a word."""
    facts = ", ".join(f"{count:,} {name}" for name, count in verdict.facts.items())
    told = [f"{verdict.address} ({verdict.dialect}, seed {verdict.seed}): {facts}", *_promises(verdict)]
    told += [f"  note     {note}" for note in verdict.notes]
    for line in (*told, summary(verdict)):
        yield clean(hidden(line, secrets)).replace("\n", " ")


def _promises(verdict: Verdict) -> Iterator[str]:
    for promise in verdict.judged:
        broken = verdict.of(promise)
        if broken:
            for what in broken[:SAID_MAX]:
                yield f"  BROKEN   {promise:<10} {what}"
            if len(broken) > SAID_MAX:
                yield f"  BROKEN   {promise:<10} and {len(broken) - SAID_MAX} times more"
        elif promise in verdict.unshown:
            yield f"  ?        {promise:<10} {verdict.unshown[promise]}"
        else:
            yield f"  kept     {promise:<10} {KEPT[promise]}"


def as_json(verdict: Verdict, secrets: Iterable[str]) -> str:
    """One line."""
    words = {Exit.FAILED: "broken", Exit.TRUNCATED: "not_shown", Exit.COMPLETED: "kept"}
    kept_back = tuple(secrets)
    told = {
        "verdict": words[code_of(verdict)],
        "url": hidden(verdict.address, kept_back),
        "dialect": verdict.dialect,
        "seed": verdict.seed,
        "promises": {promise.value: _result(verdict, promise, kept_back) for promise in verdict.judged},
        "notes": [hidden(note, kept_back) for note in verdict.notes],
        **verdict.facts,
    }
    return clean_json(orjson.dumps(told).decode())


def _result(verdict: Verdict, promise: Promise, secrets: Iterable[str]) -> dict[str, object]:
    if broken := verdict.of(promise):
        said = [hidden(what, secrets) for what in broken[:SAID_MAX]]
        return {"kept": False, "breaches": said, "count": len(broken)}
    if promise in verdict.unshown:
        return {"kept": None, "why": verdict.unshown[promise]}
    return {"kept": True}


def hidden(text: str, secrets: Iterable[str]) -> str:
    """The text without what must not be shown, in whatever letters a server repeats it."""
    for secret in sorted(set(secrets), key=len, reverse=True):  # the whole before its parts
        if len(secret) >= SECRET_CHARS_MIN:
            text = re.sub(re.escape(secret), HIDDEN, text, flags=re.IGNORECASE)
    return text
