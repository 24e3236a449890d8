"""How things stand, as operators see it: a look at Redis made into the numbers of the board.

Pure. The rule: nothing is said that is not known. What a process said last is shown with how old it is; one that was
not heard in time is no worker any more, and what it holds does not run; while nobody could be heard (Redis was away a
moment ago) nobody is judged. What runs is what the leases say, and what was spent what was counted with the endings. A
model that does not look like a name is `other`: its client may have written anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.stream.accounts import NANO
from app.stream.board import counting
from app.stream.board.board import STEP_SECONDS, STEPS_KEPT, Left, Look
from app.stream.board.listing import Listed
from app.stream.endings import Outcome
from app.watch.events.subjects import word

# A process leaves its numbers every second. Who is not connected any more and has missed one is gone; who is connected
# and has missed three stands still.
GONE_SECONDS, SILENT_SECONDS = 1.5, 3.0
# So long after Redis came back everybody has had the time to say something.
STEADY_SECONDS = 3.0
# A dead process is shown for so long.
SHOWN_SECONDS = 60.0

EVENTS_MOST = 30

LIVE, DRAINING, UNSURE, SILENT, GONE = STATES = ("live", "draining", "unsure", "silent", "gone")
# Who does not work: what it holds does not run.
_DEAD = frozenset({SILENT, GONE})
FAILED = (Outcome.FAILED, Outcome.EXPIRED)

Shown = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Memory:
    """What Redis says of itself; `bytes_per_stream` is what the last streams take there."""

    used_bytes: int = 0
    max_bytes: int = 0
    bytes_per_stream: int | None = None
    version: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A process, and what it is taken for."""

    left: Left
    state: str

    @property
    def kind(self) -> object:
        return self.left.numbers.get("kind")


def judged(look: Look, *, steady: bool) -> list[Judged]:
    """All processes that are shown; `steady`: Redis has been there for as long as it takes to hear everybody.

    Who has left is none any more.
    """
    found = [Judged(left, _state(left, steady=steady)) for left in look.processes if not left.numbers.get("left")]
    shown = (one for one in found if one.state != GONE or one.left.age < SHOWN_SECONDS)
    return sorted(shown, key=lambda one: (STATES.index(one.state), one.left.name))


def _state(left: Left, *, steady: bool) -> str:
    if left.age <= (SILENT_SECONDS if left.heard else GONE_SECONDS):
        return DRAINING if left.numbers.get("draining") else LIVE
    if not steady:
        return UNSURE
    return SILENT if left.heard else GONE


def standing(look: Look, processes: Sequence[Judged]) -> Shown:
    """The line and the leases, in numbers: `/v1/queue`."""
    dead = _adrift(look, processes)
    living = [one for one in processes if one.state not in _DEAD]
    return {
        "waiting": look.waiting,
        "oldest_seconds": round(look.oldest_seconds, 3),
        "running": look.held - dead,
        "capacity": sum(_capacity(one) for one in living),
        "workers": sum(one.kind == "worker" for one in living),
        "fronts": sum(one.kind == "front" for one in living),
    }


def snapshot(
    look: Look, steps: Mapping[int, counting.Counts], memory: Memory, held: Sequence[str], *, steady: bool
) -> Shown:
    """The whole board. `steps` are all that are known; `held` are the models whose calls are held back."""
    processes = judged(look, steady=steady)
    numbers = standing(look, processes)
    window = [counts for number, counts in steps.items() if number > look.step - STEPS_KEPT]
    times = counting.times(window, counting.FIRST_CONTENT)
    fronts = [_front(one) for one in processes if one.kind == "front"]
    return {
        "time": look.now,
        "queue": {
            "waiting": numbers["waiting"],
            "oldest_seconds": numbers["oldest_seconds"],
            "held": sorted({word(model) for model in held}),
        },
        "streams": {
            "running": numbers["running"],
            "capacity": numbers["capacity"],
            "adrift": look.unrenewed + _adrift(look, processes),
            "ended": {outcome.value: counting.summed(window, counting.ENDED + outcome) for outcome in Outcome},
        },
        "workers": [_worker(one) for one in processes if one.kind == "worker"],
        "fronts": fronts,
        "readers": sum(one["readers"] for one in fronts if one["state"] not in _DEAD),
        "tokens_per_second": _tokens_now(look, steps),
        "first_content_p50": _quantile(times, 0.5),
        "first_content_p99": _quantile(times, 0.99),
        "retries": counting.summed(window, counting.RETRIES),
        "takeovers": counting.summed(window, counting.TAKEOVERS),
        "resets": counting.summed(window, counting.RESETS),
        "refused": counting.summed(window, counting.REFUSED),
        "joined": counting.summed(window, counting.JOINED),
        "redis": {
            "away": False,
            "away_seconds": None,
            "used_bytes": memory.used_bytes,
            "max_bytes": memory.max_bytes,
            "bytes_per_stream": memory.bytes_per_stream,
            "refused_writes": counting.summed(window, counting.REFUSED_WRITES),
            "version": memory.version,
        },
        "spend_today_usd": look.nano / NANO,
        "saved_usd_today": look.saved_nano / NANO,
        "charts": _charts(look, steps),
        "events": _events(look.seen),
    }


def unknown() -> Shown:
    """The board of one who has not been able to look yet."""
    nothing = Look(0.0, 0, 0.0, 0, 0, (), {}, 0, 0, (), ())
    shown = snapshot(nothing, {}, Memory(), (), steady=False)
    return {
        **shown,
        "time": None,
        "queue": {"waiting": None, "oldest_seconds": None, "held": []},
        "streams": {**shown["streams"], "running": None, "capacity": None, "adrift": None},
        "spend_today_usd": None,
        "saved_usd_today": None,
    }


def stale(shown: Shown, seconds: float, away_seconds: float | None) -> Shown:
    """What was shown `seconds` ago, while Redis does not answer, now for `away_seconds`: nobody is known to be well.

    None for one that is there and refuses to say how things stand.
    """

    def unsure(processes: Iterable[Shown]) -> list[Shown]:
        return [
            {
                **one,
                "state": one["state"] if one["state"] in _DEAD else UNSURE,
                "renewed_seconds": round(one["renewed_seconds"] + seconds, 1),
            }
            for one in processes
        ]

    away = {} if away_seconds is None else {"away": True, "away_seconds": round(away_seconds, 1)}
    return {
        **shown,
        "workers": unsure(shown["workers"]),
        "fronts": unsure(shown["fronts"]),
        "redis": {**shown["redis"], **away},
    }


def row(one: Listed) -> Shown:
    """A stream, without anything that was asked or answered."""
    meta = one.meta

    def ago(name: str) -> float | None:
        return round(max(one.now - int(meta[name]), 0) / 1000, 1) if name in meta else None

    return {
        "id": one.stream_id,
        "owner": meta.get("owner", b"").decode(errors="replace"),
        "state": meta["state"].decode(),
        "outcome": meta["outcome"].decode() if "outcome" in meta else None,
        "model": word(meta.get("model", b"").decode(errors="replace")),
        "attempt": int(meta.get("attempt", b"0")),
        "age_seconds": ago("created_at"),
        "worker": one.worker or None,
        "ended_seconds": ago("ended_at"),
    }


def _adrift(look: Look, processes: Sequence[Judged]) -> int:
    """Streams whose lease is in force, and whose holder does not work: those not shown any more hold nothing."""
    living = {one.left.name for one in processes if one.state not in _DEAD}
    return sum(left.held for left in look.processes if left.name not in living)


def _capacity(one: Judged) -> int:
    """What a worker runs at the most: one that drains no more than it has."""
    most = int(one.left.numbers.get("capacity", 0))
    return min(one.left.held, most) if one.state == DRAINING else most


def _of_process(one: Judged) -> Shown:
    numbers = one.left.numbers
    return {
        "name": one.left.name,
        "state": one.state,
        "renewed_seconds": round(one.left.age, 1),
        "draining": bool(numbers.get("draining")),
        "version": numbers.get("version", ""),
        "started_seconds": round(numbers.get("up", 0.0) + one.left.age, 1),
    }


def _worker(one: Judged) -> Shown:
    held = 0 if one.state == GONE else one.left.held
    return {**_of_process(one), "streams": held, "capacity": int(one.left.numbers.get("capacity", 0))}


def _front(one: Judged) -> Shown:
    numbers, gone = one.left.numbers, one.state == GONE
    return {
        **_of_process(one),
        "readers": 0 if gone else int(numbers.get("readers", 0)),
        "tails": 0 if gone else int(numbers.get("tails", 0)),
        "lag_ms": None if gone else numbers.get("lag_ms"),
    }


def _tokens_now(look: Look, steps: Mapping[int, counting.Counts]) -> float:
    """Of the step that is under way and the one before it."""
    seconds = STEP_SECONDS + look.now % STEP_SECONDS
    said = sum(steps.get(number, {}).get(counting.SAID, 0) for number in (look.step - 1, look.step))
    return round(said * counting.tokens_per_byte(steps.values()) / seconds, 1)


def _charts(look: Look, steps: Mapping[int, counting.Counts]) -> Shown:
    """Of the steps that are over, the oldest first; None where nobody was there to note anything."""
    wanted = [steps.get(number) for number in range(look.step - STEPS_KEPT, look.step)]
    per_byte = counting.tokens_per_byte(steps.values())
    times = [counting.times([counts] if counts else [], counting.FIRST_CONTENT) for counts in wanted]

    def each(*fields: str) -> list[int | None]:
        return [None if counts is None else sum(counts.get(field, 0) for field in fields) for counts in wanted]

    def noted(field: str) -> list[int | None]:
        return [None if counts is None else counts.get(field) for counts in wanted]

    return {
        "step_seconds": STEP_SECONDS,
        "end": look.step * STEP_SECONDS,
        "waiting": noted(counting.WAITING),
        "running": noted(counting.RUNNING),
        "readers": noted(counting.READERS),
        "tokens_per_second": [
            None if one is None else round(one * per_byte / STEP_SECONDS, 1) for one in each(counting.SAID)
        ],
        "ended": each(*(counting.ENDED + outcome for outcome in Outcome)),
        "failed": each(*(counting.ENDED + outcome for outcome in FAILED)),
        "first_content_p50": [_quantile(one, 0.5) for one in times],
        "first_content_p99": [_quantile(one, 0.99) for one in times],
        "retries": each(counting.RETRIES),
        "takeovers": each(counting.TAKEOVERS),
    }


def _events(seen: Sequence[Mapping[str, Any]]) -> list[Shown]:
    """The newest first. A worker dies once, however many have noticed: the first of them lets its streams go."""
    found: list[Shown] = []
    deaths: dict[str, Shown] = {}
    for event in seen:
        name = str(event["name"])
        if event["kind"] != "worker_gone" or name not in deaths:
            found.append(dict(event))
            if event["kind"] == "worker_gone":
                deaths[name] = found[-1]
        else:
            deaths[name]["count"] += event["count"]
    return found[:EVENTS_MOST]


def _quantile(times: Mapping[int, int], part: float) -> float | None:
    found = counting.quantile(times, part)
    return None if found is None else round(found, 3)
