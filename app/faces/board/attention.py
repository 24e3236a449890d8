"""What on the board needs a person: the one judge of it, for the page, the terminal and whoever reads the snapshots.

Pure. The rule: what heals by itself is told while it heals ("soon") and needs nobody after that; what does not is told
until somebody has done something ("now"). Each entry says what is so and what one can do. Where nothing is told, all is
well. How old the numbers are that reached somebody is for the reader to say, who alone can know it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

# Numbers this much older than a second, the beat of them, are told to be old.
OLD_SECONDS = 2.0
# A prompt waits this long where there are too few workers, and not only a burst.
WAIT_SOON_SECONDS, WAIT_NOW_SECONDS = 10.0, 30.0
# As the alert has it; and of how many endings a share says something.
FAILED_SHARE, FAILED_LEAST = 0.05, 20
# What the share is taken of, and take-overs are counted over, as the alerts do.
RECENT_SECONDS = 300
FIRST_CONTENT_SECONDS = 10.0
# It is told while it is so: the figure of a quarter of an hour would be told for as long after it was over.
SLOW_SECONDS = 60
# Readers see what comes so much later; above the second one, they read from the log at the beat instead.
LAG_SOON_MS, LAG_NOW_MS = 250.0, 1000.0
MEMORY_SOON, MEMORY_NOW = 0.75, 0.9
# So many for each worker are no longer one that was restarted.
TAKEOVERS_EACH = 5
# Of the second nobody has heard since Redis was away: that it is gone is not known, and so not said.
_TAKES = ("live", "unsure")
# Seconds below the first have a decimal, from the second on they are minutes.
_SHORT, _LONG = 10, 120

Level = Literal["now", "soon"]


@dataclass(frozen=True, slots=True)
class Need:
    """`about` is the part of the board it is about; `what` is a headline, `do` a sentence of what one can do."""

    level: Level
    about: str
    what: str
    do: str


def attention(shown: Mapping[str, Any]) -> list[dict[str, str]]:
    """Of a snapshot as it goes out: what needs a person, the most urgent first."""
    judges = (_redis,) if shown["redis"]["away"] else _JUDGES  # of the rest nobody knows then
    needs = [need for judge in judges for need in judge(shown)]
    return [asdict(need) for need in sorted(needs, key=lambda need: need.level != "now")]


def _redis(shown: Mapping[str, Any]) -> Iterator[Need]:
    redis = shown["redis"]
    if redis["away"]:
        since = f" for {_seconds(redis['away_seconds'])}" if redis["away_seconds"] else ""
        yield Need(
            "now",
            "redis",
            f"Redis is away{since}",
            "Nothing is accepted meanwhile; running answers wait in their workers and go on when it is back.",
        )
    elif shown["stale_seconds"] > OLD_SECONDS:
        yield Need(
            "now",
            "redis",
            f"These numbers are {_seconds(shown['stale_seconds'])} old",
            "The front that you see could not gather newer ones: look at its log and at Redis.",
        )
    if refused := redis["refused_writes"]:
        yield Need(
            "now",
            "redis",
            f"Redis refused {_many(refused, 'write')}",
            "In the last 15 minutes: it is full, or may not write; its own log says which.",
        )
    used = redis["used_bytes"] / redis["max_bytes"] if redis["max_bytes"] and redis["used_bytes"] else 0.0
    if used >= MEMORY_SOON:
        yield Need(
            "now" if used >= MEMORY_NOW else "soon",
            "redis",
            f"Redis is {used:.0%} full".replace("%", " %"),
            "When it is full new prompts are refused: give it more memory, or keep streams for less long.",
        )


def _queue(shown: Mapping[str, Any]) -> Iterator[Need]:
    queue, streams = shown["queue"], shown["streams"]
    if queue["waiting"] and not any(worker["state"] in _TAKES for worker in shown["workers"]):
        waiting = _many(queue["waiting"], "prompt")
        yield Need(
            "now",
            "workers",
            "No worker takes prompts",
            f"{waiting} wait{_s(queue['waiting'])}: start keepstream worker.",
        )
    elif (oldest := queue["oldest_seconds"] or 0.0) >= WAIT_SOON_SECONDS:
        held = queue["held"]
        full = streams["capacity"] > 0 and streams["running"] >= streams["capacity"]
        yield Need(
            "now" if oldest >= WAIT_NOW_SECONDS else "soon",
            "queue",
            f"A prompt waits for {_seconds(oldest)}",
            f"The limits of the Claude API hold back {', '.join(held)}: more workers would not help."
            if held and not full
            else "Every worker is full: start more, or let each take more streams.",
        )
    elif held := queue["held"]:
        yield Need(
            "soon",
            "queue",
            "The Claude API's limits are reached",
            f"Calls of {', '.join(held)} are held back until it takes them again; nothing is lost.",
        )


def _workers(shown: Mapping[str, Any]) -> Iterator[Need]:
    workers = shown["workers"]
    silent = [worker for worker in workers if worker["state"] == "silent"]
    # What a silent one holds is adrift as well, and told with it.
    adrift = max((shown["streams"]["adrift"] or 0) - sum(worker["streams"] for worker in silent), 0)
    gone = [one["name"] for one in workers if one["state"] == "gone"] if adrift else _missing(workers)
    if gone:
        homes = f"{_many(adrift, 'stream')} wait{_s(adrift)} for another" if adrift else "Others have its streams"
        if len(gone) > 1:
            homes = homes.replace("its streams", "their streams")
        yield Need(
            "now" if adrift else "soon",
            "workers",
            _gone(gone, "worker"),
            f"{_names(gone)} died. {homes}; if it is not started again by itself, start it.",
        )
    elif adrift:
        yield Need(
            "now",
            "workers",
            f"{_many(adrift, 'stream')} {'have' if adrift > 1 else 'has'} no worker",
            "Another one takes them when their leases end, within seconds.",
        )
    for worker in silent:
        held = _many(worker["streams"], "stream")
        yield Need(
            "now",
            "workers",
            "A worker says nothing",
            f"{worker['name']} was last heard {_seconds(worker['renewed_seconds'])} ago, with {held}: "
            "it hangs, or is cut off from Redis. Look at its log and its machine.",
        )
    if (taken := _recent(shown, "takeovers")) >= TAKEOVERS_EACH * max(1, len(shown["workers"])):
        yield Need(
            "soon",
            "takeovers",
            f"{taken} take-overs in 5 minutes",
            "Workers die or lose their leases again and again: look at their logs and their memory.",
        )


def _fronts(shown: Mapping[str, Any]) -> Iterator[Need]:
    if gone := _missing(shown["fronts"]):
        yield Need(
            "soon",
            "fronts",
            _gone(gone, "front"),
            f"{_names(gone)} died. Its readers come back elsewhere; if it is not started again by itself, start it.",
        )
    for front in shown["fronts"]:
        lag = front["lag_ms"] or 0.0
        if front["state"] == "silent":
            yield Need(
                "now",
                "fronts",
                "A front says nothing",
                f"{front['name']} was last heard {_seconds(front['renewed_seconds'])} ago: "
                "it hangs, or is cut off from Redis. Look at its log and its machine.",
            )
        elif lag >= LAG_SOON_MS and front["state"] == "live":
            yield Need(
                "now" if lag >= LAG_NOW_MS else "soon",
                "fronts",
                f"Readers are {_seconds(lag / 1000)} late",
                f"{front['name']} hears the channel late: its processor or its network is full. Start another front.",
            )


def _answers(shown: Mapping[str, Any]) -> Iterator[Need]:
    ended, failed = _recent(shown, "ended"), _recent(shown, "failed")
    if ended >= FAILED_LEAST and failed > FAILED_SHARE * ended:
        yield Need(
            "now",
            "ended",
            f"{failed} of {ended} answers failed",
            "In the last 5 minutes. Open one of them below: its timeline says why.",
        )
    slowest = max((point or 0.0 for point in _last(shown, "first_content_p99", SLOW_SECONDS)), default=0.0)
    if slowest > FIRST_CONTENT_SECONDS:
        yield Need(
            "soon",
            "first_content",
            f"First content takes {_seconds(slowest)}",
            "For one in a hundred, in the last minute: too few workers, or Claude is slow.",
        )


_JUDGES: tuple[Callable[[Mapping[str, Any]], Iterator[Need]], ...] = (_redis, _workers, _queue, _fronts, _answers)


def _recent(shown: Mapping[str, Any], name: str) -> int:
    """The sum over the last minutes of a chart that counts."""
    return round(sum(point or 0 for point in _last(shown, name, RECENT_SECONDS)))


def _last(shown: Mapping[str, Any], name: str, seconds: int) -> Sequence[float | None]:
    charts = shown["charts"]
    points: Sequence[float | None] = charts[name][-(seconds // charts["step_seconds"]) :]
    return points


def _missing(processes: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of those that died and in whose place none has begun since."""
    gone = sorted((one for one in processes if one["state"] == "gone"), key=lambda one: -one["renewed_seconds"])
    earliest = gone[0]["renewed_seconds"] if gone else 0.0
    fresh = sum(one["state"] == "live" and one["started_seconds"] < earliest for one in processes)
    return [one["name"] for one in gone[fresh:]]


def _gone(names: Sequence[str], what: str) -> str:
    return f"A {what} is gone" if len(names) == 1 else f"{len(names)} {what}s are gone"


def _names(names: Iterable[str]) -> str:
    return ", ".join(names)


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _s(number: int) -> str:
    """The verb's ending."""
    return "s" if number == 1 else ""


def _seconds(seconds: float) -> str:
    match seconds:
        case _ if seconds < 1:
            return f"{seconds * 1000:.0f} ms"
        case _ if seconds < _SHORT:
            return f"{seconds:.1f} s".replace(".0", "")
        case _ if seconds < _LONG:
            return f"{seconds:.0f} s"
        case _:
            return f"{seconds // 60:.0f} min"
