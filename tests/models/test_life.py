"""The table of a stream's stages, as it stands in the code: checked by Spin, and shown to need each of its rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from app.stream.stages import WAYS, Cause, Stage, Tells, Way, When
from tests.long import some_of
from tests.models.spin import errors, needs_spin, report

pytestmark = needs_spin

# Not called as a stage is.
NAMES = {Cause.CONTENT: "CONTENT_CAUSE"}


def name_of(cause: Cause) -> str:
    return NAMES.get(cause, cause.name)


def options(ways: Sequence[Way]) -> str:
    """A line of Promela for each way from each stage."""
    lines = []
    for number, way in enumerate(ways):
        earlier = [one for one in ways[:number] if one.cause is way.cause]
        for stage in sorted(way.at):
            unless = [f" && UNLESS_{one.when.name}" for one in earlier if stage in one.at]
            condition = f" && IF_{way.when.name}" if way.when else ""
            goes = (
                f"to = {way.to.name}; cause = {name_of(way.cause)}; when = {way.when.name}; tells = {told(way.tells)}"
            )
            guard = f"stage == {stage.name} && CAN_{way.cause.name}{condition}{''.join(unless)}"
            costs = f"charge = {way.charge}; frees = {way.frees:d}"
            lines.append(f":: {guard} -> {goes}; tells = {told(way.tells)}; {costs}")
    return "\n".join(lines) + "\n"


def told(tells: Tells) -> str:
    return tells.upper().replace(".", "_") or "NOTHING"


def constants() -> str:
    names = [[stage.name for stage in Stage], [name_of(cause) for cause in Cause]]
    names += [[when.name for when in When], [told(tells) for tells in Tells]]
    return "".join(f"#define {name} {number}\n" for group in names for number, name in enumerate(group))


def found_of(ways: Sequence[Way], directory: Path) -> str:
    """What Spin finds wrong with a table: promises broken, dead ends, and lives without an end."""
    (directory / "life_ways.pml").write_text(options(ways))
    (directory / "life_names.pml").write_text(constants())
    return report("life", directory, cycles=True)


def test_the_table_keeps_the_promises_and_every_way_of_it_is_gone(tmp_path: Path) -> None:
    """A way that is never gone would be one of which the model says nothing."""
    found = found_of(WAYS, tmp_path)
    assert errors(found) == 0
    lines = options(WAYS).splitlines()
    unreached = {lines[int(number) - 1] for number in re.findall(r"life_ways\.pml:(\d+), state", found)}
    # What was drained with content to keep has ended, and is not begun again.
    assert [line for line in unreached if "stage == HANDED_OVER && CAN_BEGIN && IF_KEPT" not in line] == []


def changed(cause: Cause, at: Stage, **fields: object) -> Callable[[], list[Way]]:
    """The table with other words in the ways of this cause from this stage."""

    def change() -> list[Way]:
        return [replace(way, **fields) if way.cause is cause and at in way.at else way for way in WAYS]  # type: ignore[arg-type]

    return change


def without(cause: Cause, at: Stage, when: When = When.ALWAYS) -> Callable[[], list[Way]]:
    def change() -> list[Way]:
        return [replace(way, at=way.at - {at}) if way.cause is cause and way.when is when else way for way in WAYS]

    return change


def beside(way: Way) -> Callable[[], list[Way]]:
    return lambda: [*WAYS, way]


WRONG = {
    "a hand-over is paid": changed(Cause.DRAIN, Stage.CALLING, charge=0),
    "a hand-over between two calls is a gift": changed(Cause.DRAIN, Stage.BETWEEN, charge=-1),
    "a refused call is paid": changed(Cause.REFUSAL, Stage.CALLING, charge=0),
    "a call is free": changed(Cause.TURN, Stage.BETWEEN, charge=0),
    "a failure is retried for ever": without(Cause.FAILURE, Stage.CALLING, When.SPENT),
    "a lost worker is replaced for ever": without(Cause.BEGIN, Stage.LOST, When.SPENT),
    "what was seen is restarted without a word": changed(Cause.FAILURE, Stage.CONTENT, tells=Tells.NOTHING),
    "what was seen is only retried": without(Cause.BEGIN, Stage.LOST, When.SEEN),
    "a stream that was handed over is nobody's": without(Cause.BEGIN, Stage.HANDED_OVER),
    "a stream at the gate stays there": lambda: [way for way in WAYS if Stage.HELD not in way.at],
    "a message is no ending": changed(Cause.MESSAGE, Stage.CONTENT, to=Stage.BETWEEN, tells=Tells.RESET),
    "a message may come without content": beside(Way(frozenset({Stage.CALLING}), Cause.MESSAGE, Stage.ENDED)),
    "an ended stream begins again": beside(Way(frozenset({Stage.ENDED}), Cause.BEGIN, Stage.BETWEEN)),
    "an ended stream ends again": beside(Way(frozenset({Stage.ENDED}), Cause.CANCEL, Stage.ENDED)),
    "who is lost has used up its attempts": changed(Cause.BEGIN, Stage.LOST, to=Stage.ENDED, when=When.SPENT),
    "a turn's calls count on": changed(Cause.MESSAGE, Stage.CONTENT, frees=False),
    "a repair is paid with an attempt": changed(Cause.INVALID, Stage.CONTENT, charge=0),
    "a repair is told to nobody": changed(Cause.INVALID, Stage.CONTENT, tells=Tells.NOTHING),
    "it is mended for ever": without(Cause.INVALID, Stage.CONTENT, When.MENDED),
    "it is mended never": changed(Cause.INVALID, Stage.CONTENT, to=Stage.ENDED, tells=Tells.NOTHING, charge=0),
    "a turn begins without its results": changed(Cause.MESSAGE, Stage.CONTENT, to=Stage.BETWEEN),
    "a turn begins without an end": without(Cause.RESULTS, Stage.TOOLS, When.TURNS),
    "whose worker is lost as its tools run is called anew": without(Cause.BEGIN, Stage.LOST, When.DUE),
    "tools run before the message is whole": beside(Way(frozenset({Stage.CONTENT}), Cause.CONTENT, Stage.TOOLS)),
    "a person is asked of what nobody called": beside(
        Way(frozenset({Stage.CALLING}), Cause.HOLD, Stage.WAITING_FOR_PERSON)
    ),
    "who waits for a person waits for ever": without(Cause.BEGIN, Stage.WAITING_FOR_PERSON, When.DUE),
    "who asks for tools that are not offered has paid": changed(Cause.MISPLACED, Stage.LOST, charge=1),
    "tools that are lost are nobody's": lambda: [way for way in WAYS if Stage.TOOLS not in way.at],
    "a call goes on from content": beside(Way(frozenset({Stage.CONTENT}), Cause.TURN, Stage.CALLING, charge=1)),
}


@pytest.mark.parametrize("change", some_of(list(WRONG.values()), 3), ids=WRONG.keys())
def test_a_table_that_is_wrong_in_one_row_breaks_a_promise(change: Callable[[], list[Way]], tmp_path: Path) -> None:
    assert errors(found_of(change(), tmp_path)) > 0
