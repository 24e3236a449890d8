"""The other processes of this deployment: who is there, how long ago they said so, and of which version they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from app.doctor.finding import Finding, must, note, ok, warning
from app.doctor.patient import Patient
from app.stream.board.board import Board, Left, Look
from app.stream.redis.refusals import NO_ANSWER
from app.stream.upgrades.jobs import PutBy
from app.version import our_version

# Each says every second that it is there. One that is gone is news for a while.
LATE_SECONDS, NEWS_SECONDS = 5.0, 300.0
# Of the steps of the board none is wanted.
_NO_STEP = 2**40


async def fronts(patient: Patient) -> list[Finding]:
    look = await _look(patient)
    if look is None:
        return []
    there = _there(look, "front")
    return [ok(_named(there)) if there else note("none is there"), *_silent(look, "front")]


async def workers(patient: Patient) -> list[Finding]:
    look = await _look(patient)
    if look is None:
        return []
    found = list(_silent(look, "worker"))
    if put_by := await PutBy(patient.redis).count() if patient.redis is not None else 0:
        waits = f"{put_by} streams wait for a worker of a newer version than those that have met them"
        found.insert(0, must(waits, "start workers of the version of the newest front"))
    if there := _there(look, "worker"):
        return [ok(_named(there)), *found]
    if look.waiting:
        return [must(f"none is there, and {look.waiting} streams wait", "start `keepstream worker`"), *found]
    return [warning("none is there: prompts will wait", "start `keepstream worker`"), *found]


async def versions(patient: Patient) -> list[Finding]:
    look, ours = await _look(patient), our_version()
    if look is None:
        return []
    theirs = sorted({_version(one) for kind in ("front", "worker") for one in _there(look, kind)})
    if len(theirs) > 1:
        return [warning(f"the processes are of {', '.join(theirs)}", "restart those of the older ones")]
    if theirs and theirs != [ours]:
        return [note(f"the processes are of {theirs[0]}, and this is {ours}", "ask the one that was deployed")]
    return [ok(f"all are of {ours}")] if theirs else []


async def _look(patient: Patient) -> Look | None:
    if patient.redis is None:
        return None
    try:
        return await Board(patient.redis).look(_NO_STEP)
    except NO_ANSWER:
        return None  # the check of rights says so


def _there(look: Look, kind: str) -> Sequence[Left]:
    return [one for one in look.processes if one.numbers.get("kind") == kind and one.age <= LATE_SECONDS]


def _silent(look: Look, kind: str) -> Iterator[Finding]:
    for one in look.processes:
        if one.numbers.get("kind") != kind or one.age <= LATE_SECONDS:
            continue
        if one.heard:
            yield warning(f"{one.name} is connected and has said nothing for {one.age:.0f} s", "see what it hangs on")
        elif one.age <= NEWS_SECONDS:
            yield note(f"{one.name} went {one.age:.0f} s ago without a word", "see its log for why")


def _named(there: Sequence[Left]) -> str:
    draining = sum(bool(one.numbers.get("draining")) for one in there)
    of = Counter(map(_version, there))
    versions = (
        f" ({', '.join(f'{count} of {version}' for version, count in sorted(of.items()))})" if len(of) > 1 else ""
    )
    is_are = "is" if len(there) == 1 else "are"
    return f"{len(there)} {is_are} there{versions}" + (f", {draining} draining" if draining else "")


def _version(one: Left) -> str:
    return str(one.numbers.get("version", "an unknown version"))
