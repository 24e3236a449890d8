"""Whatever a screen does, whoever waits for it hears of it in time, and the front's loop turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from app.access.screening import asking
from app.access.screening.asking import CALLS_MAX, HELD_UP_MAX, Screening, Unscreened
from app.access.screens import Metadata, Refusal, Screen, ScreenedPrompt
from app.stream.observing import Event
from app.watch.events.of_fronts import ScreenFailed
from app.watch.events.of_streams import Refused
from app.watch.observers import observed
from tests.app.access.screening import a_screen
from tests.app.access.screening.a_screen import SECRET
from tests.app.served import until

SOON, NEVER = 0.05, 20.0  # as far as a test is concerned
Make = Callable[..., Screening]


def prompt(text: str = "hello") -> ScreenedPrompt:
    request = b'{"model":"m","messages":[{"role":"user","content":"%b"}]}' % text.encode()
    return ScreenedPrompt("acme/bob", "acme", "bob", "/v1/streams", "m", request)


@pytest.fixture
async def of() -> AsyncIterator[Make]:
    made: list[Screening] = []

    def make(screen: Screen | None, seconds: float = NEVER) -> Screening:
        made.append(Screening(screen, seconds))
        return made[-1]

    a_screen.may.clear()
    yield make
    a_screen.may.set()
    for one in made:
        await one.aclose()


class Listener:
    def __init__(self) -> None:
        self.heard: list[Event] = []

    def told(self, event: Event) -> None:
        self.heard.append(event)


async def test_without_a_screen_everything_passes(of: Make) -> None:
    assert of(None).off
    assert await of(None).ask(prompt()) is None


async def test_what_it_says_is_what_comes_of_it(of: Make) -> None:
    screening, listener = of(a_screen.by_text), Listener()
    with observed(listener):
        assert await screening.ask(prompt()) is None
        assert await screening.ask(prompt(f"say {SECRET}")) == Refusal("not here", "hush")
        kept = await screening.ask(prompt("keep"))
    assert kept == Metadata({"route": "/v1/streams", "owner": "acme/bob", "model": "m", "risk": 0.25})
    [refused] = listener.heard
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.model, refused.of.owner) == ("screen:hush", "m", "acme/bob")
    assert isinstance(await of(a_screen.an_object).ask(prompt()), Refusal)


@pytest.mark.parametrize(
    ("screen", "error"),
    [
        (a_screen.raising, "ValueError"),
        (a_screen.leaving, "SystemExit"),
        (a_screen.saying_yes, "answered:bool"),
    ],
)
async def test_what_is_no_answer_closes_the_door_and_is_told_without_its_words(
    of: Make, screen: Screen, error: str
) -> None:
    screening, listener = of(screen), Listener()
    with observed(listener):
        for _ in range(2):
            said = await screening.ask(prompt(SECRET))
            assert isinstance(said, Unscreened)
            assert said.error == error
    assert [type(event) for event in listener.heard] == [ScreenFailed, ScreenFailed]
    assert SECRET not in str(listener.heard)


@pytest.mark.parametrize("screen", [a_screen.slow, a_screen.stubborn])
async def test_what_takes_too_long_closes_the_door(of: Make, screen: Screen) -> None:
    screening = of(screen, SOON)
    assert await asyncio.gather(*(screening.ask(prompt()) for _ in range(3))) == [Unscreened("timeout")] * 3


async def test_what_cannot_be_cancelled_is_bounded(of: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    assert CALLS_MAX == 256
    monkeypatch.setattr(asking, "CALLS_MAX", 2)
    screening = of(a_screen.stubborn, SOON)
    for _ in range(2):
        assert await screening.ask(prompt()) == Unscreened("timeout")
    assert await screening.ask(prompt()) == Unscreened("busy")


async def test_what_holds_up_its_thread_holds_up_nobody_else(of: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "TURN_SECONDS", 0.0)
    screening = of(a_screen.hanging, SOON)
    screening._seconds = SOON
    for _ in range(HELD_UP_MAX - 1):
        assert await screening.ask(prompt(SECRET)) == Unscreened("timeout")
        screening._seconds = NEVER
        assert await screening.ask(prompt()) is None  # in another one
        screening._seconds = SOON
    assert await screening.ask(prompt(SECRET)) == Unscreened("timeout")
    assert await screening.ask(prompt()) == Unscreened("busy")  # that is enough of them
    a_screen.may.set()
    screening._seconds = NEVER

    async def passes() -> bool:
        return await screening.ask(prompt()) is None

    await until(passes)


async def test_what_asks_for_an_exit_behind_our_back_is_told_and_the_next_prompts_are_screened(
    of: Make, caplog: pytest.LogCaptureFixture
) -> None:
    screening = of(a_screen.leaving_later)
    assert await screening.ask(prompt(SECRET)) is None
    await until(lambda: "task.fell task=screening error=SystemExit" in caplog.text)
    assert await screening.ask(prompt()) is None
    assert SECRET not in caplog.text


async def test_who_leaves_is_not_waited_for(of: Make) -> None:
    screening = of(a_screen.slow)
    asking = asyncio.create_task(screening.ask(prompt()))
    await until(lambda: screening._room is not None and screening._room.calls)
    asking.cancel()
    await until(lambda: screening._room is not None and not screening._room.calls)
