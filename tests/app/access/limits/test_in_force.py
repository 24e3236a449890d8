"""The limits of a front, while their file changes."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.access.caller import Caller
from app.access.limits.in_force import LimitsInForce
from app.settings import SettingsError
from app.stream.observing import Event
from app.watch.events.of_processes import LimitsReloaded
from app.watch.observers import observed
from tests.patience import PATIENCE


def here() -> str:
    return "192.0.2.1"


class Told(list[Event]):
    def told(self, event: Event) -> None:
        self.append(event)


async def until_told(told: Told, number: int) -> LimitsReloaded:
    async with asyncio.timeout(PATIENCE):
        while len(found := [event for event in told if isinstance(event, LimitsReloaded)]) < number:
            await asyncio.sleep(0.01)
    return found[-1]


async def test_without_a_file_nobody_has_limits_and_nothing_runs() -> None:
    limits = LimitsInForce()
    assert not limits.of(Caller("a")).judges
    assert limits.too_early(here) == 0
    async with AsyncExitStack() as stack:
        assert await limits.open(stack) == []


@pytest.mark.parametrize("text", [None, "", "[default]\nrpm = 1\n"])
def test_a_front_does_not_start_with_a_file_that_cannot_be_used(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "limits.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingsError, match=r"^KEEPSTREAM_LIMITS_FILE: "):
        LimitsInForce(str(file))


async def test_a_changed_file_is_in_force_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    file, told = tmp_path / "limits.toml", Told()
    file.write_text("[default]\nmax_tokens = 1\n[address]\nrequests_per_minute = 1\n")
    limits = LimitsInForce(str(file), clock=lambda: 0.0)

    def most() -> int | None:
        [(_, allowance)] = limits.of(Caller("a")).accounts
        return allowance.max_tokens

    with observed(told):
        async with AsyncExitStack() as stack:
            await limits.open(stack)
            assert most() == 1
            assert [limits.too_early(here) for _ in range(2)] == [0, 60]
            file.write_text("[default]\nmax_tokens = 2\n[owner.a]\nweight = 1\n")
            assert await until_told(told, 1) == LimitsReloaded("taken", 1)
            assert (most(), limits.too_early(here)) == (2, 0)
            file.write_text("[default]\nmax_tokens = 'many'\n")
            reloaded = await until_told(told, 2)
            assert (reloaded.outcome, reloaded.owners) == ("malformed", 1)
            assert "[default] max_tokens" in reloaded.why
            assert most() == 2
