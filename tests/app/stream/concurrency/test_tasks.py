from __future__ import annotations

import asyncio
import contextlib
import itertools
import re

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from app.stream.concurrency import tasks as tasks_module
from app.stream.concurrency.tasks import Rounds, Supervised, end
from tests.patience import PATIENCE


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_tasks_have_ended() -> None:
    tasks = [asyncio.create_task(for_ever()) for _ in range(3)]
    await end(*tasks)
    assert all(task.cancelled() for task in tasks)
    await end()


async def test_a_task_that_loses_a_cancellation_is_cancelled_again() -> None:
    async def forgetful() -> None:
        for _ in range(2):
            with contextlib.suppress(asyncio.CancelledError):
                await for_ever()
        await for_ever()

    task = asyncio.create_task(forgetful())
    await asyncio.sleep(0)
    await end(task)
    assert task.cancelled()


async def test_what_a_task_came_to_does_not_matter() -> None:
    async def fails() -> None:
        raise KeyError

    tasks = [asyncio.create_task(fails()), asyncio.create_task(asyncio.sleep(0, 7))]
    await asyncio.wait(tasks)
    await end(*tasks)


# --- supervision


class Work:
    """Falls as often as it is told to, then runs on."""

    def __init__(self, *falls: BaseException | None) -> None:
        self.falls = list(falls)
        self.starts: list[float] = []
        self.runs = asyncio.Event()

    async def __call__(self) -> None:
        self.starts.append(asyncio.get_running_loop().time())
        if self.falls:
            fall = self.falls.pop(0)
            if fall is not None:
                raise fall
            return
        self.runs.set()
        await for_ever()


@pytest.mark.parametrize(
    ("fall", "word"),
    [
        (KeyError("a prompt"), "KeyError"),
        (None, "ended"),
        (TimeoutError(), "TimeoutError"),
        (asyncio.CancelledError(), "CancelledError"),
    ],
)
async def test_work_that_fell_is_told_by_its_class_and_started_again(
    fall: BaseException | None, word: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks_module, "PAUSE_SECONDS", 0.001)
    work = Work(fall, fall)
    async with Supervised("sweep", work) as watched, asyncio.timeout(PATIENCE):
        await work.runs.wait()
        assert (watched.alive, watched.falls, len(work.starts)) == (True, 2, 3)
    assert not watched.alive
    place = "" if fall is None else r' place="\w+ \([^()]*:\d+\)"'
    assert len(caplog.records) == 2
    for line in caplog.messages:
        assert re.fullmatch(rf'task\.fell task=sweep error={word}{place} hint="it starts again"', line)
    assert "a prompt" not in caplog.text


async def test_work_that_falls_at_once_is_not_started_without_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks_module, "PAUSE_SECONDS", 0.02)
    work = Work(*[KeyError()] * 4)
    async with Supervised("sweep", work), asyncio.timeout(PATIENCE):
        await work.runs.wait()
    pauses = [after - before for before, after in itertools.pairwise(work.starts)]
    for n, pause in enumerate(pauses):
        assert pause >= 0.02 * 2**n / 2  # jittered by a half at the most


async def test_who_asks_while_it_lies_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks_module, "PAUSE_SECONDS", 3600.0)
    monkeypatch.setattr(tasks_module, "PAUSE_SECONDS_MAX", 3600.0)
    watched = Supervised("sweep", Work(KeyError())).start()
    assert watched.alive
    async with asyncio.timeout(PATIENCE):
        while watched.falls == 0:
            await asyncio.sleep(0)
    assert not watched.alive
    await watched.stop()


async def test_a_cancellation_ends_it() -> None:
    work = Work()
    watched = Supervised("sweep", work).start()
    async with asyncio.timeout(PATIENCE):
        await work.runs.wait()
        await watched.stop()
    assert (watched.falls, watched.alive) == (0, False)


# --- of who asks Redis


async def test_an_outage_is_told_as_one_and_is_no_fall(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks_module, "PAUSE_SECONDS_MAX", 0.001)
    work = Work(*[RedisConnectionError()] * 20)
    async with Supervised("claims", work, asks_redis=True) as watched, asyncio.timeout(PATIENCE):
        await work.runs.wait()
        assert watched.falls == 0
    assert len(caplog.records) == 1
    assert "redis.away asker=claims " in caplog.text


async def test_what_redis_never_answers_is_a_fall_and_its_words_are_not_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks_module, "PAUSE_SECONDS_MAX", 0.001)
    refused = ResponseError("Command # 1 (SET a secret) of pipeline caused error: ('OOM no room',)")
    work = Work(refused, ResponseError("secret"))
    async with Supervised("claims", work, asks_redis=True) as watched, asyncio.timeout(PATIENCE):
        await work.runs.wait()
        assert watched.falls == 1
    assert "secret" not in caplog.text
    assert "task.fell task=claims error=ResponseError place=" in caplog.text


# --- rounds


async def test_rounds_go_on_after_one_that_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks_module, "PAUSE_SECONDS", 0.001)
    done, rounds = asyncio.Event(), 0

    async def once() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise KeyError
        if rounds == 3:
            done.set()

    async with Rounds("sweep", 0.001, once) as watched, asyncio.timeout(PATIENCE):
        await done.wait()
        assert (watched.alive, watched.falls) == (True, 1)
    assert not watched.alive


async def test_a_round_that_hangs_is_no_life_and_is_ended_and_begun_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PAUSE_SECONDS", "LATE_SECONDS"):
        monkeypatch.setattr(tasks_module, name, 0.01)
    begun = asyncio.Queue[None]()
    hangs = [True] * 2

    async def once() -> None:
        begun.put_nowait(None)
        if hangs and hangs.pop():
            await for_ever()

    async with Rounds("sweep", 0.001, once) as watched, asyncio.timeout(PATIENCE):
        assert watched.alive  # it has just begun
        for _ in range(2):
            await begun.get()
        assert (watched.alive, watched.falls) == (False, 1)  # none was done by the first, although it was begun again
        for _ in range(2):
            await begun.get()
        monkeypatch.setattr(tasks_module, "LATE_SECONDS", 60.0)
        assert (watched.alive, watched.falls) == (True, 2)
    assert "task.fell task=sweep error=TimeoutError place=" in caplog.text
