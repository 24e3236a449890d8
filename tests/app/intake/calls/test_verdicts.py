"""What a person may say to a call of a tool, and that what was said is not lost (see also `test_approving.py`)."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as AwayError

from app.intake.calls.verdicts import REASON_CHARACTERS, decide, verdict_of
from app.intake.raw_json import InvalidPromptError, raw
from app.intake.streams import Streams
from app.prices import Prices
from app.settings import Settings
from app.stream import keys
from app.stream.approvals.approvals import Decided, Verdict
from app.stream.conversations.store import Conversations
from app.stream.log import Log, State
from app.stream.observing import Event
from app.stream.queue import Queue
from app.watch.events.of_streams import ToolDecided
from tests.harness.heard import heard

LIFE_MS = 60_000


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({"approve": True}, Verdict(approve=True)),
        ({"approve": False, "reason": None}, Verdict(approve=False)),
        ({"approve": False, "reason": " zu teuer 🙂 "}, Verdict(approve=False, reason="zu teuer 🙂")),
        ({"approve": False, "reason": "é" * REASON_CHARACTERS}, Verdict(approve=False, reason="é" * REASON_CHARACTERS)),
    ],
)
def test_a_verdict_is_yes_or_no_and_why(given: dict[str, Any], verdict: Verdict) -> None:
    assert verdict_of({name: raw(value) for name, value in given.items()}) == verdict


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "approve"),
        ({"approve": 1}, "approve"),
        ({"approve": True, "reason": ["x"]}, "reason"),
        ({"aprove": 1}, "aprove"),
    ],
)
def test_what_is_none_is_refused_by_its_name(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidPromptError, match=says):
        verdict_of({name: raw(value) for name, value in given.items()})


async def test_who_cannot_be_woken_now_is_woken_later(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    log, queue = Log(redis), Queue(redis)
    streams = Streams(log, queue, Conversations(redis, log), Settings(), "front", pricing=Prices().cost)
    await log.open("a", {"ask:toolu_1": "{}", "state": "waiting"})
    await queue.submit("a", limit=10, life_ms=LIFE_MS)
    [claim] = await queue.claim("w", 1, slots=1, lease_ms=LIFE_MS)
    await queue.approvals.wait(claim, LIFE_MS)
    wake, tried = queue.approvals.wake, list[str]()

    async def away(stream_id: str) -> bool:
        tried.append(stream_id)
        if len(tried) < 3:
            raise AwayError
        return await wake(stream_id)

    monkeypatch.setattr(queue.approvals, "wake", away)
    events: list[Event]
    with heard() as events:
        said = [await decide(streams, "a", "me", "toolu_1", Verdict(approve=True)) for _ in range(2)]
    assert said == [(Decided.OK, State.WAITING), (Decided.SAME, State.WAITING)]
    await streams.owed.paid()
    assert await redis.zcard(keys.JOBS) == 1
    assert [event.approved for event in events if isinstance(event, ToolDecided)] == [True]
