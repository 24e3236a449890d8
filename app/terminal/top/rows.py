"""Who works: the workers, the fronts, and what has become of them lately, a line each.

Pure. The rule: how many there are is said before each of them, so that those for whom there is no room are missed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from app.terminal.answer import clean
from app.terminal.top.figures import NARROW, STYLES, Letters
from app.terminal.top.spark import count, many, seconds

Shown = Mapping[str, Any]

# Above it readers are said to be late, and not only that they are not early.
LATE_MS = 250.0
_STATES = {"draining": "drains", "unsure": "not heard yet", "silent": "says nothing", "gone": "gone"}
_COUNTED = {"unsure": "not heard yet"}
_BAD = frozenset({"silent", "gone"})
_SLOTS_MOST = 40
_LOAD, _HEARD, _MARK = 12, 20, 2


def workers_of(shown: Shown, width: int, letters: Letters) -> list[Text]:
    workers, streams = shown["workers"], shown["streams"]
    free = max((streams["capacity"] or 0) - (streams["running"] or 0), 0)
    lines = [_title("workers", [*_states(workers), many(free, "place") + " free"] if workers else ["none is there"])]
    names = min(max((cell_len(worker["name"]) for worker in workers), default=0), width // 3)
    room = min(width - names - 2 - _LOAD - (_HEARD if width >= NARROW else _MARK), _SLOTS_MOST)
    for worker in sorted(workers, key=_is_well):
        bad = worker["state"] in _BAD
        slots = min(worker["capacity"], room)
        full = -(-worker["streams"] * slots // worker["capacity"]) if worker["capacity"] else 0
        line = _name(worker["name"], names, bad=worker["state"] == "gone")
        line.append(letters.full * full).append(letters.free * (slots - full), style="dim")
        line.append(
            " " * max(room - slots, 0) + f"{count(worker['streams'])} of {count(worker['capacity'])}".rjust(_LOAD)
        )
        if width >= NARROW:
            line.append("  ").append(_heard(worker), style=STYLES["now"] if bad else "dim")
        elif worker["state"] != "live":
            line.append(" !" if bad else " ~", style=STYLES["now"] if bad else "dim")
        lines.append(line)
    return lines


def fronts_of(shown: Shown, width: int) -> list[Text]:
    fronts = shown["fronts"]
    lines = [_title("fronts", _states(fronts))]
    names = min(max((cell_len(front["name"]) for front in fronts), default=0), width // 3)
    late = next((need["level"] for need in shown["attention"] if need["about"] == "fronts"), "well")
    for front in sorted(fronts, key=_is_well):
        bad, lag = front["state"] in _BAD, front["lag_ms"]
        line = _name(front["name"], names, bad=front["state"] == "gone")
        line.append(f"{count(front['readers']):>7} readers")
        if width >= NARROW:
            line.append(f"{count(front['tails']):>7} tails")
        if front["state"] == "live" and lag is not None:
            line.append(f"  {seconds(lag / 1000)} late", style=STYLES[late] if lag >= LATE_MS else "dim")
        else:
            line.append("  " + _heard(front), style=STYLES["now"] if bad else "dim")
        lines.append(line)
    return lines


_HAPPENED: Mapping[str, Callable[[str, int], str]] = {
    "worker_gone": lambda name, free: f"{name} died" + (f"; {many(free, 'stream')} free to take" if free else ""),
    "taken_over": lambda name, taken: f"{name} took over {many(taken, 'stream')}",
    "draining": lambda name, left: f"{name} drains" + (f", {count(left)} to go" if left else ""),
    "joined": lambda name, _: f"{name} came",
    "left": lambda name, _: f"{name} left",
    "refused_writes": lambda name, times: f"Redis refused {many(times, 'write')} of {name}",
}


def lately_of(shown: Shown) -> list[Text]:
    lines = []
    for event in shown["events"]:
        ago = seconds(max(1, round((shown["time"] or event["at"]) - event["at"])))
        say = _HAPPENED.get(event["kind"])
        name = clean(event["name"])
        said = say(name, event["count"]) if say else f"{clean(event['kind'])}: {name}"
        lines.append(Text(f"{ago:>6} ago  ", style="dim").append(said, style="not dim"))
    return [_title("lately", []), *lines] if lines else []


def _is_well(process: Shown) -> bool:
    """Who is not comes first: for others there may be no room."""
    return process["state"] not in _BAD


def _title(name: str, about: Sequence[str]) -> Text:
    title = Text(name, style="bold")
    return title.append("  " + ", ".join(about), style="not bold dim") if about else title


def _states(processes: Sequence[Shown]) -> list[str]:
    states = [process["state"] for process in processes]
    return [f"{states.count(state)} {_COUNTED.get(state, clean(state))}" for state in dict.fromkeys(states)]


def _name(name: str, width: int, *, bad: bool) -> Text:
    return Text().append(set_cell_size(clean(name), width), style="dim strike" if bad else "").append("  ")


def _heard(process: Shown) -> str:
    ago = process["renewed_seconds"]
    since = "just now" if ago < 2 else f"{seconds(int(ago))} ago"  # noqa: PLR2004  # a beat may be missed
    state = process["state"]
    if state in _BAD:
        return f"{_STATES[state]}, {since}"
    return since if state == "live" else _STATES.get(state, clean(state))
