"""Servers that break one promise each, and what is found; and those that break none."""

from __future__ import annotations

import pytest

from app.terminal.probe import targets
from app.terminal.probe.judging import Found
from app.terminal.probe.promises import Promise
from app.terminal.probe.reading import connecting, rounds, ui_chats
from app.terminal.probe.reading.connecting import Asked, How, a_client
from app.terminal.probe.reading.rounds import NothingToReadError, Plan, Rounds
from app.terminal.probe.reading.ui_chats import Chats
from app.terminal.probe.seen import arrivals, sse_blocks
from app.terminal.probe.targets import AI_SDK, ENDS, EVENT_SOURCE, KEEPSTREAM, Target
from tests.harness.network.broken_sse import EVENTS, BrokenServer, Fault

PLAN = Plan(cuts=6, seed=7, seconds=20.0)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """These servers take a part of a second, and their events a hundred bytes."""
    monkeypatch.setattr(rounds, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(rounds, "LIVE_CUT_BYTES", (100, 1000))
    monkeypatch.setattr(ui_chats, "PAUSE_SECONDS", (0.0, 0.05))
    monkeypatch.setattr(ui_chats, "APART_SECONDS", 0.1)


async def probed(server: BrokenServer, *, end: str = "", plan: Plan = PLAN) -> Found:
    async with a_client({}) as http:
        target = Target(server.dialect, server.url, ENDS.get(server.dialect, end))
        if server.dialect != AI_SDK:
            return await Rounds(http, target, plan).run()
        first, again = Asked(server.url, "POST", content=b"{}"), Asked(f"{server.url}/1/stream")
        return await Chats(http, target, plan, first, again).run()


def broken(found: Found) -> set[Promise]:
    return {breach.promise for breach in found.breaches}


@pytest.mark.parametrize("dialect", [KEEPSTREAM, EVENT_SOURCE, AI_SDK])
async def test_who_breaks_none_is_said_to(dialect: str) -> None:
    async with BrokenServer(dialect) as server:
        found = await probed(server)
    assert found.breaches == ()
    assert found.unshown.keys() <= {Promise.BUFFERING}, "which a machine that is busy cannot judge"
    # When all of it is there, cuts are spread over all of it, and most of them lie behind an event.
    assert found.facts["resumed"] > (0 if dialect == AI_SDK else PLAN.cuts // 2)
    assert found.facts.get("events", EVENTS) == EVENTS


async def test_an_ending_needs_no_id_and_a_comment_is_no_event() -> None:
    async with BrokenServer(EVENT_SOURCE, Fault.BARE_END) as server:
        found = await probed(server, end="over")
    assert found.breaches == ()
    assert found.unshown.keys() <= {Promise.BUFFERING}, "which a machine that is busy cannot judge"


OF_BOTH = [
    (Fault.DROPS, {Promise.GAP}),
    (Fault.DOUBLES, {Promise.DOUBLED}),
    (Fault.SWAPS, {Promise.REORDERED}),
    (Fault.FOREIGN, {Promise.SPLICED}),
    (Fault.STRAYS, {Promise.IDS}),
    (Fault.IGNORES, {Promise.DOUBLED}),
    (Fault.STOPS, {Promise.GAP}),
    (Fault.REFUSES, {Promise.STATUS}),
    (Fault.IS_HTML, {Promise.STATUS}),
    (Fault.ENDS_AMID, {Promise.ENDING}),
]
OF_OURS = [
    *OF_BOTH,
    (Fault.SPLICES, {Promise.SPLICED}),
    (Fault.RESETS, {Promise.IDS}),
    (Fault.NO_REASON, {Promise.IDS}),
    (Fault.JUMPS, {Promise.GAP}),
    (Fault.LOSES, {Promise.GAP}),
    (Fault.ENDS_EARLY, {Promise.ENDING}),
    (Fault.GOES_ON, {Promise.ENDING}),
    (Fault.STAYS, {Promise.ENDING}),
    (Fault.NEVER_DONE, {Promise.STATUS}),
    (Fault.PACKS_FOR_BROWSERS, {Promise.BUFFERING}),
    (Fault.TAKES_ALL, {Promise.STATUS, Promise.IDS}),
    (Fault.ENDLESS, {Promise.BOUNDS}),
]
OF_OTHERS = [
    *OF_BOTH,
    (Fault.SPLICES, {Promise.SPLICED}),
    (Fault.SAME_ID, {Promise.IDS}),
    (Fault.NO_ID, {Promise.IDS}),
    (Fault.SOME_IDS, {Promise.IDS}),
    (Fault.LONG_ID, {Promise.IDS}),
    (Fault.EMPTY_ID, {Promise.IDS}),
    (Fault.ENDS_EARLY, {Promise.ENDING}),
]
OF_CHATS = [
    (Fault.SPLICES, {Promise.SPLICED}),
    (Fault.SWAPS, {Promise.REORDERED}),
    (Fault.STOPS, {Promise.GAP}),
    (Fault.REFUSES, {Promise.STATUS}),
    (Fault.ENDS_EARLY, {Promise.ENDING}),
    (Fault.ENDS_AMID, {Promise.ENDING}),
    (Fault.GOES_ON, {Promise.ENDING}),
]
ALL = [
    *((KEEPSTREAM, *row) for row in OF_OURS),
    *((EVENT_SOURCE, *row) for row in OF_OTHERS),
    *((AI_SDK, *row) for row in OF_CHATS),
]


def called(value: object) -> str:
    """A set has its members in another order in each process."""
    return ",".join(sorted(value)) if isinstance(value, set) else str(value)


@pytest.mark.parametrize(("dialect", "fault", "promises"), ALL, ids=called)
async def test_who_breaks_one_is_found_out(
    dialect: str, fault: Fault, promises: set[Promise], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "CLOSING_SECONDS", 0.1)
    monkeypatch.setattr(sse_blocks, "BLOCK_BYTES", 1024 * 1024)
    async with BrokenServer(dialect, fault) as server:
        found = await probed(server, end="over")
    assert promises <= broken(found), found.breaches
    if promises != {Promise.IDS}:
        assert not {Promise.BUFFERING, Promise.BOUNDS} - promises & broken(found), found.breaches


@pytest.mark.parametrize("dialect", [KEEPSTREAM, EVENT_SOURCE, AI_SDK])
async def test_who_holds_everything_back_is_found_out(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "SILENCE_SECONDS", 0.2)
    monkeypatch.setattr(arrivals, "FIRST_SECONDS", 0.2)
    monkeypatch.setattr(arrivals, "LUMP_SECONDS", 5.0)  # on a machine that is busy with other tests
    async with BrokenServer(dialect, Fault.BUFFERS) as server:
        found = await probed(server)
    assert Promise.BUFFERING in broken(found) or "too busy" in found.unshown.get(Promise.BUFFERING, "")


async def test_of_a_feed_what_comes_while_it_is_read_is_compared() -> None:
    async with BrokenServer(EVENT_SOURCE, feed=True) as server:
        found = await probed(server, plan=Plan(cuts=6, seed=7, seconds=3.0))
    assert found.breaches == ()
    assert found.unshown.keys() <= {Promise.BUFFERING}, "which a machine that is busy cannot judge"
    assert found.facts["resumed"] > 0
    assert any("feed" in note for note in found.notes)


async def test_an_end_amid_an_event_is_none_though_nobody_knows_the_ending() -> None:
    async with BrokenServer(EVENT_SOURCE, Fault.ENDS_AMID) as server:
        assert Promise.ENDING in broken(await probed(server))


async def test_who_falls_silent_is_waited_for_as_long_as_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "KEEPSTREAM_SILENCE", 1.0)
    async with BrokenServer(KEEPSTREAM, Fault.MUTE) as server:
        found = await probed(server, plan=Plan(cuts=6, seed=7, seconds=3.0))
    assert Promise.BUFFERING in broken(found) or "too busy" in found.unshown.get(Promise.BUFFERING, "")
    assert Promise.ENDING in found.unshown


@pytest.mark.parametrize("dialect", [KEEPSTREAM, AI_SDK])
async def test_who_never_answers_is_not_waited_for(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "KEEPSTREAM_SILENCE", 0.5)
    async with BrokenServer(dialect, Fault.DEAF) as server:
        with pytest.raises(NothingToReadError) as raised:
            await probed(server, plan=Plan(cuts=6, seed=7, seconds=1.0))
    assert raised.value.reading.how in (How.SILENT, How.LATE)


async def test_the_same_seed_cuts_at_the_same_bytes() -> None:
    assert [*PLAN.live()] == [*Plan(6, 7, 1.0).live()] != [*Plan(6, 8, 1.0).live()]
    assert [*PLAN.again(5000)] == [*Plan(6, 7, 1.0).again(5000)]
    assert sum(PLAN.again(5000)) < 5000


@pytest.mark.parametrize("dialect", [KEEPSTREAM, EVENT_SOURCE, AI_SDK])
async def test_what_cannot_be_read_at_all_is_not_judged(dialect: str) -> None:
    async with BrokenServer(dialect, Fault.PACKS) as server:
        with pytest.raises(NothingToReadError) as raised:
            await probed(server)
    assert (raised.value.reading.how, raised.value.reading.coding) == (How.REFUSED, "gzip")


async def test_where_nobody_is_nothing_is_judged() -> None:
    async with BrokenServer(EVENT_SOURCE) as server:
        pass
    with pytest.raises(NothingToReadError) as raised:
        await probed(server)
    assert raised.value.reading.how is How.UNREACHABLE
