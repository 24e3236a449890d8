"""Following a stream: Ctrl-C stops it and then leaves, and a lost connection is in sight."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Callable
from typing import Any, Self, cast

import pytest

from app.clients.python.keepstream import AsyncClient, Event, GoneError, UnreachableError
from app.clients.python.keepstream.errors import refused
from app.terminal import following as module
from app.terminal.following import Followed, Following
from app.terminal.options import Left
from tests.patience import PATIENCE

END = Event("relay.end", {"outcome": "completed"}, "3")


def text(words: str) -> Event:
    return Event("content_block_delta", {"delta": {"type": "text_delta", "text": words}}, "1")


class Source:
    """Stands for the client: gives what the test puts in, and counts what is cancelled."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Event | Exception] = asyncio.Queue()
        self.on_state: Callable[[str, float], None] = lambda _state, _wait: None
        self.cancelled = 0
        self.refusals: list[Exception] = []

    async def events(
        self, _stream_id: str, *, on_state: Callable[[str, float], None], **_after: str
    ) -> AsyncGenerator[Event]:
        self.on_state = on_state
        while True:
            match await self.queue.get():
                case Event() as event:
                    yield event
                    if event.type == "relay.end":
                        return
                case error:
                    raise error

    async def cancel(self, _stream_id: str) -> dict[str, Any]:
        self.cancelled += 1
        if self.refusals:
            raise self.refusals.pop()
        return {}


class Sheet:
    """Remembers what was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str, bool]] = []
        self.voids: list[str] = []
        self.left = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.left = True

    def show(self, text: str, status: str, *, whole: bool = False) -> None:
        self.shown.append((text, status, whole))

    def void(self, why: str) -> None:
        self.voids.append(why)

    async def has(self, text: str | None = None, status: str | None = None) -> None:
        """Returns once that is what is shown."""
        async with asyncio.timeout(PATIENCE):
            while not self.shown or (
                (text is not None and self.shown[-1][0] != text) or (status is not None and self.shown[-1][1] != status)
            ):
                await asyncio.sleep(0.005)


class Watched:
    def __init__(self, *, stoppable: bool = True, fresh: bool = True) -> None:
        self.source, self.sheet = Source(), Sheet()
        following = Following(cast("AsyncClient", self.source), "st_1", self.sheet, stoppable=stoppable, fresh=fresh)
        self.task: asyncio.Task[Followed] = asyncio.create_task(following.run())

    async def give(self, *events: Event | Exception) -> None:
        for event in events:
            await self.source.queue.put(event)

    async def interrupt(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.005)
    monkeypatch.setattr(module, "CANCEL_AGAIN_SECONDS", 0.01)


async def test_what_comes_is_shown_to_the_ending() -> None:
    watched = Watched()
    await watched.give(text("Hel"))
    await watched.sheet.has("Hel", "")
    await watched.give(text("lo"), END)
    followed = await watched.task
    assert watched.sheet.shown[-1] == ("Hello", "", True)
    assert followed.answer.end == {"outcome": "completed"}
    assert watched.sheet.left


async def test_ctrl_c_cancels_and_still_shows_the_ending() -> None:
    watched = Watched()
    await watched.give(text("Hel"))
    await watched.sheet.has("Hel")
    await watched.interrupt()
    await watched.sheet.has(status="stopping… (Ctrl-C again to leave)")
    await watched.give(Event("relay.end", {"outcome": "cancelled"}, "2"))
    assert (await watched.task).answer.end == {"outcome": "cancelled"}
    assert watched.source.cancelled == 1


async def test_a_cancel_that_was_not_heard_is_said_again() -> None:
    watched = Watched()
    watched.source.refusals = [UnreachableError("away"), refused(503, "api_error", "away")]
    await watched.sheet.has(status="waiting…")
    await watched.interrupt()
    async with asyncio.timeout(PATIENCE):
        while watched.source.cancelled < 3:
            await asyncio.sleep(0.005)
    await watched.give(END)
    await watched.task


async def test_a_cancel_that_is_refused_for_good_is_not() -> None:
    watched = Watched()
    watched.source.refusals = [refused(404, "not_found_error", "gone")]
    await watched.sheet.has(status="waiting…")
    await watched.interrupt()
    await watched.sheet.has(status="stopping… (Ctrl-C again to leave)")
    await watched.give(END)
    await watched.task
    assert watched.source.cancelled == 1


async def test_the_second_ctrl_c_leaves() -> None:
    watched = Watched()
    await watched.sheet.has(status="waiting…")
    await watched.interrupt()
    await watched.sheet.has(status="stopping… (Ctrl-C again to leave)")
    await watched.interrupt()
    with pytest.raises(Left):
        await watched.task
    assert watched.sheet.left


async def test_who_only_watches_leaves_at_once_and_stops_nothing() -> None:
    watched = Watched(stoppable=False)
    await watched.sheet.has(status="waiting…")
    await watched.interrupt()
    with pytest.raises(Left):
        await watched.task
    assert watched.source.cancelled == 0


async def test_ctrl_c_is_as_before_afterwards() -> None:
    watched = Watched()
    await watched.give(END)
    await watched.task
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


async def test_a_lost_connection_is_counted_down_until_it_is_back() -> None:
    watched = Watched()
    await watched.give(text("Hel"))
    await watched.sheet.has("Hel", "")
    watched.source.on_state("waiting", 2.0)
    await watched.sheet.has("Hel", "reconnecting in 2 s…")
    watched.source.on_state("connecting", 0.0)
    await watched.sheet.has("Hel", "reconnecting…")
    watched.source.on_state("open", 0.0)
    await watched.sheet.has("Hel", "")
    await watched.give(END)
    await watched.task


async def test_how_often_it_was_lost_is_counted_from_the_first_connection_on() -> None:
    watched = Watched()
    await watched.sheet.has("", "waiting…")
    for state in ("waiting", "connecting", "open", "waiting", "connecting", "waiting", "connecting", "open"):
        watched.source.on_state(state, 1.0)
    await watched.give(END)
    assert (await watched.task).resumed == 1


async def test_the_wait_for_the_upstream_is_counted_down() -> None:
    watched = Watched()
    await watched.give(Event("relay.retry", {"attempt": 2, "reason": "cut", "retry_in_ms": 4000}, "1"))
    await watched.sheet.has("", "the Claude API failed (cut); trying again in 4 s…")
    await watched.give(END)
    await watched.task


async def test_what_a_new_attempt_voids_is_told_before_it_is_shown() -> None:
    watched = Watched()
    await watched.give(text("old"))
    await watched.sheet.has("old")
    await watched.give(Event("relay.reset", {"attempt": 2, "reason": "worker_lost"}, "2"), text("new"), END)
    await watched.task
    assert watched.sheet.voids == ["the answer begins again (worker_lost)"]
    assert watched.sheet.shown[-1] == ("new", "", True)


@pytest.mark.parametrize(
    ("fresh", "between", "known"),
    [
        (True, [], True),
        (False, [], False),
        (True, [Event("relay.reset", {"attempt": 2, "reason": "worker_lost"}, "2"), text("new")], True),
        (True, [Event("relay.reset", {"attempt": 2, "reason": "worker_lost"}, "2")], False),
        (True, [Event("relay.reset", {"attempt": 1, "reason": "unknown_id"}, ""), text("again")], False),
    ],
)
async def test_a_time_is_told_only_where_it_was_seen_from_the_start(
    *, fresh: bool, between: list[Event], known: bool
) -> None:
    watched = Watched(fresh=fresh)
    await watched.give(text("Hel"), *between, END)
    assert ((await watched.task).seconds is not None) == known


async def test_a_stream_that_is_lost_leaves_what_came_and_says_so() -> None:
    watched = Watched()
    await watched.give(text("Hel"), refused(410, "not_found_error", "the stream was lost"))
    with pytest.raises(GoneError, match="lost"):
        await watched.task
    assert watched.sheet.shown[-1] == ("Hel", "", True)
    assert watched.sheet.left
